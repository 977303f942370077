"""A SQLite file of any tables, and what is proposed for it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from sagadoctor.adapters.sql.guess.propose import propose
from sagadoctor.adapters.sql.guess.verdicts import plugin_table
from sagadoctor.adapters.sql.options import SqlOptions
from sagadoctor.adapters.sql.presets import expand
from sagadoctor.api.v1 import Deadline, StoreContext, SystemClock
from sagadoctor.api.v1.proposing import Draft, Inquiry, Proposal

CLOCK = SystemClock()


def made(folder: Path, *statements: str) -> str:
    path = folder / "made.db"
    connection = sqlite3.connect(path)
    connection.executescript(";\n".join(statements) + ";")
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def proposed(folder: Path, *statements: str, **asked: Any) -> Proposal:
    """What is proposed for these tables."""
    context = StoreContext("init", "init", CLOCK)
    inquiry = Inquiry(made(folder, *statements), context, Deadline.after(CLOCK, 30), **asked)
    return asyncio.run(propose(inquiry))


def one(folder: Path, *statements: str, **asked: Any) -> tuple[dict[str, Any], Draft]:
    """The only draft for these tables, as the configuration's table, which must be one."""
    proposal = proposed(folder, *statements, **asked)
    (draft,) = proposal.drafts
    table = plugin_table(draft)
    SqlOptions.model_validate({"url": proposal.url, **expand(table)})
    return table, draft


def rows(table: str, *told: tuple[Any, ...]) -> str:
    """The statement that inserts these rows."""
    values = ", ".join(f"({', '.join(map(_literal, row))})" for row in told)
    return f"insert into {table} values {values}"


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
