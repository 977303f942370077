"""Children in a real database: found by their parent's column, whatever it holds, and never by reading everything."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from sagadoctor.adapters.sql import children
from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import CheckLevel, CheckLine, FullScanRefused, Policy, Saga, StillClock
from sagadoctor.services.backends import Backends
from sagadoctor.services.scan import ScanRequest, scan
from tests.adapters.sheet import GOOD, TEMPLATE, Sheet, later, steps_json

COLUMNS = {**TEMPLATE, "part_of": "text"}
MAPPING: dict[str, Any] = {"preset": "saga-template", "saga": {"parent": "part_of"}}
BIG: dict[str, Any] = {"big_table": 500}


def ask(store: SqlStore, *parents: str) -> list[str]:
    async def work() -> list[str]:
        try:
            return sorted(saga.saga_id for saga in await store.children(parents, later()))
        finally:
            await store.close()

    return asyncio.run(work())


def fill(sheet: Sheet, *rows: Mapping[str, Any]) -> None:
    whole = [{**GOOD, **row} for row in rows]
    with sheet.engine.begin() as connection:
        connection.execute(sa.table(sheet.name, *(sa.column(name) for name in whole[0])).insert(), whole)
    name = sheet.name
    sheet.run({"sqlite": "analyze", "postgresql": f"analyze {name}"}.get(sheet.kind, f"analyze table {name}"))


def crowd(count: int, **columns: Any) -> list[dict[str, Any]]:
    return [{"saga_id": f"s-{number:05}", "part_of": f"p-{number:05}", **columns} for number in range(count)]


def test_live_and_failed_children_are_found_and_nobody_elses(store_url: str) -> None:
    sheet = Sheet(store_url, columns=COLUMNS)
    words = {"a": "pending", "b": "compensating", "c": "completed", "d": "failed", "e": "Odd", "f": None}
    rows = [{"saga_id": saga_id, "state": state, "part_of": "p"} for saga_id, state in words.items()]
    fill(
        sheet,
        *rows,
        {"saga_id": "g", "part_of": "P"},
        {"saga_id": "h", "part_of": None},
        {"saga_id": "p", "part_of": "x"},
    )
    assert ask(sheet.open(MAPPING), "p") == ["a", "b", "e", "f"]
    means = {**MAPPING, "saga": {"parent": "part_of", "state": {"column": "state", "failed_means": "failed"}}}
    assert ask(sheet.open(means), "p") == ["a", "b", "d", "e", "f"]
    assert ask(sheet.open(means), "P", "x", "nobody") == ["g", "p"]


def test_a_saga_that_waits_for_a_stuck_one_is_blocked_by_it(store_url: str) -> None:
    sheet = Sheet(store_url, columns=COLUMNS)
    now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    fill(
        sheet,
        {"saga_id": "trip", "state": "waiting", "steps": steps_json("completed", "pending"), "part_of": None},
        {"saga_id": "hotel", "state": "compensating", "steps": steps_json("compensating", "failed"), "part_of": "trip"},
        {"saga_id": "flight", "state": "completed", "steps": steps_json("completed", "completed"), "part_of": "trip"},
    )
    backends = Backends((sheet.open(MAPPING),), Policy(), StillClock(now))

    async def work() -> dict[str, str]:
        told = [each async for each in scan(backends, ScanRequest("cron", as_of=now, since=timedelta(days=30)))]
        await backends.close()
        return {str(each.saga_id): each.rule for each in told[:-1] if each.primary}  # type: ignore[union-attr]

    assert asyncio.run(work()) == {"trip": "blocked-by", "hotel": "compensation-stuck"}


def checked(store: SqlStore) -> tuple[CheckLine, ...]:
    """What `check` says of a store, which is closed behind it."""

    async def work() -> tuple[CheckLine, ...]:
        try:
            return await store.check(later())
        finally:
            await store.close()

    return asyncio.run(work())


@pytest.mark.parametrize("index", [True, False])
def test_a_big_table_is_asked_by_an_index_or_not_at_all(store_url: str, index: bool) -> None:
    sheet = Sheet(store_url, columns=COLUMNS)
    sheet.run("create index by_state on sagas (state, updated_at)")
    if index:
        sheet.run("create index by_parent on sagas (part_of)")
    fill(sheet, *crowd(3000))
    if index:
        assert ask(sheet.open(MAPPING, **BIG), "p-00007", "p-02999") == ["s-00007", "s-02999"]
        return
    with pytest.raises(FullScanRefused, match=r"no index finds the children of a saga in .*sagas") as refused:
        ask(sheet.open(MAPPING, **BIG), "p-00007")
    assert "CREATE INDEX" in refused.value.hint
    assert "part_of" in refused.value.hint
    lines = checked(sheet.open(MAPPING, **BIG))
    assert [line.todo for line in lines if "children" in line.text] == [refused.value.hint]


def test_an_index_of_those_that_have_a_parent_is_one(store_url: str) -> None:
    sheet = Sheet(store_url, columns=COLUMNS)
    if sheet.kind in ("mysql", "mariadb"):
        pytest.skip("this engine knows no partial index")
    sheet.run("create index by_parent on sagas (part_of) where part_of is not null")
    fill(sheet, *crowd(3000, part_of=None), {"saga_id": "c", "part_of": "p"})
    assert ask(sheet.open(MAPPING, **BIG), "p") == ["c"]


def test_what_check_says_of_a_store_whose_children_can_be_found(store_url: str) -> None:
    def about(store: SqlStore) -> list[CheckLine]:
        return [line for line in checked(store) if line.about == "children"]

    sheet = Sheet(store_url, columns=COLUMNS)
    fill(sheet, *crowd(10))
    assert [line.level for line in about(sheet.open(MAPPING))] == [CheckLevel.OK]
    assert about(sheet.open()) == []


def test_a_parent_in_the_payload_is_found_there(store_url: str) -> None:
    sheet = Sheet(store_url)
    fill(
        sheet,
        {"data": '{"trip": "p-1"}'},
        {"saga_id": "s-2", "data": '{"trip": "p-2"}'},
        {"saga_id": "s-3", "data": "{}"},
    )
    said = {"preset": "saga-template", "saga": {"parent": "$.trip"}}
    if sheet.kind == "postgresql":  # a path out of a plain text is taken by nobody but a reader of the rows
        with pytest.raises(FullScanRefused, match="only a reader of its rows can tell"):
            ask(sheet.open(said), "p-1")
        return
    assert ask(sheet.open(said), "p-1", "p-3") == ["s-1"]


def test_a_parent_behind_a_pattern_cant_be_searched_and_it_is_said(store_url: str) -> None:
    sheet = Sheet(store_url, columns=COLUMNS)
    fill(sheet, {"part_of": "saga:p-1"})
    said = {"preset": "saga-template", "saga": {"parent": {"column": "part_of", "pattern": "saga:(.*)"}}}
    with pytest.raises(FullScanRefused, match="only a reader of its rows can tell"):
        ask(sheet.open(said), "p-1")


def test_a_crowd_of_one_parent_hides_nobody_elses_children(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "MOST_ROWS", 50)
    sheet = Sheet(store_url, columns=COLUMNS)
    many = [
        {"saga_id": f"c-{number:03}", "part_of": "p", "updated_at": f"2026-11-{1 + number // 10:02} 10:00:00"}
        for number in range(120)
    ]
    done = [
        {"saga_id": f"d-{number:03}", "part_of": "p", "state": "completed", "updated_at": "2026-01-01 00:00:00"}
        for number in range(120)
    ]
    fill(sheet, *many, *done, *crowd(80))
    parents = [*(f"p-{number:05}" for number in range(40)), "p", *(f"p-{number:05}" for number in range(40, 80))]
    found = ask(sheet.open(MAPPING), *parents)
    assert found == sorted([*(f"c-{number:03}" for number in range(10)), *(f"s-{number:05}" for number in range(80))])


def test_ids_are_compared_in_the_form_of_the_column(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**COLUMNS, "saga_id": "bigint", "part_of": "bigint"})
    fill(sheet, {"saga_id": 1, "part_of": None}, {"saga_id": 2, "part_of": 1}, {"saga_id": 3, "part_of": 10})
    assert ask(sheet.open(MAPPING), "1", "x", "9" * 40) == ["2"]


def test_a_uuid_in_another_spelling_is_the_same_parent(store_url: str) -> None:
    parent = "0198a0c2-0042-7abc-8def-0123456789ab"
    sheet = Sheet(store_url, columns=COLUMNS)
    fill(sheet, {"part_of": parent.upper()}, {"saga_id": "s-2", "part_of": parent.replace("-", "")})
    said = {"preset": "saga-template", "saga": {"parent": {"column": "part_of", "format": "uuid"}}}

    async def work() -> tuple[Saga, ...]:
        store = sheet.open(said)
        try:
            return await store.children([parent], later())
        finally:
            await store.close()

    assert {(saga.saga_id, saga.parent_id) for saga in asyncio.run(work())} == {("s-1", parent), ("s-2", parent)}
