"""PostgreSQL through psycopg: a quiet, read-only guest."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Generator
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

import psycopg
from psycopg import pq
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.conninfo import make_conninfo
from psycopg.types.string import ByteaBinaryLoader

from sagadoctor.errors import AccessDenied, BackendError, Busy, SchemaMismatch, Unreachable, WrongService

from .address import POSTGRESQL, Address
from .catalog import Catalog
from .catalog_postgresql import PostgresqlCatalog
from .driver import Driver, Limits, Link, Row
from .statement import Compiled, compiled
from .tls import NO_PASSWORD, insecure, is_about_tls, libpq_settings, told
from .troubles import CellUnreadable, first_line, lost, statement_timeout, too_many, unreachable, would_write

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import Dialect
    from sqlalchemy.sql.elements import ClauseElement

_PORT: Final = 5432
_BYTES: Final = ("text", "varchar", "bpchar", "name", "json", "jsonb", "uuid", "bytea", "xml")
_CHUNKED: Final = 170000
"""The libpq that can hand over rows in chunks while it streams."""

_NOT_THERE: Final = {"42P01": "no such table", "42703": "no such column", "3F000": "no such schema"}
_LOST: Final = ("57P01", "57P02", "57P03", "40001", "08000", "08003", "08006")


class _Text(Dumper):
    """Texts as UTF-8 whatever the connection's encoding is called, of unknown type: the server takes it from beside."""

    oid = 0

    def dump(self, obj: str) -> bytes:
        """Return the bytes; those that were no text when they were read come back as they were."""
        return obj.encode("utf-8", "surrogateescape")


class _TextAnyway(Loader):
    """Texts as UTF-8 whatever encoding the database names or doesn't; bytes that are none come back as they were."""

    def load(self, data: Buffer) -> str:
        """Return the text."""
        return bytes(data).decode("utf-8", "surrogateescape")


@cache
def own_dialect() -> Dialect:
    """Return PostgreSQL's dialect of SQLAlchemy, loaded when the first statement needs it."""
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

    dialect: Dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    return dialect


class Postgresql(Driver):
    """One PostgreSQL database."""

    engine: ClassVar[str] = POSTGRESQL

    def __init__(self, address: Address, application: str) -> None:
        """Keep where to connect to."""
        super().__init__(address, application)
        self._chunked = pq.version() >= _CHUNKED

    @property
    def dialect(self) -> Dialect:  # type: ignore[override]
        """Return SQLAlchemy's own dialect."""
        return own_dialect()

    @cached_property
    def _plain(self) -> Dialect:
        from .plain_postgresql import PlainDialect

        return PlainDialect()

    def load(self) -> None:
        """Load SQLAlchemy, which connecting does without."""
        _ = self._plain

    def compiled(self, statement: ClauseElement, *, plain: bool = False) -> Compiled:
        """Return the statement; a plain one without SQLAlchemy's own dialect, where that writes the same."""
        from sqlalchemy.exc import CompileError

        if plain:
            with contextlib.suppress(CompileError, NotImplementedError):
                return compiled(statement, self._plain)
        return compiled(statement, own_dialect())

    def connect(self, password: str | None, limits: Limits) -> Link:
        """Connect with every limit in place before the first statement."""
        address = self.address
        query = dict(address.query)
        settings = " ".join(f"-c {name}={value}" for name, value in self._settings(limits).items())
        given = query.pop("options", "")
        arguments: dict[str, Any] = {
            **query,
            **libpq_settings(address.host, query),
            "sslpassword": NO_PASSWORD,
            "host": query.get("host") or address.host,
            "port": address.port or query.get("port"),
            "dbname": address.database or query.get("dbname"),
            "user": address.user or query.get("user"),
            "password": password,
            "options": f"{given} {settings}".strip(),
            "connect_timeout": max(2, round(limits.connect)),
            "application_name": self.application,
            "keepalives": 1,
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
        }
        said = {key: value for key, value in arguments.items() if value}
        raw = psycopg.connect(make_conninfo("", **said), autocommit=True, prepare_threshold=None)
        try:
            return self._greet(raw, limits)
        except BaseException:
            with contextlib.suppress(Exception):
                raw.close()
            raise

    @staticmethod
    def _settings(limits: Limits) -> dict[str, str]:
        return {
            "default_transaction_read_only": "on",
            "statement_timeout": f"{max(1, round(limits.statement * 1000))}ms",
            "lock_timeout": f"{max(1, round(limits.lock * 1000))}ms",
            "idle_in_transaction_session_timeout": "10000ms",
            "max_parallel_workers_per_gather": "0",
            "enable_seqscan": "off",
            "jit": "off",
            "TimeZone": "UTC",
            "DateStyle": "ISO",
            "client_min_messages": "error",
        }

    def _greet(self, raw: psycopg.Connection[Any], limits: Limits) -> Link:
        raw.adapters.register_dumper(str, _Text)
        for name in ("text", "varchar", "bpchar", "name"):
            raw.adapters.register_loader(name, _TextAnyway)
        row = raw.execute(
            "select current_setting('default_transaction_read_only'), version(), "
            "current_setting('server_version_num')::int, current_setting('server_encoding'), "
            "current_setting('TimeZone')"
        ).fetchone()
        assert row is not None
        read_only, banner, number, encoding, zone = row
        if encoding == "SQL_ASCII":  # else the server refuses to send bytes that are no UTF-8
            raw.execute("set client_encoding to 'SQL_ASCII'")
        product = "PostgreSQL" if str(banner).startswith("PostgreSQL") else str(banner).split(" ", 1)[0]
        version = " ".join(str(banner).split(" ")[:2])
        wrapped = read_only != "on" or zone != "UTC"
        return Link(raw, version, int(number), product, limits=limits, wrapped=wrapped)

    def limit(self, link: Link, limits: Limits) -> None:
        """Set the statement and lock timeouts."""
        if link.limits == limits or link.wrapped:
            link.limits = limits
            return
        wanted = self._settings(limits)
        link.raw.execute(
            f"set statement_timeout to '{wanted['statement_timeout']}'; set lock_timeout to '{wanted['lock_timeout']}'"
        )
        link.limits = limits

    def rows(self, link: Link, text: str, parameters: Any) -> list[Row]:
        """Run a small statement."""
        with link.raw.cursor() as cursor:
            cursor.execute(text, parameters)
            return list(cursor.fetchall()) if cursor.description is not None else []

    def stream(self, link: Link, text: str, parameters: Any, size: int) -> Generator[Row, None, None]:
        """Yield rows in binary: texts and JSON as bytes (JSONB with its version byte before), numbers as numbers."""
        with link.raw.cursor(binary=True) as cursor:
            adapters = cursor.adapters
            for name in _BYTES:
                adapters.register_loader(name, ByteaBinaryLoader)
            yield from cursor.stream(text, parameters, size=size if self._chunked else 1)

    def begin(self, link: Link, *, snapshot: bool) -> None:
        """Begin a read-only transaction; behind a pooler, with the limits of this transaction only."""
        level = "repeatable read" if snapshot else "read committed"
        text = f"begin isolation level {level} read only"
        if link.wrapped:
            wanted = self._settings(link.limits or Limits())
            wanted.pop("default_transaction_read_only")
            text += "".join(f"; set local {name} to '{value}'" for name, value in wanted.items())
        link.raw.execute(text)

    def keep_order(self, link: Link, *, wanted: bool) -> None:
        """Forbid whole sorts; sorting within the rows of one key of an index (incremental sort) stays allowed.

        Statistics know little of the newest rows: for "after this moment" the planner expects one row, finds a sort
        as cheap as an index, and then sorts all that is left, for every page.
        """
        link.raw.execute(f"set local enable_sort to {'off' if wanted else 'on'}")

    def end(self, link: Link) -> None:
        """End the transaction; it wrote nothing, so how it ends doesn't matter."""
        link.raw.execute("rollback")

    def cancel(self, link: Link, helper: Link | None, seconds: float) -> bool:
        """Ask the server to cancel what it is doing; that takes no connection of its own."""
        del helper
        with contextlib.suppress(Exception):
            link.raw.cancel_safe(timeout=seconds)
            return True
        return False

    def cut(self, link: Link) -> None:
        """Shut the socket down; a thread that waits on it wakes up."""
        with contextlib.suppress(Exception):
            twin = socket.socket(fileno=os.dup(link.raw.fileno()))
            with twin, contextlib.suppress(OSError):
                twin.shutdown(socket.SHUT_RDWR)

    def close(self, link: Link) -> None:
        """Close the connection."""
        with contextlib.suppress(Exception):
            link.raw.close()

    def security(self, link: Link) -> str:
        """Ask libpq whether there is TLS, and the server which; a pooler's server knows nothing of our end."""
        raw, version = link.raw, None
        if raw.pgconn.ssl_in_use:
            found: list[Row] = []
            with contextlib.suppress(psycopg.Error):
                found = self.rows(link, "select version from pg_stat_ssl where pid = pg_backend_pid() and ssl", {})
            version = str(found[0][0]) if found and not link.wrapped else "TLS"
        return told(version, _mode_of(raw), raw.info.host)

    def now(self, link: Link) -> datetime:
        """Return the server's present."""
        moment = self.rows(link, "select clock_timestamp()", {})[0][0]
        assert isinstance(moment, datetime)
        return moment.astimezone(UTC)

    def catalog(self, link: Link) -> Catalog:
        """Return the reader of pg_catalog."""
        return PostgresqlCatalog(self, link)

    def explain(self, link: Link, text: str, parameters: Any) -> list[Row]:
        """Return the plan as JSON."""
        return self.rows(link, f"explain (format json) {text}", parameters)

    def translate(self, error: Exception) -> BackendError | None:
        """Decide on the SQLSTATE; where libpq gives none, on the words of its message."""
        if isinstance(error, UnicodeError) or not isinstance(error, psycopg.Error):
            return None
        state = error.sqlstate
        if state is None:
            return self._without_state(error)
        text = first_line(error)
        match state:
            case "42501":
                return AccessDenied(
                    text,
                    hint=f"as owner: GRANT SELECT ON … TO {self.address.user or 'this user'}; also USAGE on the schema",
                )
            case "57014":
                return statement_timeout()
            case "55P03":
                return Busy("locked by somebody else; we did not wait", hint="look again in a moment")
            case "53300":
                return too_many(error)
            case "25006":
                return would_write(text)
        if state in _NOT_THERE:
            return SchemaMismatch(f"{_NOT_THERE[state]}: {text}")
        if state.startswith("28"):
            return AccessDenied(text, hint="check user and password")
        if state.startswith("22"):
            return CellUnreadable(text)
        if state in _LOST or state.startswith("08"):
            return lost(error)
        return BackendError(f"{text} (SQLSTATE {state})")

    @property
    def _place(self) -> str:
        query = self.address.query
        host = query.get("host") or self.address.host or query.get("hostaddr") or os.environ.get("PGHOST") or ""
        port = self.address.port or query.get("port") or os.environ.get("PGPORT") or _PORT
        return f"the local socket {host}".strip() if not host or host.startswith(("/", "@")) else f"{host}:{port}"

    def _without_state(self, error: psycopg.Error) -> BackendError:
        text = str(error)
        lower = text.lower()
        place = self._place
        if "too many clients" in lower or "remaining connection slots" in lower or "too many connections" in lower:
            return too_many(_reason(text))
        if "password" in lower or "pg_hba.conf" in lower or "authentication failed" in lower or "role " in lower:
            return AccessDenied(first_line(_reason(text)), hint="check user, password and pg_hba.conf")
        if "unsupported startup parameter" in lower:
            return Unreachable(
                f"the pooler at {place} refuses our session settings: {first_line(_reason(text))}",
                hint="connect to the server itself, or add options to the pooler's ignore_startup_parameters",
            )
        if "invalid response to ssl negotiation" in lower or "expected authentication request" in lower:
            return WrongService(f"{place} answers, but it is not PostgreSQL", hint="check host and port")
        if "server closed the connection" in lower or "connection is closed" in lower or "connection is lost" in lower:
            return lost(_reason(text))
        if said := next(filter(is_about_tls, text.splitlines()), None):
            return insecure(said, place, libpq_settings(self.address.host, self.address.query).get("sslmode"))
        if isinstance(error, psycopg.OperationalError):
            return unreachable(_reason(text), place)
        return BackendError(first_line(error))


def _mode_of(raw: psycopg.Connection[Any]) -> str | None:
    """Return the mode that libpq went by, wherever it took it from."""
    return next((each.val.decode() for each in raw.pgconn.info if each.keyword == b"sslmode" and each.val), None)


def _reason(text: str) -> BaseException:
    """Return what libpq said last: after several addresses were tried, the line with the reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line or "failed:" in line]
    return Exception((fatal or lines or ["no reason given"])[0])
