"""A company in a folder: its database after three bad hours, and the configuration that looks at it."""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, create_engine

from .config_text import config_text
from .incident import the_incident


@dataclass(frozen=True, slots=True)
class Company:
    """What was opened: the configuration to scan it with, and how many of its sagas are sick."""

    config: Path
    sagas: int
    sick: int


def open_company(home: Path, now: datetime, seed: int = 1) -> Company:
    """Run the three hours before `now` on a fresh SQLite database in `home`; raises OSError where that can't be had.

    An earlier company in the same folder is replaced; files of these names that no demo made are left alone, with a
    FileExistsError.
    """
    database, config, ledger = home / "company.db", home / "demo.toml", home / "ledger.db"
    home.mkdir(parents=True, exist_ok=True)
    if not _made_by_us(config):
        for path in (database, config, ledger):
            if path.exists():
                raise FileExistsError(errno.EEXIST, f"{path.name} is there and was not made by the demo")
    for stale in (database, ledger):
        for suffix in ("", "-wal", "-shm", "-journal"):
            stale.with_name(stale.name + suffix).unlink(missing_ok=True)
    url = _sqlite(database)
    engine = create_engine(url)
    try:
        incident = the_incident(engine, now, seed)
        incident.world.close()
    finally:
        engine.dispose()
    config.write_text(f"{config_text(url)}\n[ledger]\nurl = {json.dumps(_sqlite(ledger))}\n", encoding="utf-8")
    return Company(config, len(incident.truths), len(incident.sick))


def _made_by_us(config: Path) -> bool:
    """Say whether an earlier demo wrote this configuration, by its first line."""
    try:
        with config.open("rb") as file:
            return file.readline(200).decode("utf-8", "replace") == config_text("").splitlines(keepends=True)[0]
    except OSError:
        return False


def _sqlite(path: Path) -> str:
    return URL.create("sqlite", database=str(path)).render_as_string()
