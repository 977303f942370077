"""The ledger in a PostgreSQL database: shared by the operators of a team."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from sagadoctor.api.sql.tls import NO_PASSWORD, is_about_tls, libpq_settings
from sagadoctor.errors import LedgerError
from sagadoctor.redaction import clipped, mask_text
from sagadoctor.untrusted import shown

from . import schema
from .database import Contended, Database, Dropped, Row, Sort, Table, Value, bound
from .shelf import Shelf

if TYPE_CHECKING:
    import psycopg

_WORDS = schema.words(key='text COLLATE "C"', text="text", whole="bigint", real="double precision", clustered="")
_TYPES = {Sort.KEY: "text", Sort.TEXT: "text", Sort.WHOLE: "bigint", Sort.REAL: "double precision"}
_CONNECT_SECONDS = 5
_BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = '8s'; "
    "SET LOCAL lock_timeout = '2s'; SET LOCAL idle_in_transaction_session_timeout = '10s'"
)
_MIGRATION_LOCK = "SELECT pg_advisory_xact_lock(1398892385, 1701999717)"  # "Saga", "ledg": one migrates at a time
_RIGHTS = (
    "SELECT DISTINCT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END "
    "FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) "
    "WHERE pg_class.oid = to_regclass(?)"
)
_AGAIN = frozenset(("40001", "40P01", "55P03", "23505"))


@cache
def _compiled(sql: str) -> str:
    # Not `= ANY(array)`: without fresh statistics the planner reads all rows of the store for it.
    return sql.replace("IN ?", "IN (SELECT jsonb_array_elements_text(%s::jsonb))").replace("?", "%s")


@cache
def _bulk(table: Table, merge: tuple[tuple[str, str], ...]) -> str:
    columns = ", ".join(f"(coming->>{place})::{_TYPES[sort]}" for place, (_, sort) in enumerate(table.columns))
    source = f"SELECT {columns} FROM jsonb_array_elements(%s::jsonb) AS coming"  # noqa: S608 - our own names only
    return table.upsert(source, dict(merge))


class PostgresServer:
    """Which database of which server, and as whom."""

    def __init__(self, url: str, password: str | None, shelf: Shelf | None = None) -> None:
        """Take a URL as libpq or SQLAlchemy write it; nothing is contacted before `connect`.

        An older ledger becomes that of `shelf`.
        """
        self._shelf = shelf or Shelf()
        scheme, _, rest = url.partition("://")
        self._url = f"{scheme.partition('+')[0]}://{rest}"
        self._password = password

    @property
    def place(self) -> str:
        """Say user, host and database."""
        parts = urlsplit(self._url)
        user, _, host = parts.netloc.rpartition("@")
        if "@" in parts.path:  # a password with a slash in it: say nothing of what may be part of it
            return "postgresql://…"
        name = user.partition(":")[0]
        return shown(f"postgresql://{name}{'@' if name else ''}{host}{parts.path}")

    def connect(self) -> Database:
        """Connect, and make or migrate the tables if need be."""
        import psycopg

        settings: dict[str, Any] = {
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "sagadoctor ledger",
            "client_encoding": "UTF8",  # else a server without an encoding gives bytes
            "tcp_user_timeout": 10_000,
            "sslpassword": NO_PASSWORD,
            **_tls(self._url),
        }
        if self._password is not None:
            settings["password"] = self._password
        try:
            opened = psycopg.connect(self._url, autocommit=True, prepare_threshold=None, **settings)
        except psycopg.ProgrammingError:  # its text may hold the password
            raise LedgerError(
                f"the ledger {self.place} can't be used: its URL is not one that PostgreSQL understands "
                "(special characters of a user or password are written as %XX)"
            ) from None
        except psycopg.Error as error:
            raise _unreachable(error, self.place, self._password) from error
        connection = PostgresConnection(opened, self.place)
        try:
            connection.prepare(self._shelf)
        except BaseException:
            connection.close()
            raise
        return connection


def _tls(url: str) -> Mapping[str, str]:
    """Return what makes libpq verify the server, unless the URL or the environment says otherwise."""
    parts = urlsplit(url)
    hosts = [unquote(_host(each)) for each in parts.netloc.rpartition("@")[2].split(",")]
    return libpq_settings(",".join(hosts), dict(parse_qsl(parts.query)))


def _host(place: str) -> str:
    """Return `host` of `host:port` and of `[host]:port`."""
    return place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]


class PostgresConnection:
    """One connection to the server."""

    def __init__(self, connection: psycopg.Connection[Row], place: str) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._place = place

    def damaged(self, what: str) -> LedgerError:
        """Return the error that says what is wrong with the ledger's content, and what to do."""
        return LedgerError(
            f"the ledger {self._place} is damaged: {what}: mend that row, or drop the tables sagadoctor_* and new ones "
            "are made (acknowledgements and what was seen since when start anew)"
        )

    def prepare(self, shelf: Shelf) -> None:
        """Migrate what is old, in a transaction that nobody else can be in."""
        is_there = self.rows("SELECT to_regclass('sagadoctor_schema')")[0][0] is not None
        if is_there and schema.is_current(self, self._place):
            return
        schema.migrate(
            self, self._place, _WORDS, shelf, self._rekey, self._grant, before=lambda: self.run(_MIGRATION_LOCK)
        )

    def _rekey(self, table: schema.Rekeyed, environment: str) -> None:
        """Change the table in place: what others may do with it stays."""
        name = table.name
        self.run(f"ALTER TABLE {name} ADD COLUMN environment {_WORDS[Sort.KEY]}")
        for column in table.added:
            self.run(f"ALTER TABLE {name} ADD COLUMN {column.format_map(_WORDS)}")
        self.run(f"UPDATE {name} SET environment = ?", environment)  # noqa: S608 - our own names only
        self.run(f"ALTER TABLE {name} DROP CONSTRAINT {name}_pkey, ADD PRIMARY KEY ({', '.join(table.key)})")

    def _grant(self, table: schema.Beside) -> None:
        """Let those use the new table who may use the other one: they can't make it, and may not be who migrates."""
        for privilege, role in self.rows(_RIGHTS, table.beside):
            # Past `run`, to which a question mark in a role's name would be a parameter.
            self._connection.execute(f"GRANT {privilege} ON {table.name} TO {role}".encode())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what is done inside all or nothing, with limits on every statement and every wait."""
        self.run(_BEGIN)
        try:
            yield
        except BaseException:
            with suppress(Exception):
                self._connection.rollback()
            raise
        self._commit()

    def _commit(self) -> None:
        try:
            self.run("COMMIT")
        except Dropped as error:
            raise LedgerError(
                f"the connection to the ledger {self._place} broke while it was recording: "
                "whether it recorded is not known"
            ) from error

    def rows(self, sql: str, *values: Value | Sequence[str]) -> list[Row]:
        """Return the rows that a query gives."""
        import psycopg

        try:
            return self._connection.execute(_compiled(sql).encode(), bound(values) or None).fetchall()
        except psycopg.Error as error:
            raise self._translated(error) from error

    def run(self, sql: str, *values: Value | Sequence[str]) -> int:
        """Carry out a statement and return how many rows it touched."""
        import psycopg

        try:
            return self._connection.execute(_compiled(sql).encode(), bound(values) or None).rowcount
        except psycopg.Error as error:
            raise self._translated(error) from error

    def put(self, table: Table, rows: Sequence[Sequence[Value]], merge: Mapping[str, str] | None = None) -> None:
        """Insert rows, or update those whose key exists, in one statement and in the order of keys."""
        import psycopg

        if not rows:
            return
        sql = _bulk(table, tuple((merge or {}).items()))
        try:
            self._connection.execute(sql.encode(), [msgspec.json.encode(table.in_order(rows)).decode()])
        except psycopg.Error as error:
            raise self._translated(error) from error

    def interrupt(self) -> None:
        """Cut the connection under whatever thread uses it; the server ends the statement by its own time limit."""
        with suppress(Exception), socket.socket(fileno=os.dup(self._connection.fileno())) as cut:
            cut.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let the connection go."""
        with suppress(Exception):
            self._connection.close()

    def _translated(self, error: psycopg.Error) -> LedgerError:
        state = error.sqlstate
        said = shown(clipped(mask_text(error.diag.message_primary or str(error)), 300))
        place = self._place
        if state in _AGAIN:
            return Contended(f"the ledger {place} is held by another process that does not let go of it ({said})")
        if state == "25006":
            return Dropped(f"the ledger {place} is read-only (a standby?): name the primary server ({said})")
        if self._connection.closed:
            return Dropped(f"the connection to the ledger {place} broke ({said})")
        match state:
            case "57014":
                return LedgerError(f"the ledger {place} did not answer in time ({said})")
            case "42501":
                return LedgerError(
                    f"the ledger {place} refuses its user ({said}): the user needs CREATE on the schema once, then "
                    "SELECT, INSERT, UPDATE and DELETE on the tables sagadoctor_*"
                )
            case "53100":
                return LedgerError(f"the ledger {place} can't be written: the server's disk is full")
            case "42P01" | "42703":
                return LedgerError(f"the ledger {place} lacks a table or column of its own: it was changed ({said})")
            case _:
                return LedgerError(f"the ledger {place} does not work: {said}")


def _unreachable(error: psycopg.Error, place: str, password: str | None) -> LedgerError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = shown(clipped(mask_text("; ".join(lines), (password or "",)), 400))
    hint = ""
    if is_about_tls(said):
        hint = (
            "; the server's certificate is verified unless the URL says sslmode=require or sslmode=disable "
            "(sslrootcert=/path/to/ca.pem names its CA)"
        )
    return LedgerError(f"the ledger {place} can't be reached: {said}{hint}")
