"""A query in the place of a table: read, paged, looked up and refused as a table would be, on every database."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from sagadoctor.api.v1 import SagaState
from tests.adapters.sheet import Sheet, doubts, fetch, read

RUNS: Final = {
    "run_no": "int",
    "kind": "text",
    "status_id": "int",
    "changed": "moment",
    "doc": "document",
    "order_no": "text",
}
STATES: Final = {"id": "int", "word": "text"}
QUERY: Final = """
    select r.run_no as id, r.kind as type, s.word as state, r.changed as updated_at, r.doc, order_no
    from runs r join run_states s on s.id = r.status_id  -- it's a join; of two (2) tables
    where r.kind <> ':x %s % 100%% ?' ;
"""
SAGA: Final = {
    "table": {"query": QUERY, "key": "id"},
    "id": "id",
    "type": "type",
    "state": "state",
    "updated_at": "updated_at",
    "payload": "doc",
    "business_key": "order_no",
}
AT: Final = "2026-11-20 10:00:00"


def runs(url: str, count: int = 0) -> Sheet:
    """Runs 1 to `count`, every fourth of them done, and their words in a table of their own."""
    sheet = Sheet(url, "runs", RUNS)
    words = Sheet(url, "run_states", STATES)
    words.add({"id": 1, "word": "running"}, {"id": 2, "word": "completed"}, {"id": 3, "word": "odd one"})
    sheet.run("create unique index runs_no on runs (run_no)", "create unique index words_id on run_states (id)")
    every = [
        {
            "run_no": at,
            "kind": "Order",
            "status_id": 2 if at % 4 == 0 else 1,
            "changed": AT,
            "doc": f'{{"order": "A-{at}"}}',
            "order_no": f"A-{at}",
        }
        for at in range(1, count + 1)
    ]
    if every:
        table = sa.table("runs", *(sa.column(name) for name in RUNS))
        with sheet.engine.begin() as connection:
            connection.execute(table.insert(), every)
    return sheet


def said(**saga: Any) -> dict[str, Any]:
    return {"saga": {**SAGA, **saga}}


def test_a_query_is_read_like_a_table(store_url: str) -> None:
    sheet = runs(store_url, 9)
    sheet.add({"run_no": 10, "kind": "Order", "status_id": 3, "changed": AT, "doc": "{}"})
    found = sorted(read(sheet.open(said())), key=lambda saga: int(saga.saga_id))
    assert [saga.saga_id for saga in found] == ["1", "2", "3", "5", "6", "7", "9", "10"]
    assert {saga.saga_type for saga in found} == {"Order"}
    assert [saga.state for saga in found[:2]] == [SagaState.PENDING] * 2
    assert found[0].business_key == "A-1"
    assert found[0].updated_at is not None
    assert found[0].source == "orders.saga.table.query"
    assert doubts(found[-1]) == {"state": "a word that the mapping doesn't know"}
    assert len(read(sheet.open(said()), all_ended=True)) == 10
    (shown,) = fetch(sheet.open(said()), " 4", detail=True)
    assert (shown.saga_id, shown.state) == ("4", SagaState.COMPLETED)
    assert b"A-4" in (shown.payload or b"")
