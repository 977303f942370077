"""Which ledger a path or a URL means."""

from __future__ import annotations

import os
from pathlib import Path

from sagadoctor.clock import Clock
from sagadoctor.errors import ConfigError, Problem

from .database import Connector
from .shelf import Shelf
from .sql_ledger import CALL_SECONDS, SqlLedger


def open_ledger(
    url_or_path: str | os.PathLike[str],
    password: str | None,
    clock: Clock,
    call_seconds: float = CALL_SECONDS,
    *,
    shelf: Shelf | None = None,
) -> SqlLedger:
    """Return the ledger at a path, `sqlite:///PATH` or `postgresql://…`; nothing is touched before its first call.

    `shelf` says whose part of it: which environment's, and where its stores are.
    """
    shelf = shelf or Shelf()
    return SqlLedger(_connector(os.fspath(url_or_path), password, shelf), clock, call_seconds, shelf)


def _connector(where: str, password: str | None, shelf: Shelf) -> Connector:
    scheme, separator, rest = where.partition("://")
    kind = scheme.partition("+")[0].lower()
    if not separator or kind == "sqlite":
        from .sqlite import SqliteFile

        return SqliteFile(Path(os.path.abspath(rest.removeprefix("/") if separator else where)), shelf)
    if kind in ("postgresql", "postgres"):
        from .postgres import PostgresServer

        return PostgresServer(where, password, shelf)
    raise ConfigError([Problem(f"a ledger is a SQLite file or a PostgreSQL database, not {kind!r}", key="ledger.url")])
