"""The statements that an operator may run so that we need not read everything."""

from __future__ import annotations

import re
from typing import Final

from sagadoctor.api.v1.sql import MARIADB, POSTGRESQL, Kind, Table

from .opened import Opened
from .states import ColumnStates

_PREFIX: Final = 64
"""Characters of an unbounded text that MariaDB can index."""


def index_to_create(opened: Opened) -> str:
    """Return the statement for the index that the live scan wants."""
    states = opened.reader.states
    names: list[str] = []
    if isinstance(states, ColumnStates) and states.column is not None:
        names.append(states.column.name)
    elif opened.reader.words.state.when is not None:
        rules = [name for rule in opened.reader.words.state.when for name in rule.if_]
        found = [column.name for name in dict.fromkeys(rules) if (column := opened.table.find(name)) is not None]
        names.extend(found[:1])
    for name in ("updated_at", "ended_at", "created_at"):
        if name in opened.reader.times.columns:
            names.append(opened.reader.times.columns[name][1].name)
            break
    return create_index(opened.table, names, opened.engine)


def create_index(table: Table, names: list[str], engine: str) -> str:
    """Return CREATE INDEX as this engine runs it beside its daily work."""
    mark = "`" if engine == MARIADB else '"'

    def quoted(name: str) -> str:
        return mark + name.replace(mark, mark * 2) + mark

    plain = re.sub(r"\W+", "_", "_".join([table.name, *names]).lower()).strip("_")[:60]
    place = ".".join(quoted(part) for part in (table.schema, table.name) if part)
    columns = ", ".join(quoted(name) + _prefix(table, name, engine) for name in names)
    concurrently = "CONCURRENTLY " if engine == POSTGRESQL and not table.leaves else ""
    tail = " ALGORITHM=INPLACE LOCK=NONE" if engine == MARIADB else ""
    return f"CREATE INDEX {concurrently}{quoted(plain)} ON {place} ({columns}){tail}"


def _prefix(table: Table, name: str, engine: str) -> str:
    column = table.find(name)
    if engine != MARIADB or column is None or column.kind is not Kind.TEXT:
        return ""
    return f"({_PREFIX})" if column.length is None or column.length > 768 else ""
