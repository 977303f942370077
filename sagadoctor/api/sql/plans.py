"""Would a statement read a big table from end to end? Asked of the engine's own plan, before it is run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import msgspec

from sagadoctor.late import LatePattern

from .address import MARIADB, POSTGRESQL
from .catalog import Table
from .driver import Row

_MARIADB_COLUMNS: Final = {10: (2, 3, 5, 9), 12: (2, 4, 6, 11)}
"""By the number of columns of an EXPLAIN: where table, type, key and extra stand (MariaDB, MySQL)."""
_SEARCH: Final = LatePattern(r"SEARCH (?P<table>\S+) USING (?:COVERING )?INDEX (?P<index>.+?) \((?P<condition>.*)\)")
_SCAN: Final = LatePattern(r"SCAN (?P<table>\S+)(?: USING (?:COVERING )?INDEX (?P<index>.+))?")


class Access(msgspec.Struct, frozen=True):
    """How a plan reads one table: `sequential` from end to end, `sorts` before the first row comes.

    `whole`: all of a query is worked out before its first row comes.
    """

    sequential: bool
    sorts: bool = False
    how: str = ""
    whole: bool = False


def access(plan: Sequence[Row], table: Table, leading: Collection[str], engine: str) -> Access:
    """Return how a plan reads `table`.

    Only an index whose first column is among `leading`, or a partial index, counts as an index: walking along
    another one reads everything too. Of a query, what counts is how many rows of the tables behind it are read so.
    """
    if table.query is not None:
        from .query_plans import reading

        found = reading(plan, table.query, engine)
        return Access(found.rows > table.query.bearable, found.sorts, found.how, found.whole)
    if engine == POSTGRESQL:
        return _postgresql(plan[0][0][0]["Plan"], table, leading)
    if engine == MARIADB:
        return _mariadb(plan, table, leading)
    return _sqlite(plan, table, leading)


def _narrow(table: Table, index: str | None, leading: Collection[str]) -> bool | None:
    """Say whether an index narrows the read down; None for an expression's, or one that isn't the table's own."""
    for each in table.indexes:
        if each.name == index:
            if each.predicate is not None:
                return True
            return None if each.columns[:1] == (None,) else each.columns[0] in leading
    return None


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _postgresql(plan: dict[str, Any], table: Table, leading: Collection[str]) -> Access:
    names = {table.name, *(name for _, name in table.leaves)}
    every = table.is_view  # a view's plan names the tables behind it
    sorts = any(node["Node Type"] == "Sort" for node in _nodes(plan))
    for node in _nodes(plan):
        if "Relation Name" not in node or not (every or node["Relation Name"] in names):
            continue
        kind = node["Node Type"]
        if kind == "Tid Range Scan":
            continue
        inner = [each for each in _nodes(node) if "Index Name" in each]
        if not inner or not all(_narrows(each, table, leading) for each in inner):
            used = f" along {inner[0]['Index Name']}" if inner else ""
            return Access(sequential=True, sorts=sorts, how=f"{kind}{used}")
    return Access(sequential=False, sorts=sorts)


def _narrows(node: dict[str, Any], table: Table, leading: Collection[str]) -> bool:
    condition = str(node.get("Index Cond", ""))
    known = _narrow(table, node["Index Name"], leading)
    if known and any(each.name == node["Index Name"] and each.predicate is not None for each in table.indexes):
        return True
    return known is not False and any(name in condition for name in leading)


def _mariadb(plan: Sequence[Row], table: Table, leading: Collection[str]) -> Access:
    sorts = False
    worst = ""
    for row in plan:
        places = _MARIADB_COLUMNS.get(len(row))
        if places is None:
            continue
        name, kind, key, extra = (row[place] for place in places)
        sorts = sorts or "filesort" in str(extra or "")
        if kind is None or not (name == table.name or table.is_view):
            continue
        if kind in ("ALL", "index") or _narrow(table, key, leading) is False:
            worst = f"type {kind}" + (f" along {key}" if key else "")
    return Access(sequential=bool(worst), sorts=sorts, how=worst)


def _sqlite(plan: Sequence[Row], table: Table, leading: Collection[str]) -> Access:
    sorts = False
    worst = ""
    for row in plan:
        detail = str(row[3])
        sorts = sorts or "TEMP B-TREE FOR ORDER BY" in detail
        found = _SEARCH.search(detail) or _SCAN.search(detail)
        if found is None:
            if detail.startswith(f"SEARCH {table.name} ") or (table.is_view and detail.startswith("SEARCH ")):
                worst = detail  # along the row id: everything behind a key
            continue
        if found["table"] == table.name or table.is_view:
            narrow = _narrow(table, found["index"], leading) if found["index"] else False
            if narrow is None:
                narrow = "<expr>" in detail or (table.is_view and any(name in detail for name in leading))
            if not narrow:
                worst = detail
    return Access(sequential=bool(worst), sorts=sorts, how=worst)
