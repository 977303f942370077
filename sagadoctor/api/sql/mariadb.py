"""MariaDB and MySQL through PyMySQL: a quiet, read-only guest."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import pymysql
import pymysql.cursors
from pymysql.converters import decoders
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql

from sagadoctor.errors import AccessDenied, BackendError, Busy, SchemaMismatch, WrongService

from .address import MARIADB, Address
from .catalog import Catalog
from .catalog_mariadb import MariadbCatalog
from .driver import Driver, Limits, Link, Row
from .tls import ALLOW, DISABLE, PREFER, context_for, insecure, mariadb_mode, told
from .troubles import CellUnreadable, first_line, lost, statement_timeout, too_many, unreachable, would_write

_PORT: Final = 3306
_DENIED: Final = (1044, 1045, 1142, 1143, 1227, 1698, 4151)
_NOT_THERE: Final = {1146: "no such table", 1054: "no such column", 1049: "no such database"}
_TIMEOUTS: Final = (1969, 3024, 1317)
_LOCKED: Final = (1205, 3572)
_WRITES: Final = (1792, 1290)
_FULL: Final = (1040, 1203, 1226)
_LOST: Final = (2006, 2013, 2014, 1927, 1053, 1213, 4031, 0)
_NO_TLS: Final = 2026
_UNREADABLE: Final = (1292, 1300, 3140, 3141, 3143, 4037, 4038)


class Mariadb(Driver):
    """One MariaDB or MySQL database."""

    engine: ClassVar[str] = MARIADB

    def __init__(self, address: Address, application: str) -> None:
        """Keep where to connect to."""
        super().__init__(address, application)
        self.dialect = MySQLDialect_pymysql()
        self._mode: str | None = mariadb_mode(address.host, address.query)

    def connect(self, password: str | None, limits: Limits) -> Link:
        """Connect, and set every limit before the first statement."""
        raw = self._open(password, limits)
        try:
            return self._greet(raw, limits)
        except BaseException:
            with contextlib.suppress(Exception):
                raw.close()
            raise

    def _open(self, password: str | None, limits: Limits) -> Any:
        address = self.address
        query = dict(address.query)
        arguments: dict[str, Any] = {
            "host": address.host or "localhost",
            "port": address.port or _PORT,
            "user": address.user,
            "password": password or "",
            "database": address.database,
            "charset": "utf8mb4",
            "autocommit": True,
            "connect_timeout": max(1, round(limits.connect)),
            "read_timeout": _patience(limits),
            "write_timeout": 30,
            "program_name": self.application,
        }
        if "unix_socket" in query:
            arguments["unix_socket"] = query["unix_socket"]
        if self._mode == DISABLE:
            arguments["ssl_disabled"] = True
        elif self._mode is not None and self._mode not in (ALLOW, PREFER):
            arguments["ssl"] = context_for(self._mode, query)
        return pymysql.connect(**arguments)

    def _greet(self, raw: Any, limits: Limits) -> Link:
        with raw.cursor() as cursor:
            cursor.execute("select version()")
            version = str(cursor.fetchone()[0])
            is_mariadb = "mariadb" in version.lower()
            link = Link(raw, version, _number(version), "MariaDB" if is_mariadb else "MySQL")
            cursor.execute("set session transaction read only")
            cursor.execute("set session time_zone = '+00:00', sql_mode = ''")
        self.limit(link, limits)
        return link

    def limit(self, link: Link, limits: Limits) -> None:
        """Set the statement and lock timeouts; a lock timeout above the statement's would never be seen."""
        if link.limits == limits:
            return
        lock = max(1, min(round(limits.lock), round(limits.statement) - 1))
        if link.product == "MariaDB":
            statement = f"max_statement_time = {limits.statement:.3f}"
        else:
            statement = f"max_execution_time = {round(limits.statement * 1000)}"
        with link.raw.cursor() as cursor:
            cursor.execute(f"set session {statement}, lock_wait_timeout = {lock}, innodb_lock_wait_timeout = {lock}")
        link.raw._read_timeout = _patience(limits)
        link.limits = limits

    def rows(self, link: Link, text: str, parameters: Any) -> list[Row]:
        """Run a small statement."""
        with link.raw.cursor() as cursor:
            cursor.execute(text, parameters or ())
            return list(cursor.fetchall())

    def stream(self, link: Link, text: str, parameters: Any, size: int) -> Generator[Row, None, None]:
        """Yield rows with every cell as the bytes that came over the wire."""
        raw = link.raw
        raw.decoders, raw.use_unicode = {}, False
        try:
            with raw.cursor(pymysql.cursors.SSCursor) as cursor:
                cursor.execute(text, parameters or ())
                try:
                    while some := cursor.fetchmany(size):
                        yield from some
                except (pymysql.Error, OSError):
                    _abandon(raw)
                    raise
        finally:
            raw.decoders, raw.use_unicode = _DECODERS, True

    def begin(self, link: Link, *, snapshot: bool) -> None:
        """Begin a read-only transaction."""
        kind = "with consistent snapshot, read only" if snapshot else "read only"
        self.rows(link, f"start transaction {kind}", ())

    def end(self, link: Link) -> None:
        """End the transaction."""
        self.rows(link, "rollback", ())

    def cancel(self, link: Link, helper: Link | None, seconds: float) -> bool:
        """Kill the running query over the other connection; without one its own time limit ends it."""
        del seconds
        if helper is None:
            return False
        with contextlib.suppress(Exception):
            self.rows(helper, f"kill query {int(link.raw.thread_id())}", ())
            return True
        return False

    def cut(self, link: Link) -> None:
        """Shut the socket down; a thread that waits on it wakes up."""
        with contextlib.suppress(Exception):
            link.raw._sock.shutdown(socket.SHUT_RDWR)

    def close(self, link: Link) -> None:
        """Close the connection."""
        with contextlib.suppress(Exception):
            link.raw.close()

    def security(self, link: Link) -> str:
        """Ask our own end of the connection."""
        wire = link.raw._sock
        host = None if "unix_socket" in self.address.query else self.address.host
        return told(wire.version() if isinstance(wire, ssl.SSLSocket) else None, self._mode, host)

    def now(self, link: Link) -> datetime:
        """Return the server's present."""
        moment = self.rows(link, "select utc_timestamp(6)", ())[0][0]
        assert isinstance(moment, datetime)
        return moment.replace(tzinfo=UTC)

    def catalog(self, link: Link) -> Catalog:
        """Return the reader of information_schema."""
        return MariadbCatalog(self, link)

    def explain(self, link: Link, text: str, parameters: Any) -> list[Row]:
        """Return the plan as the traditional table."""
        return self.rows(link, f"explain {text}", parameters)

    def translate(self, error: Exception) -> BackendError | None:
        """Decide on the error number, never on the class."""
        if isinstance(error, struct.error | IndexError | AssertionError):
            return self._wrong_service()
        if isinstance(error, ssl.SSLError):
            return insecure(error, self._place, self._mode, is_mariadb=True)
        if isinstance(error, OSError):
            return lost(error)
        if not isinstance(error, pymysql.err.Error):
            return None
        number = error.args[0] if error.args and isinstance(error.args[0], int) else -1
        text = first_line(str(error.args[1]) if len(error.args) > 1 else error)
        if number in _DENIED:
            hint = f"as administrator: GRANT SELECT ON … TO '{self.address.user}'" if number in (1142, 1143) else ""
            return AccessDenied(text, hint=hint or "check user, password and host of the account")
        if number in _NOT_THERE:
            return SchemaMismatch(f"{_NOT_THERE[number]}: {text}")
        if number in _TIMEOUTS:
            return statement_timeout()
        if number in _LOCKED:
            return Busy("locked by somebody else; we did not wait", hint="look again in a moment")
        if number in _WRITES:
            return would_write(text)
        if number in _FULL:
            return too_many(error)
        if number in _UNREADABLE:
            return CellUnreadable(text)
        refused = "_ALERT_" in text or isinstance(getattr(error, "original_exception", None), ssl.SSLError)
        if number == _NO_TLS or refused:
            return insecure(text, self._place, self._mode, is_mariadb=True)
        if number in (2003, 2002, 2005):
            return unreachable(text, self._place)
        if number in _LOST:
            return lost(text)
        if isinstance(error, pymysql.err.InternalError) and "packet" in text.lower():
            return self._wrong_service()
        return BackendError(f"{text} (error {number})")

    @property
    def _place(self) -> str:
        return f"{self.address.host or 'localhost'}:{self.address.port or _PORT}"

    def _wrong_service(self) -> BackendError:
        return WrongService(f"{self._place} answers, but it is not MariaDB or MySQL", hint="check host and port")


_DECODERS: Final = dict(decoders)


def _patience(limits: Limits) -> int:
    """Return how many seconds to wait for a server that says nothing: longer than it may work for us."""
    return max(60, round(limits.statement) + 10)


def _number(version: str) -> int:
    """Return 101106 for "10.11.6-MariaDB"."""
    digits = [int(part) for part in version.split("-", 1)[0].split(".") if part.isdigit()][:3]
    padded = digits + [0] * (3 - len(digits))
    return padded[0] * 10_000 + padded[1] * 100 + padded[2]


def _abandon(raw: Any) -> None:
    """Let a result of a connection that broke be forgotten; else PyMySQL reads on when it is collected, and fails."""
    result = raw._result
    if result is not None:
        result.unbuffered_active = False
