"""What the rooms of the ledger ask of a connection, whichever database is behind it.

SQL is written once. `?` stands for a value and `IN ?` for a list of texts; each connection puts in its own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec

from sagadoctor.errors import LedgerError

Value = str | int | float | None
Row = tuple[Any, ...]


class Contended(LedgerError):
    """Somebody else holds what we need at this moment; nothing was changed, and another try may succeed."""


class Dropped(LedgerError):
    """The connection broke before anything was committed; another one may succeed."""


class Sort:
    """The sorts of columns: `KEY` is text that is compared byte by byte."""

    KEY = "key"
    TEXT = "text"
    WHOLE = "whole"
    REAL = "real"


class Table(msgspec.Struct, frozen=True):
    """A table that takes rows in bulk: its columns with their sorts, of which the first `keys` are its primary key."""

    name: str
    keys: int
    columns: tuple[tuple[str, str], ...]

    def upsert(self, source: str, merge: Mapping[str, str]) -> str:
        """Return the SQL that puts rows of `source` in; `merge` says how a column that exists takes a new value."""
        names = [name for name, _ in self.columns]
        taken = ", ".join(f"{name} = {merge.get(name, f'excluded.{name}')}" for name in names[self.keys :])
        return (
            f"INSERT INTO {self.name} AS kept ({', '.join(names)}) {source} "
            f"ON CONFLICT ({', '.join(names[: self.keys])}) DO UPDATE SET {taken}"
        )

    def in_order(self, rows: Iterable[Sequence[Value]]) -> list[Sequence[Value]]:
        """Return rows in the order of their keys: writers who keep to it never wait for each other in a circle."""

        def by_key(row: Sequence[Any]) -> tuple[str, ...]:
            return tuple(row[: self.keys])

        return sorted(rows, key=by_key)


def bound(values: Sequence[Value | Sequence[str]]) -> list[Value]:
    """Return values as drivers take them: a list of texts becomes one JSON text, which needs no plan of its own."""
    return [
        value if value is None or isinstance(value, (str, int, float)) else msgspec.json.encode(value).decode()
        for value in values
    ]


class Database(Protocol):
    """One open connection, used by one thread; it raises LedgerError and nothing else."""

    def damaged(self, what: str) -> LedgerError:
        """Return the error that says what is wrong with the ledger's content, and what to do."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Make what is done inside all or nothing, durable at the end, and without lost updates."""
        ...

    def rows(self, sql: str, *values: Value | Sequence[str]) -> list[Row]:
        """Return the rows that a query gives."""
        ...

    def run(self, sql: str, *values: Value | Sequence[str]) -> int:
        """Carry out a statement and return how many rows it touched."""
        ...

    def put(self, table: Table, rows: Sequence[Sequence[Value]], merge: Mapping[str, str] | None = None) -> None:
        """Insert rows, or update those whose key exists, in the order of keys."""
        ...

    def interrupt(self) -> None:
        """Make a call that runs in another thread fail soon; the connection is of no use afterwards."""
        ...

    def close(self) -> None:
        """Let the connection go; never fails."""
        ...


class Connector(Protocol):
    """Knows where the ledger is and how to connect to it."""

    @property
    def place(self) -> str:
        """Say where the ledger is, without its password."""
        ...

    def connect(self) -> Database:
        """Return a connection to an up-to-date ledger, made or migrated if need be."""
        ...
