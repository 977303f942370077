"""The statements that an operator may run so that we need not read everything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sagadoctor.api.v1.sql import MARIADB, POSTGRESQL, Column, Kind, Table

from .documents import text_pattern
from .opened import Opened
from .paths import Path
from .shapes import TableSteps
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


def unindexed(opened: Opened) -> list[str]:
    """Return the statements for indexes without which every page would read all of a big table beside the sagas'."""
    wanted: list[tuple[Table, str]] = []
    shape, outbox, owners = opened.reader.shape, opened.scan.outbox, opened.scan.owners
    if isinstance(shape, TableSteps) and shape.keys:
        wanted.append((shape.source.table, shape.keys[0].name))
    if outbox is not None and outbox.key is not None:
        wanted.append((outbox.source.table, outbox.key.name))
    if owners is not None and owners.key is not None:
        wanted.append((owners.source.table, owners.key.name))
    return [
        create_index(table, [name], opened.engine)
        for table, name in wanted
        if table.rows > opened.context.big_table and not table.is_view and not has_index(table, name)
    ]


def has_index(table: Table, name: str) -> bool:
    """Say whether a whole index begins with this column."""
    return any(index.predicate is None and index.columns[:1] == (name,) for index in table.indexes)


def create_index(table: Table, names: list[str], engine: str) -> str:
    """Return CREATE INDEX as this engine runs it beside its daily work; of a query, what to do in place of it."""
    if table.query is not None:
        of = " and ".join(names) or "what tells that they are live"
        read = ", ".join(dict.fromkeys(place_of(each, engine) for each in table.query.tables)) or "what it reads"
        return (
            f"let {table.place} itself keep only what can be live, by an indexed column, "
            f"or create an index on what {of} of it is made of, in {read}"
        )
    plain = re.sub(r"\W+", "_", "_".join([table.name, *names]).lower()).strip("_")[:60]
    columns = ", ".join(_quoted(name, engine) + _prefix(table, name, engine) for name in names)
    concurrently = "CONCURRENTLY " if engine == POSTGRESQL and not table.leaves else ""
    tail = " ALGORITHM=INPLACE LOCK=NONE" if engine == MARIADB else ""
    return f"CREATE INDEX {concurrently}{_quoted(plain, engine)} ON {place_of(table, engine)} ({columns}){tail}"


def create_path_index(table: Table, column: Column, path: Path, engine: str) -> str | None:
    """Return CREATE INDEX for what is looked up in a document; None where only a column of its own could be indexed."""
    if engine != POSTGRESQL:
        return None
    name = _quoted(column.name, engine)
    if column.kind is Kind.TEXT:
        expression = f"substring({name}, {_literal(text_pattern(path))})"
    elif len(path) == 1 and isinstance(path[0], str):
        expression = f"({name} ->> {_literal(path[0])})"
    else:
        return None
    plain = re.sub(r"\W+", "_", f"{table.name}_{column.name}_{path[-1]}".lower()).strip("_")[:60]
    concurrently = "CONCURRENTLY " if not table.leaves else ""
    return f"CREATE INDEX {concurrently}{_quoted(plain, engine)} ON {place_of(table, engine)} ({expression})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def grant_reading(tables: Sequence[Table], engine: str) -> str:
    """Return the statements that let a user read these tables, and nothing more."""
    told: list[str] = []
    tables = [each for table in tables for each in (table.query.tables if table.query is not None else (table,))]
    if engine == POSTGRESQL:
        schemas = dict.fromkeys(_quoted(table.schema, engine) for table in tables if table.schema)
        told += [f"GRANT USAGE ON SCHEMA {', '.join(schemas)} TO …"] if schemas else []
        told.append(f"GRANT SELECT ON {', '.join(dict.fromkeys(place_of(table, engine) for table in tables))} TO …")
    else:  # one table a statement is all that MariaDB takes
        told += dict.fromkeys(f"GRANT SELECT ON {place_of(table, engine)} TO …" for table in tables)
    return "; ".join(told)


def place_of(table: Table, engine: str) -> str:
    """Return a table's name as SQL."""
    return ".".join(_quoted(part, engine) for part in (table.schema, table.name) if part)


def _quoted(name: str, engine: str) -> str:
    mark = "`" if engine == MARIADB else '"'
    return mark + name.replace(mark, mark * 2) + mark


def _prefix(table: Table, name: str, engine: str) -> str:
    column = table.find(name)
    if engine != MARIADB or column is None or column.kind is not Kind.TEXT:
        return ""
    return f"({_PREFIX})" if column.length is None or column.length > 768 else ""
