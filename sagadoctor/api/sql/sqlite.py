"""SQLite: the file is opened read-only and never made."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote

from sqlalchemy import FromClause
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from sagadoctor.errors import AccessDenied, BackendError, Busy, SchemaMismatch, Unreachable, WrongService

from .address import SQLITE, Address
from .catalog import Catalog
from .catalog_sqlite import SqliteCatalog
from .driver import Driver, Limits, Link, Row
from .sqlite_files import Lying, hold, let_go
from .troubles import first_line, statement_timeout

_PAUSE: Final = 0.05


class _Compiler(SQLiteCompiler):
    """Writes hints on tables, which SQLAlchemy leaves out for SQLite: `INDEXED BY`."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        """Return the hint as it was given."""
        del table
        return text


class _Dialect(SQLiteDialect_pysqlite):
    """SQLite with hints."""

    statement_compiler = _Compiler
    supports_statement_cache = True


def _text(data: bytes) -> str:
    """Return a text of a small statement; one that is no UTF-8 must not end what the statement is a part of."""
    return data.decode("utf-8", "replace")


class Sqlite(Driver):
    """One SQLite file."""

    engine: ClassVar[str] = SQLITE
    trusts_own_clock: ClassVar[bool] = True

    def __init__(self, address: Address, application: str) -> None:
        """Keep which file."""
        super().__init__(address, application)
        self.dialect = _Dialect()

    def connect(self, password: str | None, limits: Limits) -> Link:
        """Open the file; a file that isn't there stays so."""
        del password
        path = Path(self.address.database or "")
        if not path.exists():
            raise Unreachable(f"no such file: {path.absolute()}")
        if not os.access(path, os.R_OK):
            raise AccessDenied(f"the file can't be read: {path.absolute()}")
        lies = self._settled(limits.lock)
        try:
            return self._opened(path, lies, limits)
        except BaseException:
            let_go(lies)
            raise

    def _opened(self, path: Path, lies: Lying, limits: Limits) -> Link:
        raw = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro{'&immutable=1' if lies.is_at_rest else ''}",
            uri=True,
            timeout=limits.lock,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
        raw.text_factory = _text
        try:
            raw.execute("pragma query_only = on")
            raw.execute("select count(*) from sqlite_master").fetchone()
        except BaseException:
            raw.close()
            raise
        digits = sqlite3.sqlite_version_info
        number = digits[0] * 10_000 + digits[1] * 100 + digits[2]
        version = f"SQLite {sqlite3.sqlite_version}"
        return Link(raw, version, number, "SQLite", limits=limits, untouched=lies)

    def _settled(self, seconds: float) -> Lying:
        """Look at the files; whoever closes the database just now is waited for."""
        path = self.address.database or ""
        until = time.monotonic() + seconds
        while True:
            try:
                lies = hold(path)
            except OSError as error:
                raise Unreachable(f"can't open {path}: {error.strerror}") from None
            if not lies.is_stranded:
                return lies
            let_go(lies)
            if time.monotonic() > until:
                raise Unreachable(
                    f"{path}-wal holds changes, and without {path}-shm they can't be read but by making files there",
                    hint="open it once with its own program, or `sqlite3 FILE 'pragma wal_checkpoint(truncate)'`; "
                    "copy a database with both files, or none of them",
                )
            time.sleep(_PAUSE)

    def moved(self, link: Link) -> bool:
        """Say whether a database that nobody wrote has been written since."""
        lies: Lying = link.untouched
        return lies.is_at_rest and not lies.is_still_so(self.address.database or "")

    def limit(self, link: Link, limits: Limits) -> None:
        """Set how long to wait for a lock; SQLite has no statement timeout of its own."""
        if link.limits != limits:
            link.raw.execute(f"pragma busy_timeout = {round(limits.lock * 1000)}")
            link.limits = limits

    def rows(self, link: Link, text: str, parameters: Any) -> list[Row]:
        """Run a small statement."""
        return list(link.raw.execute(text, parameters or ()).fetchall())

    def stream(self, link: Link, text: str, parameters: Any, size: int) -> Generator[Row, None, None]:
        """Yield rows with texts as the bytes that lie in the file."""
        link.raw.text_factory = bytes
        cursor = link.raw.cursor()
        try:
            cursor.execute(text, parameters or ())
            while some := cursor.fetchmany(size):
                yield from some
        finally:
            cursor.close()
            link.raw.text_factory = _text

    def begin(self, link: Link, *, snapshot: bool) -> None:
        """Begin a transaction; the first read fixes what all its statements see."""
        del snapshot
        link.raw.execute("begin")

    def end(self, link: Link) -> None:
        """End the transaction."""
        if link.raw.in_transaction:
            link.raw.execute("rollback")

    def cancel(self, link: Link, helper: Link | None, seconds: float) -> bool:
        """Interrupt the running statement."""
        del helper, seconds
        with contextlib.suppress(Exception):
            link.raw.interrupt()
        return True

    def cut(self, link: Link) -> None:
        """Interrupt once more: there is no socket to close."""
        with contextlib.suppress(Exception):
            link.raw.interrupt()

    def close(self, link: Link) -> None:
        """Close the file."""
        with contextlib.suppress(Exception):
            link.raw.close()
        let_go(link.untouched)

    def now(self, link: Link) -> datetime:
        """Return this machine's present: SQLite runs in our own process."""
        del link
        return datetime.now(UTC)

    def catalog(self, link: Link) -> Catalog:
        """Return the reader of sqlite_master."""
        return SqliteCatalog(self, link)

    def explain(self, link: Link, text: str, parameters: Any) -> list[Row]:
        """Return the query plan."""
        return self.rows(link, f"explain query plan {text}", parameters)

    def translate(self, error: Exception) -> BackendError | None:
        """Decide on the extended error name, and on the words where SQLite has no code."""
        if not isinstance(error, sqlite3.Error):
            return None
        text = first_line(error)
        name = getattr(error, "sqlite_errorname", "") or ""
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return Busy("the database file is locked by somebody else", hint="look again in a moment")
        if name.startswith("SQLITE_INTERRUPT"):
            return statement_timeout()
        if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            return WrongService(f"{self.address.database} is not a (whole) SQLite database: {text}")
        if name.startswith("SQLITE_CANTOPEN"):
            return Unreachable(
                f"can't open {self.address.database}: {text}",
                hint="of a database in WAL mode, this user must be able to read the files -wal and -shm as well",
            )
        if name.startswith(("SQLITE_AUTH", "SQLITE_PERM", "SQLITE_READONLY")):
            return AccessDenied(text)
        if "no such table" in text or "no such column" in text:
            return SchemaMismatch(text)
        return BackendError(f"{text} ({name or 'sqlite3'})")
