"""The inventory of a SQLite file, from sqlite_master and the pragmas."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from .catalog import Table
from .inventory import MOST_COLUMNS, MOST_TABLES, ForeignKey, Inventory, Listed, TableKind

_TABLES: Final = (
    "select name, type, coalesce(sql, '') from sqlite_master where type in ('table', 'view') "
    "and name not like 'sqlite\\_%' escape '\\' order by name limit ?"
)
_FOREIGN: Final = 'select id, "table", "from", "to" from pragma_foreign_key_list(?) order by id, seq'
_VIRTUAL: Final = re.compile(r"(?i)\s*create\s+virtual\s+table\b")


def inventory(rows: Callable[[str, tuple[Any, ...]], list[Any]], table: Callable[[str, str, str], Table]) -> Inventory:
    """Return the inventory; `rows` asks a text, `table` reads one table of this name, kind and text.

    A virtual table is the business of code that may not be here: it is listed and never touched. A view that is
    broken has no columns.
    """
    there = rows(_TABLES, (MOST_TABLES + 1,))
    found: list[Listed] = []
    columns = 0
    for name, kind, text in there[:MOST_TABLES]:
        if _VIRTUAL.match(text):
            found.append(Listed(Table(None, name, ()), TableKind.VIRTUAL, readable=False))
            continue
        try:
            made = table(name, kind, text)
        except sqlite3.OperationalError:
            found.append(Listed(Table(None, name, ()), TableKind.VIEW, readable=False))
            continue
        columns += len(made.columns)
        if columns > MOST_COLUMNS:
            return Inventory(found, cut=True)
        keys = () if kind == "view" else _foreign_keys(rows(_FOREIGN, (name,)))
        found.append(Listed(made, TableKind.VIEW if kind == "view" else TableKind.TABLE, foreign_keys=keys))
    return Inventory(found, cut=len(there) > MOST_TABLES)


def _foreign_keys(rows: list[Any]) -> tuple[ForeignKey, ...]:
    gathered: dict[int, list[tuple[str, str, str | None]]] = {}
    for number, other, mine, theirs in rows:
        gathered.setdefault(number, []).append((other, mine, theirs))
    return tuple(
        ForeignKey(
            tuple(mine for _, mine, _ in parts),
            None,
            parts[0][0],
            tuple(theirs for _, _, theirs in parts if theirs is not None),
        )
        for parts in gathered.values()
    )
