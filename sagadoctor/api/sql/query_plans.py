"""How much an engine would read from end to end for a query in the place of a table, by its plan."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from .address import MARIADB, POSTGRESQL
from .catalog import Query
from .driver import Row
from .written import ALIAS

_MARIADB_COLUMNS: Final = {10: (2, 3, 8, 9), 12: (2, 4, 9, 11)}
"""By the number of columns of an EXPLAIN: where table, type, rows and extra stand (MariaDB, MySQL)."""
_SQLITE_SCAN: Final = re.compile(r"SCAN (?P<table>\S+)(?: USING (?:COVERING )?INDEX (?P<index>.+))?\Z")
_AUTOMATIC: Final = re.compile(r"SEARCH (?P<table>\S+) USING AUTOMATIC ")


class Reading(msgspec.Struct):
    """What one plan reads: `rows` from end to end, whether it sorts, and whether it works all of it out first."""

    rows: int = 0
    sorts: bool = False
    whole: bool = False
    """It can't go along an index and stop: even the first row needs all of the others."""
    how: str = ""

    def scans(self, rows: int, how: str) -> None:
        """Note that a table is read from end to end."""
        self.rows += rows
        self.how = self.how or how


def reading(plan: Sequence[Row], query: Query, engine: str) -> Reading:
    """Return how a plan reads the tables of a query; a walk along a whole index reads all of its table too."""
    if engine == POSTGRESQL:
        return _postgresql(plan[0][0][0]["Plan"], query)
    return _mariadb(plan, query) if engine == MARIADB else _sqlite(plan, query)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _postgresql(plan: dict[str, Any], query: Query) -> Reading:
    found = Reading()
    rows = dict(query.names)
    partial = {index.name for table in query.tables for index in table.indexes if index.predicate is not None}
    for node in _nodes(plan):
        kind = str(node["Node Type"])
        found.sorts = found.sorts or kind in ("Sort", "Incremental Sort")
        found.whole = found.whole or kind in ("CTE Scan", "Hash", "Materialize", "HashAggregate", "SetOp")
        if kind == "Aggregate" and node.get("Strategy") in ("Hashed", "Plain", "Mixed"):
            found.whole = True
        name = node.get("Relation Name")
        if name is None or kind == "Tid Scan":
            continue
        inner = [each for each in _nodes(node) if "Index Name" in each]
        if inner and all("Index Cond" in each or each["Index Name"] in partial for each in inner):
            continue
        found.whole = found.whole or (not inner and rows.get(str(name), 0) > query.bearable)
        along = f" along {inner[0]['Index Name']}" if inner else ""
        found.scans(rows.get(str(name), int(node.get("Plan Rows", 0))), f"{kind} on {name}{along}")
    return found


def _mariadb(plan: Sequence[Row], query: Query) -> Reading:
    found = Reading()
    for row in plan:
        places = _MARIADB_COLUMNS.get(len(row))
        if places is None:
            continue
        name, kind, rows, extra = (row[place] for place in places)
        told = str(extra or "")
        found.sorts = found.sorts or "filesort" in told or "temporary" in told
        if name is not None and str(name).startswith("<"):  # what was worked out is read once more
            found.whole = True
            continue
        if kind in ("ALL", "index"):
            found.scans(int(rows or 0), f"type {kind} on {name}")
            found.whole = found.whole or (kind == "ALL" and int(rows or 0) > query.bearable)
    return found


def _sqlite(plan: Sequence[Row], query: Query) -> Reading:
    found = Reading()
    rows = dict(query.names)
    partial = {index.name for table in query.tables for index in table.indexes if index.predicate is not None}
    made: set[str] = {ALIAS}
    for row in plan:
        detail = str(row[3])
        found.sorts = found.sorts or "TEMP B-TREE FOR" in detail
        word, _, name = detail.partition(" ")
        if word in ("MATERIALIZE", "CO-ROUTINE"):
            made.add(name)
            found.whole = found.whole or word == "MATERIALIZE"
        scan, automatic = _SQLITE_SCAN.match(detail), _AUTOMATIC.match(detail)
        found.whole = found.whole or automatic is not None
        told = scan or automatic
        if told is None or told["table"] in made or (scan is not None and scan["index"] in partial):
            continue
        most = max(rows.values(), default=0)  # a name that nobody knows may be that of the biggest
        found.scans(rows.get(told["table"].casefold(), most), detail)
    return found
