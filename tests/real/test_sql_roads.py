"""How big tables are read on every engine: by the index that is there, or not at all unless somebody asks for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from sagadoctor.api.sql.driver import Link
from sagadoctor.api.sql.postgresql import Postgresql
from sagadoctor.api.v1 import CheckLevel, CheckLine, FullScanRefused, Look, Saga, SagaState, Survey
from tests.adapters.sheet import GOOD, TEMPLATE, Sheet, later, pages, read, read_one, steps_json

PRESET = {"preset": "saga-template"}
BIG: dict[str, Any] = {"big_table": 500}


def fill(sheet: Sheet, count: int, name: str = "sagas", **columns: Any) -> None:
    """Insert rows whose columns are constants or functions of the row's number."""
    rows = [
        {key: value(number) if callable(value) else value for key, value in {**GOOD, **columns}.items()}
        for number in range(count)
    ]
    table = sa.table(name, *(sa.column(key) for key in rows[0]))
    with sheet.engine.begin() as connection:
        connection.execute(table.insert(), rows)
    sheet.run({"sqlite": "analyze", "postgresql": f"analyze {name}"}.get(sheet.kind, f"analyze table {name}"))


def state_of(number: int) -> str:
    return "pending" if number % 40 == 0 else "completed"


def saga_id(number: int) -> str:
    return f"s-{number:05}"


def read_until_refused(store: Any, **asked: Any) -> tuple[list[Saga], FullScanRefused]:
    """What is read before the rest is refused, and the refusal."""
    told: list[Saga] = []

    async def work(each: Any) -> FullScanRefused | None:
        try:
            async for page in each.read(Look(later(), **asked)):
                told.extend(page.sagas)
        except FullScanRefused as refused:
            return refused
        return None

    refused = ask(store, work)
    assert refused is not None, f"{len(told)} rows were read, and nothing was said of the others"
    return told, refused


def ask(store: Any, question: Any) -> Any:
    async def work() -> Any:
        try:
            return await question(store)
        finally:
            await store.close()

    return asyncio.run(work())


@pytest.mark.parametrize("index", ["(state, updated_at)", "(state)", "(state, saga_type)"])
def test_an_index_that_begins_with_the_state_is_taken(store_url: str, index: str) -> None:
    sheet = Sheet(store_url)
    sheet.run(f"create index by_state on sagas {index}")
    fill(sheet, 4000, saga_id=saga_id, state=state_of)
    told = read(sheet.open(**BIG))
    assert sorted(saga.saga_id for saga in told) == [saga_id(number) for number in range(0, 4000, 40)]


def test_most_rows_being_live_is_no_reason_to_read_the_rest(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.run("create index by_state on sagas (state, updated_at)")
    fill(sheet, 3000, saga_id=saga_id, state=lambda number: "completed" if number % 10 == 0 else "pending")
    assert len(read(sheet.open(**BIG))) == 2700


def test_an_index_on_the_time_alone_is_not_enough_for_live_rows(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.run("create index by_time on sagas (updated_at)")
    fill(sheet, 4000, saga_id=saga_id, state=state_of)
    with pytest.raises(FullScanRefused, match="without reading all of"):
        read(sheet.open(**BIG))


def test_ended_rows_that_no_index_finds_are_said_after_the_live_ones(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "done": "int"})
    sheet.run("create index by_done on sagas (done)")
    fill(sheet, 4000, saga_id=saga_id, state=state_of, done=lambda number: 0 if number % 40 == 0 else 1 + number % 7)
    when = [{"if": {"done": [1, 2, 3, 4, 5, 6, 7]}, "is": "completed"}, {"if": {"done": 0}, "is": "pending"}]
    said = {**PRESET, "saga": {"state": {"when": when}}}
    told, refused = read_until_refused(sheet.open(said, **BIG))
    assert len(told) == 100
    assert {saga.state for saga in told} == {SagaState.PENDING}
    assert "rows without a matching rule can't be found without reading all of" in refused.reason
    assert len(read(sheet.open(said, **BIG), allow_full_scan=True)) == 100


def test_rules_without_an_index_are_refused(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "done": "int"})
    fill(sheet, 4000, saga_id=saga_id, done=lambda number: int(number % 40 != 0))
    when = [{"if": {"done": True}, "is": "completed"}, {"if": {}, "is": "pending"}]
    said = {**PRESET, "saga": {"state": {"when": when}}}
    with pytest.raises(FullScanRefused):
        read(sheet.open(said, **BIG))
    assert len(read(sheet.open(said, **BIG), allow_full_scan=True)) == 100


def test_a_view_on_a_big_table_is_a_big_table(store_url: str) -> None:
    sheet = Sheet(store_url)
    fill(sheet, 4000, saga_id=saga_id, state=state_of)
    sheet.run("create view seen as select * from sagas where saga_type <> 'Hidden'")
    said = {**PRESET, "saga": {"table": "seen"}}
    with pytest.raises(FullScanRefused):
        read(sheet.open(said, **BIG))
    sheet.run("create index by_state on sagas (state, updated_at)")
    fill(sheet, 1, saga_id="x")
    assert len(read(sheet.open({**PRESET, "saga": {"table": "seen"}}))) == 101


def test_steps_of_a_big_child_table_need_an_index(store_url: str) -> None:
    sheet = Sheet(store_url)
    fill(sheet, 10, saga_id=saga_id)
    child = Sheet(store_url, name="saga_steps", columns={"id": "int", "saga": "text", "name": "text", "status": "text"})
    rows = [{"id": n, "saga": saga_id(n // 100), "name": f"step-{n % 100}", "status": "done"} for n in range(1000)]
    with child.engine.begin() as connection:
        connection.execute(sa.table("saga_steps", *(sa.column(key) for key in rows[0])).insert(), rows)
    child.run({"sqlite": "analyze", "postgresql": "analyze saga_steps"}.get(child.kind, "analyze table saga_steps"))
    steps = {
        "shape": "child_table",
        "table": "saga_steps",
        "foreign_key": "saga",
        "order_by": "id",
        "fields": {"name": "name", "status": "status"},
    }
    with pytest.raises(FullScanRefused) as error:
        read(sheet.open({**PRESET, "steps": steps}, **BIG))
    statement = error.value.hint
    assert "saga_steps_saga" in statement
    with child.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(statement)
    told = read(sheet.open({**PRESET, "steps": steps}, **BIG))
    assert [len(saga.steps or ()) for saga in told] == [100] * 10
    assert [step.name for step in told[0].steps or ()] == [f"step-{number}" for number in range(100)]


def test_foreign_keys_of_another_type_and_very_many_steps(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "saga_id": "bigint"})
    sheet.add(sheet.good(saga_id=7), sheet.good(saga_id=8))
    child = Sheet(store_url, name="steps", columns={"saga": "text", "place": "int", "name": "text", "status": "text"})
    rows = [{"saga": "7", "place": n, "name": f"n{n}", "status": "completed"} for n in range(2500)]
    rows.append({"saga": "8", "place": None, "name": None, "status": "odd"})
    with child.engine.begin() as connection:
        connection.execute(sa.table("steps", *(sa.column(key) for key in rows[0])).insert(), rows)
    steps = {
        "shape": "child_table",
        "table": "steps",
        "foreign_key": "saga",
        "order_by": ["place"],
        "fields": {"name": "name", "status": "status"},
    }
    if sheet.kind == "postgresql":  # the engine itself compares no number with a text
        child.run("alter table steps alter column saga type bigint using saga::bigint")
    found = {saga.saga_id: saga for saga in read(sheet.open({**PRESET, "steps": steps}))}
    many = found["7"].steps
    assert many is not None
    assert (len(many), many[0].index, many[499].index, many[500].index, many[-1].index) == (1000, 0, 499, 2000, 2499)
    assert "2500 steps" in found["7"].doubts[0].reason
    assert {doubt.field for doubt in found["8"].doubts} == {"steps[0].name", "steps[0].status"}


def test_a_full_scan_says_that_shared_keys_were_not_looked_for(store_url: str) -> None:
    sheet = Sheet(store_url)
    fill(sheet, 2000, saga_id=saga_id, state=state_of, data=json.dumps({"order_id": "A-1"}))
    said = {**PRESET, "saga": {"business_key": {"column": "saga_type"}}}
    store = sheet.open(said, **BIG)

    survey: Survey = ask(store, lambda each: each.survey(Look(later(), allow_full_scan=True)))
    assert survey.shared_keys == ()
    assert any("one business key were not looked for" in note for note in survey.notes)


def test_a_check_says_that_the_user_may_write(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(GOOD)
    told: tuple[CheckLine, ...] = ask(sheet.open(), lambda each: each.check(later()))
    [line] = [line for line in told if line.about == "privileges"]
    assert line.level is (CheckLevel.OK if sheet.kind == "sqlite" else CheckLevel.WARNING)
    assert not [line for line in told if line.level is CheckLevel.FAILED]


def test_behind_a_pooler_every_unit_of_work_sets_its_own_limits(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sagadoctor.api.sql.postgresql import Postgresql

    greet = Postgresql._greet

    def pooled(self: Postgresql, raw: Any, limits: Any) -> Any:
        raw.execute("set default_transaction_read_only to off; set statement_timeout to 0; reset timezone")
        link = greet(self, raw, limits)
        assert link.wrapped
        return link

    monkeypatch.setattr(Postgresql, "_greet", pooled)
    sheet = Sheet(postgres_url)
    sheet.add(sheet.good(steps=steps_json("completed")))
    assert read_one(sheet.open()).doubts == ()

    async def settings(each: Any) -> list[Any]:
        text = "select current_setting('statement_timeout'), current_setting('transaction_read_only')"
        found: list[Any] = await each._guest.run(lambda session: session.ask(text), later())
        return found

    assert ask(sheet.open(), settings) == [("5s", "on")]

    async def write(each: Any) -> None:
        await each._guest.run(lambda session: session.ask("delete from sagas"), later())

    with pytest.raises(Exception, match="read-only"):
        ask(sheet.open(), write)


def test_memory_stays_flat_and_pages_stay_small(store_url: str) -> None:
    sheet = Sheet(store_url)
    fill(sheet, 20_000, saga_id=saga_id)
    sizes = [len(page.sagas) for page in pages(sheet.open())]
    assert sum(sizes) == 20_000
    assert max(sizes) <= 4000


def test_a_page_of_big_documents_ends_early(store_url: str) -> None:
    sheet = Sheet(store_url)
    document = steps_json("completed", error="x" * 3_000_000)
    fill(sheet, 40, saga_id=saga_id, steps=document)
    told: list[Saga] = []
    some = pages(sheet.open())
    for page in some:
        told.extend(page.sagas)
    assert [saga.saga_id for saga in sorted(told, key=lambda each: each.saga_id)] == [saga_id(n) for n in range(40)]
    assert len(some) > 1


def test_rows_that_the_statistics_do_not_know_yet_are_not_sorted_for_every_page(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = Sheet(postgres_url)
    sheet.run(
        "alter table sagas set (autovacuum_enabled = false)", "create index by_state on sagas (state, updated_at)"
    )
    old = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    fill(sheet, 3000, saga_id=saga_id, state="completed", updated_at=lambda number: old + timedelta(minutes=number))
    sheet.run("analyze sagas")
    sheet.run(
        "insert into sagas select 'n-' || n, saga_type, 'pending', current_step, data, steps, created_at, "
        "updated_at + interval '100 days' + n / 3 * interval '1 second' from sagas, generate_series(1, 9000) n "
        "where saga_id = 's-00000'"
    )
    plans: list[str] = []
    unwatched = Postgresql.stream

    def watched(self: Postgresql, link: Link, text: str, parameters: Any, size: int) -> Generator[Any, None, None]:
        plans.append(json.dumps(self.explain(link, text, parameters)[0][0]))
        return unwatched(self, link, text, parameters, size)

    monkeypatch.setattr(Postgresql, "stream", watched)
    assert len({saga.saga_id for saga in read(sheet.open(**BIG))}) == 9000
    pages_of_live = [plan for plan in plans if "'pending'" in plan and "IS NOT NULL" in plan]
    assert len(pages_of_live) >= 3
    assert [plan for plan in pages_of_live if '"Sort"' in plan] == []
