"""A company in a folder: its database after three bad hours, and the configuration that looks at it."""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, create_engine

from .config_text import config_text
from .incident import Incident, the_incident


@dataclass(frozen=True, slots=True)
class Company:
    """What was opened: the configuration to scan it with, and how many of its sagas are sick."""

    config: Path
    sagas: int
    sick: int


def open_company(home: Path, now: datetime, seed: int = 1) -> Company:
    """Run the three hours before `now` on a fresh SQLite database in `home`; raises OSError where that can't be had.

    An earlier company in the same folder is replaced once this one is whole; files of these names that no demo made are
    left alone, with a FileExistsError.
    """
    database, config, ledger = home / "company.db", home / "demo.toml", home / "ledger.db"
    home.mkdir(parents=True, exist_ok=True)
    if not _made_by_us(config):
        for path in (database, config, ledger):
            if path.exists():
                raise FileExistsError(errno.EEXIST, f"{path.name} is there and was not made by the demo")
    unfinished = home / f"{database.name}.unfinished"
    try:
        incident = _happened(unfinished, now, seed)
        _remove(database, ledger)
        # The configuration comes first: by it the next demo knows that the rest is its own to replace.
        _write(config, f"{config_text(_sqlite(database))}\n[ledger]\nurl = {json.dumps(_sqlite(ledger))}\n")
        unfinished.replace(database)
    finally:
        _remove(unfinished)
    return Company(config, len(incident.truths), len(incident.sick))


def _happened(database: Path, now: datetime, seed: int) -> Incident:
    """Run the three hours on a new database; what an interrupted run left there is removed."""
    _remove(database)
    engine = create_engine(_sqlite(database))
    try:
        incident = the_incident(engine, now, seed)
        incident.world.close()
    finally:
        engine.dispose()
    return incident


def _write(path: Path, text: str) -> None:
    """Put a text in place at once, whole."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _remove(*databases: Path) -> None:
    for database in databases:
        for suffix in ("", "-wal", "-shm", "-journal"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)


def _made_by_us(config: Path) -> bool:
    """Say whether an earlier demo wrote this configuration, by its first line."""
    try:
        with config.open("rb") as file:
            return file.readline(200).decode("utf-8", "replace") == config_text("").splitlines(keepends=True)[0]
    except OSError:
        return False


def _sqlite(path: Path) -> str:
    return URL.create("sqlite", database=str(path)).render_as_string()
