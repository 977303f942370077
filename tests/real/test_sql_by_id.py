"""A scan of sagas that were named by their ids, on every engine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from sagadoctor.adapters.sql import page
from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import StillClock
from sagadoctor.model.policy import Policy
from sagadoctor.model.report import ReportEnd
from sagadoctor.services.backends import Backends
from sagadoctor.services.filters import Filters
from sagadoctor.services.scan import ScanRequest, scan
from tests.adapters.sheet import GOOD, TEMPLATE, Sheet, fetch, steps_json

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def scanned(store: SqlStore, *ids: str) -> tuple[list[str], ReportEnd]:
    backends = Backends((store,), Policy(), StillClock(NOW))
    request = ScanRequest("cron", filters=Filters(saga_ids=frozenset(ids)), as_of=NOW)

    async def work() -> list[Any]:
        try:
            return [each async for each in scan(backends, request)]
        finally:
            await backends.close()

    *findings, end = asyncio.run(work())
    assert isinstance(end, ReportEnd)
    assert end.blind_spots == ()
    return sorted({finding.saga_id for finding in findings}), end


def test_numbers_are_found_however_they_are_written(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "saga_id": "bigint"})
    undoing = {"state": "compensating", "steps": steps_json("compensating")}
    sheet.add(*(sheet.good(saga_id=number, **undoing) for number in (7, 8, 9)))
    told, end = scanned(sheet.open(), "007", "7", "+8", "10", "no number")
    assert told == ["7", "8"]
    assert end.sagas == 2
    assert any(note.startswith("2 of the 5 ids asked for were not found") for note in end.notes)
    assert any(note.endswith(": 10, no number") for note in end.notes)


def test_more_than_a_statement_takes_are_all_found(store_url: str) -> None:
    sheet = Sheet(store_url)
    rows = [{**GOOD, "saga_id": f"s-{number:05}"} for number in range(2_300)]
    with sheet.engine.begin() as connection:
        connection.execute(sa.table("sagas", *(sa.column(name) for name in GOOD)).insert(), rows)
    _, end = scanned(sheet.open(), *(str(row["saga_id"]) for row in rows[:2_100]), "s-x")
    assert end.sagas == 2_100
    assert [note.rpartition(": ")[2] for note in end.notes if "not found" in note] == ["s-x"]


def test_big_documents_are_no_reason_to_miss_a_saga(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PAGE_BYTES", 4_000)
    sheet = Sheet(store_url)
    sheet.add(
        *(sheet.good(saga_id=f"s-{number}", steps=steps_json("completed", error="x" * 1_500)) for number in range(9))
    )
    ids = [f"s-{number}" for number in range(9)]
    assert sorted(saga.saga_id for saga in fetch(sheet.open(), *ids)) == ids
