"""`check` on real databases: how much can be read, by which index, with which rights, and what can't be known."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import sqlalchemy as sa

from sagadoctor.api.v1 import CheckLevel, CheckLine
from tests.adapters.sheet import TEMPLATE, Sheet, later, steps_json

from .test_sql_conversation import BIG, LOCKS, TALK, Town, crowd

RECENT = "2030-01-01 00:00:00"


def checked(sheet: Sheet, said: dict[str, Any] | None = None, **context: Any) -> list[CheckLine]:
    store = sheet.open(said, **context)

    async def work() -> list[CheckLine]:
        try:
            return list(await store.check(later()))
        finally:
            await store.close()

    return asyncio.run(work())


def about(lines: list[CheckLine], what: str, level: CheckLevel | None = None) -> list[CheckLine]:
    return [line for line in lines if line.about == what and (level is None or line.level is level)]


def test_what_cannot_be_read_is_told_with_its_place_an_example_and_the_id_to_show(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "updated_at": "long"})
    odd = json.dumps([{"name": "a", "status": "wobbling"}])
    sheet.add(
        sheet.good(updated_at="2026-11-20 10:00:00"),
        sheet.good(saga_id="it's odd", updated_at="password=hunter2 " + "x" * 300),
        sheet.good(saga_id="s-3", steps=odd, updated_at="2026-11-20 10:00:00"),
        sheet.good(saga_id="s-4", state="completed", updated_at=RECENT),
    )
    lines = checked(sheet)

    [rows] = about(lines, "rows")
    assert rows.level is CheckLevel.WARNING
    assert rows.text == "of 4 rows (3 live, 1 ended), unreadable: updated_at in 1, steps in 1"
    assert "sagas.updated_at of it's odd is 'password=" in rows.todo
    assert "hunter2" not in rows.todo
    assert len(rows.todo) < 500
    assert """sagadoctor show --store orders -- 'it'"'"'s odd'""" in rows.todo
    assert "sagas.steps (steps[0].status) of s-3 is 'wobbling'" in rows.todo
    [unknown] = about(lines, "step words", CheckLevel.WARNING)
    assert unknown.text == "the mapping doesn't know 'wobbling' (1 step)"
    assert 'steps.fields.status.values = { wobbling = "…" }' in unknown.todo


def test_words_of_a_state_are_told_with_what_they_are_read_as_and_how_many_have_an_unknown_one(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(*(sheet.good(saga_id=f"s-{number}", state="WAT") for number in range(3)), sheet.good(saga_id="ok"))
    lines = checked(sheet)
    assert [line.text for line in about(lines, "state words", CheckLevel.OK)] == ["pending = pending"]
    [unknown] = about(lines, "state words", CheckLevel.WARNING)
    assert unknown.text == "the mapping doesn't know 'WAT' (3 rows)"
    [rows] = about(lines, "rows")
    assert rows.level is CheckLevel.OK, "such words have a line of their own"


def test_a_path_that_leads_nowhere_is_told_with_what_is_there(store_url: str) -> None:
    typed = "jsonb" if store_url.startswith("postgresql") else "document"  # of texts old servers take nothing safely
    sheet = Sheet(store_url, columns={**TEMPLATE, "data": typed})
    sheet.add(sheet.good(data='{"orderId": "A-1", "total": 3}'))
    lines = checked(sheet, {"preset": "saga-template", "saga": {"business_key": "$.order_id"}})
    [line] = about(lines, "coverage", CheckLevel.WARNING)
    assert line.text == "saga.business_key is told by none of 1 rows: its path $.order_id finds nothing in the payload"
    assert line.todo == "did you mean 'orderId'?"


def test_a_pattern_that_never_matches_is_told(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(sheet.good())
    said = {"preset": "saga-template", "saga": {"type": {"column": "saga_type", "pattern": "^type:(.+)$"}}}
    [line] = about(checked(sheet, said), "coverage", CheckLevel.WARNING)
    assert "saga.type is told by none of 1 rows: its pattern ^type:(.+)$ finds nothing in saga_type" in line.text


def test_a_slip_in_the_name_of_a_steps_field_is_told(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(sheet.good(steps=json.dumps([{"name": "a", "status": "completed", "executedAt": "x"}])))
    texts = [line.text for line in about(checked(sheet), "coverage", CheckLevel.WARNING)]
    assert texts == ["steps.fields.executed_at: no step has 'executed_at', and there is 'executedAt'"]
    healthy = Sheet(store_url, "healthy")
    healthy.add(healthy.good())
    said = {"preset": "saga-template", "saga": {"table": "healthy"}}
    lines = checked(healthy, said)
    assert not about(lines, "coverage", CheckLevel.WARNING)
    assert "no step of 2 has executed_at" in about(lines, "coverage")[0].text


def test_rows_that_no_rule_fits_are_told(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(sheet.good(), sheet.good(saga_id="s-2", state="huh"))
    rules = [{"if": {"state": "pending"}, "is": "pending"}]
    lines = checked(sheet, {"saga": {"table": "sagas", "id": "saga_id", "state": {"when": rules}}})
    [line] = about(lines, "states")
    assert (line.level, line.text) == (
        CheckLevel.WARNING,
        "pending 1, unknown 1: no rule fits the unknown ones",
    )


def test_every_look_up_says_how_it_is_found_or_which_index_it_wants(store_url: str) -> None:
    town = Town(store_url)
    crowd(town)
    town.order()
    town.analyzed()

    small = about(checked(town.sagas, {**TALK, **LOCKS}), "look-ups")
    assert all(line.level is CheckLevel.OK for line in small)
    assert len(small) == 7

    lines = about(checked(town.sagas, {**TALK, **LOCKS}, **BIG), "look-ups")
    wanted = {line.text.partition(" not looked at")[0]: line.todo for line in lines if line.level is not CheckLevel.OK}
    assert set(wanted) == {"who received a command was", "replies were", "locks were"}
    assert "received_messages" in wanted["who received a command was"]
    found = [line.text for line in lines if line.level is CheckLevel.OK]
    assert any(text.startswith("commands in the outbox: found in") for text in found)
    for todo in (wanted["who received a command was"], wanted["locks were"]):
        assert todo.startswith("CREATE INDEX CONCURRENTLY" if town.sagas.kind == "postgresql" else "CREATE INDEX")
        town.sagas.run(todo.replace("CONCURRENTLY ", ""))
    town.analyzed()
    after = about(checked(town.sagas, {**TALK, **LOCKS}, **BIG), "look-ups", CheckLevel.WARNING)
    assert [line.text.partition(" not looked at")[0] for line in after] == ["replies were"]


def test_steps_that_no_index_finds_are_a_failure(store_url: str) -> None:
    sagas = Sheet(store_url)
    steps = Sheet(store_url, "saga_steps", {"saga": "text", "name": "text", "status": "text"})
    sagas.add(sagas.good())
    steps.add(*({"saga": f"s-{number}", "name": "a", "status": "completed"} for number in range(300)))
    for sheet in (sagas, steps):
        name = sheet.name
        sheet.run({"sqlite": "analyze", "postgresql": f"analyze {name}"}.get(sheet.kind, f"analyze table {name}"))
    shape = {"shape": "child_table", "table": "saga_steps", "foreign_key": "saga"}
    said = {
        "saga": {"table": "sagas", "id": "saga_id", "state": "state", "updated_at": "updated_at"},
        "steps": {**shape, "fields": {"name": "name", "status": "status"}},
    }
    [line] = about(checked(sagas, said, **BIG), "look-ups", CheckLevel.FAILED)
    assert "steps were not looked at" in line.text
    assert line.todo.startswith("CREATE INDEX")


def test_what_a_mapping_cannot_know_is_told_with_the_rules_that_never_hold(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(sheet.good(state="pending"))
    lines = checked(sheet, {"saga": {"table": "sagas", "id": "saga_id", "state": "state"}})
    texts = [line.text for line in about(lines, "mapping")]
    assert any(text.startswith("no steps:") and "compensation-not-sent" in text for text in texts)
    assert any(text.startswith("no time of change:") for text in texts)
    assert any(text.startswith("no error texts:") for text in texts)
    [unmapped] = [text for text in texts if text.startswith("not mapped")]
    for rule in ("retry-loop", "wake-up-missed", "owner-gone", "outbox-unpublished", "reply-lost", "blocked-by"):
        assert rule in unmapped
    town = [line.text for line in about(checked(sheet), "mapping")]
    assert not any("steps" in text for text in town)


@pytest.mark.parametrize("hidden", ["sagas", "received_messages"])
def test_a_table_that_may_not_be_read_is_a_failure_with_the_grant(postgres_url: str, hidden: str) -> None:
    town = Town(postgres_url)
    town.order()
    role = f"reader_{abs(hash(postgres_url + hidden)) % 10**8}"
    others = [name for name in ("sagas", "message", "received_messages") if name != hidden]
    town.sagas.run(
        f"create role {role} login password 'x'",
        f"grant usage on schema public to {role}",
        *(f"grant select on {name} to {role}" for name in others),
    )
    url = sa.make_url(postgres_url).set(username=role, password="x").render_as_string(hide_password=False)
    try:
        lines = checked(Sheet(url, columns={}), TALK)
    finally:
        town.sagas.run(f"drop owned by {role}", f"drop role {role}")
    [failed] = [line for line in lines if line.level is CheckLevel.FAILED]
    assert failed.about == "privileges"
    assert failed.text == f"this user may not read all of orders.public.{hidden} that the mapping names"
    assert failed.todo == f'GRANT USAGE ON SCHEMA "public" TO …; GRANT SELECT ON "public"."{hidden}" TO …'


def test_columns_that_the_mapping_does_not_name_need_no_right(postgres_url: str) -> None:
    sheet = Sheet(postgres_url, columns={**TEMPLATE, "secret": "text"})
    sheet.add(sheet.good())
    role = f"columns_{abs(hash(postgres_url)) % 10**8}"
    names = ", ".join(TEMPLATE)
    sheet.run(
        f"create role {role} login password 'x'",
        f"grant usage on schema public to {role}",
        f"grant select ({names}) on sagas to {role}",
    )
    url = sa.make_url(postgres_url).set(username=role, password="x").render_as_string(hide_password=False)
    try:
        lines = checked(Sheet(url, columns={}))
    finally:
        sheet.run(f"drop owned by {role}", f"drop role {role}")
    assert [line.text for line in lines if line.level is CheckLevel.FAILED] == []


def test_an_empty_table_is_no_problem(store_url: str) -> None:
    lines = checked(Sheet(store_url), {**{"preset": "saga-template"}})
    assert [line.text for line in about(lines, "rows")] == ["the table is empty"]
    assert not about(lines, "coverage")


def test_healthy_rows_are_told_as_such(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(*(sheet.good(saga_id=f"s-{number}") for number in range(20)))
    sheet.add(sheet.good(saga_id="done", state="completed", steps=steps_json("completed"), updated_at=RECENT))
    [rows] = about(checked(sheet), "rows")
    assert (rows.level, rows.text) == (CheckLevel.OK, "21 rows (20 live, 1 ended) were read, and everything in them")
