"""One unit of work on a database, as the adapter sees it from inside the worker's thread."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from .address import POSTGRESQL
from .driver import Driver, Link, Row

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import ClauseElement

    from .catalog import Catalog


class Session:
    """One connection for one unit of work, inside the worker's thread; every call blocks."""

    def __init__(self, driver: Driver, link: Link) -> None:
        """Keep the connection for as long as the unit of work runs."""
        self._driver, self._link = driver, link
        self._plain = False

    def plainly(self) -> Session:
        """Return the session for statements that are plain SQL (see `Guest`)."""
        self._plain = True
        return self

    @property
    def engine(self) -> str:
        """Return `postgresql`, `mariadb` or `sqlite`."""
        return self._driver.engine

    @property
    def product(self) -> str:
        """Return what the server calls itself, such as `PostgreSQL`, `MariaDB`, `MySQL`, `SQLite`."""
        return self._link.product

    @property
    def version(self) -> str:
        """Return the server's version as it says it."""
        return self._link.version

    @property
    def version_number(self) -> int:
        """Return the version as a number: 150018 (PostgreSQL), 101106 (MariaDB), 34001 (SQLite)."""
        return self._link.version_number

    @property
    def security(self) -> str:
        """Return how the connection is secured, in words; empty where nothing goes over a network."""
        return self._driver.security(self._link)

    def rows(self, statement: ClauseElement) -> list[Row]:
        """Run a small statement and return ordinary Python values."""
        text, parameters = self._driver.compiled(statement, plain=self._plain)
        return self._driver.rows(self._link, text, parameters)

    def ask(self, text: str) -> list[Row]:
        """Run a fixed text of ours without parameters."""
        return self._driver.rows(self._link, text, {} if self.engine == POSTGRESQL else ())

    def stream(self, statement: ClauseElement, size: int = 500) -> Generator[Row, None, None]:
        """Yield rows with cells as raw as the driver has them: bytes for texts (see each driver)."""
        text, parameters = self._driver.compiled(statement, plain=self._plain)
        return self._driver.stream(self._link, text, parameters, size)

    def explain(self, statement: ClauseElement) -> list[Row]:
        """Return the engine's plan for a statement (see `plans`)."""
        text, parameters = self._driver.compiled(statement, plain=self._plain)
        return self._driver.explain(self._link, text, parameters)

    @contextlib.contextmanager
    def snapshot(self, *, in_order: bool = False) -> Iterator[None]:
        """Let all statements inside see one moment; keep it short.

        `in_order`: an index gives the rows in the order that is asked for, so the server shall not sort instead.
        """
        if self._link.wrapped:  # already inside a transaction of its own
            if in_order:
                self._driver.keep_order(self._link, wanted=True)
            yield
            if in_order:
                self._driver.keep_order(self._link, wanted=False)
            return
        self._driver.begin(self._link, snapshot=True)
        try:
            if in_order:
                self._driver.keep_order(self._link, wanted=True)
            yield
        finally:
            self._driver.end(self._link)

    def now(self) -> datetime:
        """Return the server's present."""
        return self._driver.now(self._link)

    @property
    def catalog(self) -> Catalog:
        """Return the reader of the server's tables about tables."""
        return self._driver.catalog(self._link)
