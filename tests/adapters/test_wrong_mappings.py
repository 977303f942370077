"""Mappings whose mistakes only a database or its rows show: told with line and nearest name, no row out of sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sagadoctor.api.v1 import SagaState, SchemaMismatch, StepStatus

from .sheet import Sheet, doubts, read, read_one

COLUMNS = {"id": "id", "word": "text", "at": "moment", "cursor": "int", "who": "text", "doc": "document", "fk": "text"}
SAGA: dict[str, Any] = {"table": "sagas", "id": "id", "state": "word", "updated_at": "at"}
ALIVE = {"table": "step", "id": "name", "heartbeat": "no", "within": "1m"}
STEPS: dict[str, Any] = {
    "shape": "child_table",
    "table": "steps",
    "foreign_key": "saga",
    "order_by": "no",
    "fields": {"name": "name", "status": "status"},
}


@pytest.fixture
def sheet(tmp_path: Path) -> Sheet:
    url = f"sqlite:///{tmp_path}/store.db"
    Sheet(url, "steps", {"saga": "text", "no": "int", "name": "text", "status": "text"}).add(
        {"saga": "a", "no": 1, "name": "pay", "status": "completed"},
        {"saga": "a", "no": 2, "name": "pay", "status": "executing"},
    )
    made = Sheet(url, "sagas", COLUMNS)
    made.add({"id": "a", "word": "running", "at": "2026-11-20 09:00:00", "cursor": 9, "who": "w", "doc": '{"x": 1}'})
    return made


def wrong(sheet: Sheet, **said: Any) -> str:
    """What is said of a mapping by the first question, whose keys all stand in line 7."""
    mapping = {"saga": {**SAGA, **said.pop("saga", {})}, **said}
    with pytest.raises(SchemaMismatch) as mismatch:
        read(sheet.open(mapping, origin=lambda path: "c.toml:7"))
    return mismatch.value.reason


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"saga": {"table": "saga"}}, "c.toml:7: saga.table: no table 'saga'; tables here: sagas, steps (did you mean"),
        ({"saga": {"id": "idd"}}, "sagas has no column 'idd' (c.toml:7: saga.id), did you mean 'id'?"),
        ({"saga": {"id": ["id", "no"]}}, "sagas has no column 'no' (c.toml:7: saga.id)"),
        ({"saga": {"state": "wrd"}}, "sagas has no column 'wrd' (c.toml:7: saga.state), did you mean 'word'?"),
        ({"saga": {"where": {"gone": "null"}}}, "sagas has no column 'gone' (c.toml:7: saga.where.gone)"),
        (
            {"saga": {"state": {"when": [{"if": {"faild": True}, "is": "failed"}]}}},
            "sagas has no column 'faild' (c.toml:7: saga.state.when[0].if.faild)",
        ),
        (
            {"saga": {"owner": {"column": "who", "alive": ALIVE}}},
            "c.toml:7: saga.owner.alive.table: no table 'step'",
        ),
        (
            {"steps": {**STEPS, "foreign_key": "sga"}},
            "steps has no column 'sga' (c.toml:7: steps.foreign_key), did you mean 'saga'?",
        ),
        (
            {"steps": {**STEPS, "where": {"knd": "x"}}},
            "steps has no column 'knd' (c.toml:7: steps.where.knd)",
        ),
        (
            {"steps": {"shape": "json_list", "column": "steps", "fields": {"name": "n", "status": "s"}}},
            "sagas has no column 'steps' (c.toml:7: steps)",
        ),
        (
            {"outbox": {"table": "steps", "id": "no", "saga_id": "saga", "sent": "sent"}},
            "steps has no column 'sent' (c.toml:7: outbox.sent)",
        ),
        (
            {"saga": {"attempts": {"column": "cursor", "format": "log2", "base": {"column": "b", "default": 1}}}},
            "sagas has no column 'b' (c.toml:7: saga.attempts.base)",
        ),
        (
            {"saga": {"updated_at": "cursor"}},
            "c.toml:7: saga.updated_at: sagas.cursor is a number (INTEGER): say its unit, such as updated_at = {",
        ),
    ],
)
def test_what_the_database_lacks_is_told_with_its_line_and_the_nearest(
    sheet: Sheet, said: dict[str, Any], told: str
) -> None:
    assert told in wrong(sheet, **said)


def test_everything_that_is_missing_is_told_at_once(sheet: Sheet) -> None:
    told = wrong(sheet, saga={"id": "idd", "state": "wrd"}, steps={**STEPS, "order_by": "nmbr"})
    assert all(f"no column '{name}'" in told for name in ("idd", "wrd", "nmbr"))


def test_a_cursor_beyond_the_steps_is_told_and_the_row_stays(sheet: Sheet) -> None:
    saga = read_one(sheet.open({"saga": {**SAGA, "current_step": {"column": "cursor", "by": "index"}}, "steps": STEPS}))
    assert saga.current_step is None
    assert doubts(saga) == {"current_step": "there are 2 steps"}


def test_two_rows_of_one_steps_name_are_two_steps(sheet: Sheet) -> None:
    saga = read_one(sheet.open({"saga": SAGA, "steps": STEPS}))
    assert [(step.name, step.status) for step in saga.steps or ()] == [
        ("pay", StepStatus.COMPLETED),
        ("pay", StepStatus.EXECUTING),
    ]


def test_a_word_that_nobody_knows_is_unreadable_and_the_row_stays(sheet: Sheet) -> None:
    sheet.run("update sagas set word = 'FOO'", "update steps set status = 'BAR' where no = 2")
    saga = read_one(sheet.open({"saga": SAGA, "steps": STEPS}))
    assert saga.state is SagaState.UNKNOWN
    assert doubts(saga) == {
        "state": "a word that the mapping doesn't know",
        "steps[1].status": "a word for a step's status that the mapping doesn't know",
    }


def test_a_pattern_that_does_not_match_a_state_is_unreadable_and_the_row_stays(sheet: Sheet) -> None:
    saga = read_one(sheet.open({"saga": {**SAGA, "state": {"column": "word", "pattern": r"\.([a-z]+)$"}}}))
    assert saga.state is SagaState.UNKNOWN
    assert doubts(saga) == {"state": "the state's pattern doesn't match"}


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        ("updated_at", {"column": "at", "format": "epoch_ms"}),
        ("created_at", {"column": "who", "format": "iso"}),
        ("deadline", {"column": "who", "format": "uuid_v7"}),
        ("next_attempt_at", {"column": "cursor", "format": "epoch_s"}),
        ("attempts", {"column": "who"}),
        ("parent", {"column": "who", "format": "uuid"}),
    ],
)
def test_a_format_that_the_rows_contradict_is_unreadable_and_the_row_stays(
    sheet: Sheet, field: str, spec: dict[str, Any]
) -> None:
    saga = read_one(sheet.open({"saga": {**SAGA, field: spec}}))
    assert saga.saga_id == "a"
    assert field in doubts(saga) or f"{field}_id" in doubts(saga)


def test_a_path_into_what_is_no_json_is_unreadable_and_the_row_stays(sheet: Sheet) -> None:
    saga = read_one(sheet.open({"saga": {**SAGA, "correlation_id": {"column": "who", "path": "$.a"}}}))
    assert doubts(saga) == {"correlation_id": "not JSON"}
    assert saga.correlation_id is None


def test_a_path_that_finds_nothing_leaves_the_field_empty(sheet: Sheet) -> None:
    saga = read_one(sheet.open({"saga": {**SAGA, "correlation_id": {"column": "doc", "path": "$.a.b[2]"}}}))
    assert (saga.correlation_id, saga.doubts) == (None, ())
