"""What a plan reads from end to end for a query: told from the plan alone, also of engines that are not here."""

from __future__ import annotations

from typing import Any

import pytest

from sagadoctor.api.sql.catalog import Query
from sagadoctor.api.sql.query_plans import reading
from sagadoctor.api.v1.sql import MARIADB, POSTGRESQL, SQLITE, Index
from sagadoctor.api.v1.sql import Table as RealTable

PARTIAL = Index("open_ones", ("state",), predicate="state <> 'done'")
RUNS = RealTable(None, "runs", (), (PARTIAL, Index("by_no", ("no",))), 5000)
QUERY = Query("select …", (RUNS,), (("runs", 5000), ("r", 5000), ("words", 3)), bearable=1000)


def mysql(table: str, kind: str, rows: int, extra: str = "") -> tuple[Any, ...]:
    return (1, "SIMPLE", table, None, kind, None, None, None, None, rows, 100.0, extra)


def mariadb(table: str, kind: str, rows: int, extra: str = "") -> tuple[Any, ...]:
    return (1, "PRIMARY", table, kind, None, None, None, None, rows, extra)


@pytest.mark.parametrize("row", [mysql, mariadb])
def test_mysql_and_mariadb_tell_how_many_rows_they_expect(row: Any) -> None:
    assert reading([row("r", "ALL", 5000), row("s", "eq_ref", 1)], QUERY, MARIADB).rows == 5000
    assert reading([row("r", "ref", 5000), row("s", "ALL", 3)], QUERY, MARIADB).rows == 3
    assert reading([row("r", "index", 5000)], QUERY, MARIADB).rows == 5000
    assert not reading([row("r", "index", 5000)], QUERY, MARIADB).whole  # along an index, in its order
    assert reading([row("r", "ALL", 5000)], QUERY, MARIADB).whole
    assert reading([row("<derived2>", "ALL", 9), row("r", "range", 9)], QUERY, MARIADB).whole
    assert reading([row("r", "range", 9, "Using where; Using filesort")], QUERY, MARIADB).sorts


def sqlite(*details: str) -> list[tuple[Any, ...]]:
    return [(at, 0, 0, detail) for at, detail in enumerate(details)]


def test_sqlite_tells_tables_by_their_aliases() -> None:
    assert reading(sqlite("SCAN r", "SEARCH words USING INTEGER PRIMARY KEY (rowid=?)"), QUERY, SQLITE).rows == 5000
    assert reading(sqlite("SCAN words", "SEARCH r USING INDEX by_no (no=?)"), QUERY, SQLITE).rows == 3
    assert reading(sqlite("SCAN r USING INDEX open_ones"), QUERY, SQLITE).rows == 0
    assert reading(sqlite("SCAN r USING COVERING INDEX by_no"), QUERY, SQLITE).rows == 5000
    assert reading(sqlite("SCAN somebody"), QUERY, SQLITE).rows == 5000  # nobody knows which it is
    assert reading(sqlite("CO-ROUTINE sagadoctor_query", "SCAN sagadoctor_query"), QUERY, SQLITE).rows == 0
    automatic = reading(sqlite("SEARCH r USING AUTOMATIC COVERING INDEX (no=?)"), QUERY, SQLITE)
    assert (automatic.rows, automatic.whole) == (5000, True)
    assert reading(sqlite("SCAN r", "USE TEMP B-TREE FOR ORDER BY"), QUERY, SQLITE).sorts


def node(kind: str, **told: Any) -> dict[str, Any]:
    return {"Node Type": kind, "Plan Rows": 1, **{key.replace("_", " "): value for key, value in told.items()}}


def postgresql(plan: dict[str, Any]) -> Any:
    return reading([([{"Plan": plan}],)], QUERY, POSTGRESQL)


def test_postgresql_tells_nodes() -> None:
    runs = {"Relation_Name": "runs"}
    assert postgresql(node("Seq Scan", **runs)).rows == 5000
    assert postgresql(node("Seq Scan", Relation_Name="words")).rows == 3
    assert postgresql(node("Index Scan", Index_Name="by_no", Index_Cond="(no > 7)", **runs)).rows == 0
    assert postgresql(node("Index Scan", Index_Name="by_no", **runs)).rows == 5000
    assert not postgresql(node("Index Scan", Index_Name="by_no", **runs)).whole
    assert postgresql(node("Index Scan", Index_Name="open_ones", **runs)).rows == 0
    bitmap = node("Bitmap Index Scan", Index_Name="by_no", Index_Cond="(no = 7)")
    assert postgresql(node("Bitmap Heap Scan", Plans=[bitmap], **runs)).rows == 0
    both = [node("Seq Scan", **runs), node("Hash", Plans=[node("Seq Scan", Relation_Name="words")])]
    joined = postgresql(node("Sort", Plans=[node("Hash Join", Plans=both)]))
    assert (joined.rows, joined.sorts, joined.whole) == (5003, True, True)
    assert postgresql(node("Aggregate", Strategy="Hashed")).whole
    assert not postgresql(node("Aggregate", Strategy="Sorted")).whole
