"""Rows of a child table without their saga, on every engine: found at the ends of an index, never by reading it all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from sagadoctor.adapters.sql import orphans
from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import CheckLevel, CheckLine, Look, OrphanSteps, StillClock
from sagadoctor.model.finding import Subject
from sagadoctor.model.policy import Policy
from sagadoctor.services.backends import Backends
from sagadoctor.services.scan import ScanRequest, scan
from sagadoctor.testing.builders import NOW
from tests.adapters.sheet import TEMPLATE, Sheet, later, read

pytestmark = pytest.mark.slow

STEPS = {
    "shape": "child_table",
    "table": "saga_steps",
    "foreign_key": "saga",
    "order_by": "id",
    "fields": {"name": "name", "status": "status"},
}
MAPPING: dict[str, Any] = {"preset": "saga-template", "steps": STEPS}


class Tables:
    """Sagas, and a table of their steps, each saga with two."""

    def __init__(self, url: str, *, index: bool = True, key: str = "text", id_kind: str = "id") -> None:
        self.sagas = Sheet(url, columns={**TEMPLATE, "saga_id": id_kind})
        self.steps = Sheet(url, name="saga_steps", columns={"id": "int", "saga": key, "name": "text", "status": "text"})
        if index:
            self.steps.run("create index steps_by_saga on saga_steps (saga)")

    def fill(self, sagas: Sequence[Any], steps: Sequence[Any]) -> None:
        whole = [self.sagas.good(saga_id=saga_id) for saga_id in sagas]
        rows = [
            {"id": 2 * at + turn, "saga": saga, "name": f"step {turn}", "status": "completed"}
            for at, saga in enumerate(steps)
            for turn in (0, 1)
        ]
        for sheet, held in ((self.sagas, whole), (self.steps, rows)):
            if held:
                with sheet.engine.begin() as connection:
                    connection.execute(sa.table(sheet.name, *(sa.column(name) for name in held[0])).insert(), held)
            told = {"sqlite": "analyze", "postgresql": f"analyze {sheet.name}"}
            sheet.run(told.get(sheet.kind, f"analyze table {sheet.name}"))

    def open(self, said: dict[str, Any] = MAPPING, **context: Any) -> SqlStore:
        return self.sagas.open(said, **context)


def surveyed(store: SqlStore, **asked: Any) -> tuple[OrphanSteps | None, list[str]]:
    """What a survey tells of steps without a saga, and its notes."""

    async def work() -> tuple[OrphanSteps | None, list[str]]:
        try:
            look = Look(later(), allow_full_scan=True, **asked)
            told = await store.survey(look)
            return told.orphans, list(told.notes)
        finally:
            await store.close()

    return asyncio.run(work())


def checked(store: SqlStore) -> list[CheckLine]:
    async def work() -> list[CheckLine]:
        try:
            return [line for line in await store.check(later()) if line.about == "steps"]
        finally:
            await store.close()

    return asyncio.run(work())


def test_row_23_a_step_without_its_saga_is_found(store_url: str) -> None:
    tables = Tables(store_url)
    tables.fill(["s-1", "s-2"], ["s-1", "s-2", "s-3", None])
    told, notes = surveyed(tables.open())
    assert told is not None
    assert (told.count, told.looked_at, told.saga_ids, told.whole) == (4, 8, ("s-3",), True)
    assert told.source.endswith("saga_steps")
    assert notes == []


def test_row_23_it_is_a_finding_of_a_scan_and_a_line_of_a_check(store_url: str) -> None:
    tables = Tables(store_url)
    tables.fill(["s-1"], ["s-1", "s-3"])
    backends = Backends((tables.open(),), Policy(), StillClock(NOW))

    async def work() -> list[str]:
        told = [each async for each in scan(backends, ScanRequest("cron", as_of=NOW))]
        await backends.close()
        return [each.summary for each in told[:-1] if each.subject is Subject.STORE]  # type: ignore[union-attr,misc]

    (summary,) = asyncio.run(work())
    assert summary == "2 of 4 rows of steps belong to no saga of this store: nobody here would undo them"
    (line,) = checked(tables.open())
    assert line.level is CheckLevel.WARNING
    assert line.text == "all 4 step rows were looked at: 2 belong to no saga of this store, such as those of s-3"
    assert "steps.where" in line.todo


def test_steps_that_all_have_their_saga(store_url: str) -> None:
    tables = Tables(store_url)
    tables.fill(["s-1", "s-2"], ["s-1", "s-2"])
    told, _ = surveyed(tables.open())
    assert told is not None
    assert told.count == 0
    (line,) = checked(tables.open())
    assert (line.level, line.text) == (CheckLevel.OK, "all 4 step rows were looked at, and each has its saga")


def test_a_saga_that_the_mapping_leaves_out_is_there(store_url: str) -> None:
    tables = Tables(store_url)
    tables.fill(["s-1", "s-2"], ["s-1", "s-2"])
    told, _ = surveyed(tables.open({**MAPPING, "saga": {"where": {"saga_id": ["s-1"]}}}))
    assert told is not None
    assert told.count == 0


def test_steps_of_the_sagas_of_another_table_are_no_orphans_where_the_mapping_says_whose_they_are(
    store_url: str,
) -> None:
    tables = Tables(store_url)
    tables.fill(["s-1", "s-2"], ["s-1", "s-2", "t-1"])
    tables.steps.run("update saga_steps set name = 'refund' where saga = 't-1' or id = 1")
    own: dict[str, Any] = {**MAPPING, "steps": {**STEPS, "where": {"name": ["step 0", "step 1"]}}}
    told, _ = surveyed(tables.open(own))
    assert told is not None
    assert (told.count, told.looked_at, told.whole) == (0, 3, True)
    assert {saga.saga_id: len(saga.steps or ()) for saga in read(tables.open(own))} == {"s-1": 1, "s-2": 2}
    others: dict[str, Any] = {**MAPPING, "steps": {**STEPS, "where": {"name": "refund"}}}
    told, _ = surveyed(tables.open(others))
    assert told is not None
    assert (told.count, told.looked_at, told.saga_ids) == (2, 3, ("t-1",))


@pytest.mark.parametrize(
    ("id_kind", "key", "there", "gone"),
    [("bigint", "text", (1, 20), ("20", "3")), ("id", "bigint", ("1", "20"), (20, 3))],
)
def test_ids_of_another_type_are_the_same_ids(
    store_url: str, id_kind: str, key: str, there: tuple[Any, ...], gone: tuple[Any, ...]
) -> None:
    tables = Tables(store_url, key=key, id_kind=id_kind)
    tables.fill(there, gone)
    told, _ = surveyed(tables.open())
    assert told is not None
    assert (told.count, told.saga_ids) == (2, ("3",))
    assert {saga.saga_id: len(saga.steps or ()) for saga in read(tables.open())} == {"1": 0, "20": 2}


def test_of_a_big_table_both_ends_of_the_index_are_looked_at(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "SAMPLE", 100)
    ids = [f"s-{number:05}" for number in range(2000)]
    tables = Tables(store_url)
    tables.fill(ids[2:1000] + ids[1001:-1], ids)
    told, notes = surveyed(tables.open(big_table=500))
    assert told is not None
    assert (told.count, told.looked_at, told.whole) == (6, 200, False)
    assert sorted(told.saga_ids) == [ids[0], ids[1], ids[-1]]
    assert not any("without a saga" in note for note in notes)


def test_a_big_table_without_the_index_is_not_read_and_it_is_said(store_url: str) -> None:
    ids = [f"s-{number:05}" for number in range(400)]
    tables = Tables(store_url, index=False)
    tables.fill(ids, ids)
    told, notes = surveyed(tables.open(big_table=600))
    assert told is None
    note = notes[0]
    assert "steps without a saga were not looked for: no index finds them (CREATE INDEX" in note
    (line,) = checked(tables.open(big_table=600))
    assert line.level is CheckLevel.WARNING
    told, _ = surveyed(tables.open())
    assert told is not None
    assert (told.count, told.whole) == (0, True)


def test_a_look_at_some_types_and_steps_in_the_row_ask_nothing(store_url: str) -> None:
    tables = Tables(store_url)
    tables.fill(["s-1"], ["s-3"])
    assert surveyed(tables.open(), saga_types=frozenset(("Order",)))[0] is None
    assert surveyed(tables.open({"preset": "saga-template"}))[0] is None
