"""The same database in two environments: nearly always a copied file in which one line was forgotten."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from sagadoctor.errors import ConfigError, Problem
from sagadoctor.untrusted import shown

from .beside import sqlite_file
from .read import Source, read
from .sections import environment_name

_PORTS: Final = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}


def twins(source: Source, siblings: Sequence[Path]) -> tuple[Problem, ...]:
    """Return a warning for each store whose database a file of another environment names too."""
    mine = _databases(source.table, source.path)
    warnings: list[Problem] = []
    for path in siblings if mine else ():
        if _same_file(path, source.path):
            continue
        try:
            other = read(path).table
        except ConfigError:
            continue  # what is wrong there is told when it is used
        if "config_version" not in other or _who(other, path) == _who(source.table, source.path):
            continue
        theirs = {database: store for store, database in _databases(other, path).items()}
        for store, database in mine.items():
            if database in theirs:
                name = shown(_who(other, path)[0], 60)
                message = f"the same database as stores.{shown(theirs[database], 60)} of {shown(path)} ({name})"
                warnings.append(source.problem(("stores", store, "url"), message))
    return tuple(warnings)


def _who(table: Mapping[str, Any], path: Path) -> tuple[str, bool]:
    environment = table.get("environment")
    said = environment if isinstance(environment, Mapping) else {}
    name = said.get("name")
    return environment_name(name if isinstance(name, str) else None, path), said.get("production") is True


def _databases(table: Mapping[str, Any], path: Path) -> dict[str, tuple[object, ...]]:
    stores = table.get("stores")
    found: dict[str, tuple[object, ...]] = {}
    for name, store in stores.items() if isinstance(stores, Mapping) else ():
        url = store.get("url") if isinstance(store, Mapping) else None
        database = _database(url, path.absolute().parent) if isinstance(url, str) else None
        if database is not None:
            found[name] = database
    return found


def _database(url: str, folder: Path) -> tuple[object, ...] | None:
    """Return what a URL of a file in this folder leads to, whoever asks and through whichever driver."""
    if url.partition("://")[0].partition("+")[0].lower() == "sqlite":
        file = sqlite_file(url, folder)
        return None if file is None else ("sqlite", file)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    kind = parts.scheme.partition("+")[0]
    query = parse_qs(parts.query)
    named = tuple(tuple(query.get(key, ())) for key in ("host", "port", "dbname", "service"))
    if not parts.hostname and not parts.path.strip("/") and not any(named):
        return None
    return kind, parts.hostname or "", port or _PORTS.get(kind), parts.path, named


def _same_file(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
