"""The inventory of a MariaDB or MySQL database, from information_schema alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from .catalog import Column, Index, Table
from .inventory import MOST_COLUMNS, MOST_TABLES, ForeignKey, Inventory, Listed, TableKind

_WANTED: Final = """
(table_schema = %s or %s is null)
and table_schema not in ('information_schema', 'mysql', 'performance_schema', 'sys')
"""
_TABLES: Final = f"""
select table_schema, table_name, table_type, coalesce(table_rows, 0), engine from information_schema.tables
where {_WANTED} order by table_schema, table_name
limit {MOST_TABLES + 1}
"""  # noqa: S608 - all of it is written here
_COLUMNS: Final = f"""
select table_schema, table_name, privileges, column_name, data_type, column_type, is_nullable,
       character_maximum_length, collation_name
from information_schema.columns where {_WANTED}
order by table_schema, table_name, ordinal_position limit {MOST_COLUMNS + 1}
"""  # noqa: S608 - all of it is written here
_INDEXES: Final = f"""
select table_schema, table_name, index_name, non_unique, column_name, sub_part, index_type
from information_schema.statistics where {_WANTED}
order by table_schema, table_name, index_name, seq_in_index
"""  # noqa: S608 - all of it is written here
_FOREIGN: Final = f"""
select table_schema, table_name, constraint_name, column_name, referenced_table_schema, referenced_table_name,
       referenced_column_name
from information_schema.key_column_usage
where referenced_table_name is not null and {_WANTED}
order by table_schema, table_name, constraint_name, ordinal_position
"""  # noqa: S608 - all of it is written here
_KINDS: Final = {"BASE TABLE": TableKind.TABLE, "VIEW": TableKind.VIEW, "SYSTEM VERSIONED": TableKind.TABLE}
_FAR: Final = ("FEDERATED", "CONNECT", "SPIDER")
"""Engines whose tables lie on another server."""

_Place = tuple[str, str]


def inventory(
    asked: Callable[..., list[Any]],
    column: Callable[[str, str, str, str, int | None, str | None], Column],
    only: str | None,
) -> Inventory:
    """Return the inventory of one database, of all where none is chosen.

    `only` is its name, `asked` asks a text with its parameters, `column` makes a column of what the catalogue says.
    """
    here = asked("select database()")[0][0]
    chosen = only or here

    def rows(text: str) -> list[Any]:
        return asked(text, chosen, chosen)

    tables = [row for row in rows(_TABLES) if row[2] in _KINDS]
    listed = rows(_COLUMNS)
    columns: dict[_Place, list[Column]] = defaultdict(list)
    for schema, name, rights, *told in listed[:MOST_COLUMNS]:
        if "select" in str(rights).lower():
            columns[schema, name].append(column(*told))
    indexes = _indexes(rows(_INDEXES))
    keys = _foreign_keys(rows(_FOREIGN))
    found = [
        Listed(
            Table(
                schema,
                name,
                tuple(columns[schema, name]),
                tuple(indexes.get((schema, name), ())),
                int(count),
                is_view=kind == "VIEW",
            ),
            TableKind.FOREIGN if str(engine).upper() in _FAR else _KINDS[kind],
            bool(columns[schema, name]),
            schema == here,
            tuple(keys.get((schema, name), ())),
        )
        for schema, name, kind, count, engine in tables[:MOST_TABLES]
    ]
    return Inventory(found, cut=len(tables) > MOST_TABLES or len(listed) > MOST_COLUMNS)


def _indexes(rows: list[Any]) -> dict[_Place, list[Index]]:
    gathered: dict[tuple[str, str, str], tuple[list[str | None], bool]] = {}
    for schema, name, index, non_unique, column, part, kind in rows:
        if kind == "BTREE":
            columns, _ = gathered.setdefault((schema, name, index), ([], not non_unique))
            columns.append(column if part is None else None)
    found: dict[_Place, list[Index]] = defaultdict(list)
    for (schema, name, index), (columns, unique) in gathered.items():
        found[schema, name].append(Index(index, tuple(columns), unique, index == "PRIMARY"))
    return found


def _foreign_keys(rows: list[Any]) -> dict[_Place, list[ForeignKey]]:
    gathered: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
    for schema, name, constraint, *told in rows:
        gathered[schema, name, constraint].append(told)
    found: dict[_Place, list[ForeignKey]] = defaultdict(list)
    for (schema, name, _), parts in gathered.items():
        own, others = tuple(part[0] for part in parts), tuple(part[3] for part in parts)
        found[schema, name].append(ForeignKey(own, parts[0][1], parts[0][2], others))
    return found
