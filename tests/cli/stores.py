"""Small SQLite stores of any content, and the configurations that look at them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

TABLE: Final = """CREATE TABLE sagas (
  saga_id TEXT PRIMARY KEY, saga_type TEXT, state TEXT, current_step INTEGER, data TEXT, steps TEXT,
  created_at TEXT, updated_at TEXT)"""
SEARCHED: Final = "CREATE INDEX sagas_state ON sagas (state, updated_at)"
COLUMNS: Final = ("saga_id", "saga_type", "state", "current_step", "data", "steps", "created_at", "updated_at")


def ago(**span: float) -> str:
    """That long ago, as the store's text."""
    return f"{datetime.now(UTC) - timedelta(**span):%Y-%m-%d %H:%M:%S.%f}"


def step(name: str, status: str, **fields: Any) -> dict[str, Any]:
    """One step of a row's JSON list, with an undo of its own."""
    return {"name": name, "status": status, "action": f"{name}.Do", "compensation": f"{name}.Undo", **fields}


def row(saga_id: str, state: str = "pending", minutes: float = 60, **columns: Any) -> dict[str, Any]:
    """One row; by default an order that has not moved for an hour while its second step is out."""
    steps = columns.pop("steps", None)
    if steps is None:
        steps = [step("reserve", "completed", executed_at=_iso(minutes + 1)), step("pay", "executing")]
    return {
        "saga_id": saga_id,
        "saga_type": "Order",
        "state": state,
        "current_step": 1,
        "data": json.dumps({"reference": f"A-{saga_id}"}),
        "steps": steps if isinstance(steps, str | bytes) else json.dumps(steps),
        "created_at": ago(minutes=minutes + 5),
        "updated_at": ago(minutes=minutes),
        **columns,
    }


def stuck(saga_id: str, minutes: float = 60, **columns: Any) -> dict[str, Any]:
    """A row whose undo was sent and never confirmed: critical."""
    done = {"executed_at": _iso(minutes + 1)}
    steps = [step("reserve", "completed", **done), step("pay", "compensating", **done), step("ship", "failed")]
    return row(saga_id, "compensating", minutes, **{"steps": steps, **columns})


def resting(saga_id: str, minutes: float = 60, **columns: Any) -> dict[str, Any]:
    """A row that stands still with no deadline known: a warning."""
    return row(saga_id, "pending", minutes, **columns)


def well(saga_id: str, **columns: Any) -> dict[str, Any]:
    """A row that moved a moment ago."""
    return row(saga_id, "pending", 0.1, **columns)


def _iso(minutes: float) -> str:
    return ago(minutes=minutes).replace(" ", "T")


def write(database: Path, rows: Iterable[Mapping[str, Any]], table: str = TABLE) -> Path:
    """Make a store of these rows."""
    connection = sqlite3.connect(database)
    with connection:
        connection.execute(table)
        connection.execute(SEARCHED)
        add(connection, rows)
    connection.close()
    return database


def add(connection: sqlite3.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Put more rows into a store."""
    places = ", ".join("?" * len(COLUMNS))
    connection.executemany(
        f"INSERT INTO sagas VALUES ({places})", [tuple(each[name] for name in COLUMNS) for each in rows]
    )


def change(database: Path, sql: str, *values: Any) -> None:
    """Change a store's rows."""
    connection = sqlite3.connect(database)
    with connection:
        connection.execute(sql, values)
    connection.close()


def config_of(databases: Mapping[str, Path], *more: str) -> str:
    """The configuration that looks at these stores; `more` follows at the end."""
    parts = ["config_version = 1", '[environment]\nname = "test"']
    for name, database in databases.items():
        url = json.dumps(f"sqlite:///{database}")
        parts.append(
            f'[stores.{name}]\nplugin = "sql"\nurl = {url}\npreset = "saga-template"\n'
            f'[stores.{name}.saga]\nbusiness_key = "$.reference"'
        )
    return "\n".join((*parts, *more)) + "\n"
