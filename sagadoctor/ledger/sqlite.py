"""The ledger as a SQLite file: for one operator, or for several processes of one machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from sagadoctor.errors import LedgerError
from sagadoctor.untrusted import shown

from . import schema
from .database import Contended, Database, Dropped, Row, Table, Value, bound
from .private_file import is_on_network, make_private
from .shelf import Shelf

_WORDS = schema.words(key="TEXT", text="TEXT", whole="INTEGER", real="REAL", clustered=" WITHOUT ROWID")
_BUSY_SECONDS = 2.0
_SETTINGS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cache_size = -8000",
    "PRAGMA journal_size_limit = 16777216",
)
_ANEW = "move it away, and a new one is made (acknowledgements and what was seen since when start anew)"
_SHARED_MEMORY = "PRAGMA journal_mode = WAL"  # not for file systems of a network: SQLite would corrupt the file there


@cache
def _compiled(sql: str) -> str:
    return sql.replace("IN ?", "IN (SELECT value FROM json_each(?))")


class SqliteFile:
    """Where the file is."""

    def __init__(self, path: Path, shelf: Shelf | None = None) -> None:
        """Take an absolute path; nothing is touched before `connect`. An older ledger becomes that of `shelf`."""
        self._path = path
        self._shelf = shelf or Shelf()

    @property
    def place(self) -> str:
        """Say the path."""
        return shown(self._path)

    def connect(self) -> Database:
        """Open the file, made or migrated if need be, readable by its owner alone."""
        make_private(self._path)
        try:
            opened = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise _translated(error, self.place) from error
        connection = SqliteConnection(opened, self.place)
        try:
            for setting in (*_SETTINGS, *(() if is_on_network(self._path) else (_SHARED_MEMORY,))):
                connection.rows(setting)
            connection.prepare(self._shelf)
        except BaseException:
            connection.close()
            raise
        return connection


class SqliteConnection:
    """One connection to the file."""

    def __init__(self, connection: sqlite3.Connection, place: str) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._place = place

    def damaged(self, what: str) -> LedgerError:
        """Return the error that says what is wrong with the ledger's content, and what to do."""
        return LedgerError(f"the ledger {self._place} is damaged: {what}: {_ANEW}")

    def prepare(self, shelf: Shelf) -> None:
        """Refuse what isn't our ledger, and migrate what is old."""
        if not self.rows("SELECT name FROM sqlite_master WHERE name = 'sagadoctor_schema'"):
            self._refuse_strangers()
        elif schema.is_current(self, self._place):
            return
        schema.migrate(self, self._place, _WORDS, shelf, self._rekey)

    def _rekey(self, table: schema.Rekeyed, environment: str) -> None:
        """Copy the table: SQLite can't change the key of one that is there."""
        columns, copy = ", ".join(table.kept), f"{table.name}_copy"
        self.run(table.create.format_map({**_WORDS, "name": copy}))
        self.run(
            f"INSERT INTO {copy} (environment, {columns}) SELECT ?, {columns} FROM {table.name}",  # noqa: S608
            environment,
        )
        self.run(f"DROP TABLE {table.name}")
        self.run(f"ALTER TABLE {copy} RENAME TO {table.name}")

    def _refuse_strangers(self) -> None:
        if self.rows("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sagadoctor!_%' ESCAPE '!' LIMIT 1"):
            raise LedgerError(
                f"{self._place} is the database of another program, not a ledger: name another file as the ledger"
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the file's one writing lock from the start, so that what was read stays true until the end."""
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            raise

    def rows(self, sql: str, *values: Value | Sequence[str]) -> list[Row]:
        """Return the rows that a query gives."""
        try:
            return self._connection.execute(_compiled(sql), bound(values)).fetchall()
        except sqlite3.Error as error:
            raise _translated(error, self._place) from error
        except OverflowError as error:
            raise self.damaged("a number in it is larger than any that belongs there") from error

    def run(self, sql: str, *values: Value | Sequence[str]) -> int:
        """Carry out a statement and return how many rows it touched."""
        try:
            return self._connection.execute(_compiled(sql), bound(values)).rowcount
        except sqlite3.Error as error:
            raise _translated(error, self._place) from error
        except OverflowError as error:
            raise self.damaged("a number in it is larger than any that belongs there") from error

    def put(self, table: Table, rows: Sequence[Sequence[Value]], merge: Mapping[str, str] | None = None) -> None:
        """Insert rows, or update those whose key exists."""
        places = ", ".join("?" * len(table.columns))
        sql = table.upsert(f"VALUES ({places})", merge or {})
        try:
            self._connection.executemany(sql, table.in_order(rows))
        except sqlite3.Error as error:
            raise _translated(error, self._place) from error
        except OverflowError as error:
            raise self.damaged("a number in it is larger than any that belongs there") from error

    def interrupt(self) -> None:
        """End the statement that another thread runs."""
        with suppress(sqlite3.Error):
            self._connection.interrupt()

    def close(self) -> None:
        """Let the file go."""
        with suppress(sqlite3.Error):
            self._connection.close()


def _translated(error: sqlite3.Error, place: str) -> LedgerError:
    extended: int = getattr(error, "sqlite_errorcode", 0)
    said = shown(error, 200)
    match extended & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Contended(f"the ledger {place} is held by another process that does not let go of it: try again")
        case sqlite3.SQLITE_READONLY:
            if extended == sqlite3.SQLITE_READONLY_DBMOVED:
                return Dropped(f"the ledger {place} was moved or removed while it was open")
            return LedgerError(
                f"the ledger {place} can't be written: the file system is mounted read-only, or you may not write to "
                "its folder; name another file as the ledger"
            )
        case sqlite3.SQLITE_FULL:
            return LedgerError(f"the ledger {place} can't be written: the disk is full; free some space")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return LedgerError(f"the ledger {place} is damaged or no SQLite database ({said}): {_ANEW}")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return LedgerError(
                f"the ledger {place} can't be opened ({said}): you need the right to write to the file and its folder"
            )
        case sqlite3.SQLITE_IOERR:
            return LedgerError(f"the ledger {place} can't be read or written ({said}): look at the disk and its space")
        case sqlite3.SQLITE_INTERRUPT:
            return LedgerError(f"the ledger {place}: what it was doing was stopped")
        case _:
            return LedgerError(f"the ledger {place} does not work: {said}")
