"""Every shape of steps in the saga's own row: a saga written in it is read back as it was, on every database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagadoctor.api.v1 import Policy, Saga, SagaPolicy, SagaState, StepDefinition, StepStatus
from tests.adapters.sheet import Sheet, read

NAMES = ("reserve", "pay", "ship", "tell")
POLICY = Policy(
    by_type={"Order": SagaPolicy(steps=tuple(StepDefinition(name, compensation=f"un{name}") for name in NAMES))}
)
SAGA = {"table": "sagas", "id": "id", "type": "type", "state": "state", "updated_at": "at", "current_step": "cursor"}
PLAIN = {"id": "id", "type": "text", "state": "text", "at": "moment", "cursor": "int"}
AT = "2026-11-20 10:00:00"
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Row = dict[str, Any]
Told = tuple[StepStatus, ...]


def rows_of(sheet: Sheet, rows: Sequence[Row], steps: Mapping[str, Any], **saga: Any) -> list[Saga]:
    """Write the rows, nothing else being there, and read them in their order."""
    sheet.run("delete from sagas")
    sheet.add(
        *({"id": f"s-{at:03}", "type": "Order", "state": "pending", "at": AT, **row} for at, row in enumerate(rows))
    )
    found = read(sheet.open({"saga": {**SAGA, **saga}, "steps": steps}, policy=POLICY))
    return sorted(found, key=lambda each: each.saga_id)


def statuses(saga: Saga) -> Told | None:
    return None if saga.steps is None else tuple(step.status for step in saga.steps)


def any_of(*words: StepStatus) -> st.SearchStrategy[list[Told]]:
    one = st.tuples(*(st.sampled_from(words) for _ in NAMES))
    return st.lists(one, min_size=1, max_size=12)


@FEW
@given(sagas=any_of(*(status for status in StepStatus if status is not StepStatus.UNKNOWN)))
def test_words_of_a_json_object_come_back(store_url: str, sagas: list[Told]) -> None:
    sheet = _sheet(store_url, {**PLAIN, "steps": "document"})
    rows = [{"steps": json.dumps(dict(zip(reversed(NAMES), reversed(told), strict=True)))} for told in sagas]
    found = rows_of(sheet, rows, {"shape": "json_object", "column": "steps"})
    assert [statuses(saga) for saga in found] == sagas
    assert {tuple(step.name for step in saga.steps or ()) for saga in found} == {NAMES}


def test_what_an_object_of_steps_may_hold(store_url: str) -> None:
    sheet = _sheet(store_url, {**PLAIN, "steps": "document"})
    told = {
        "pay": {"st": "DONE", "at": "2026-11-20T09:00:00Z", "why": None},
        "extra": "SUCCEEDED",
        "reserve": None,
        "tell": ["x"],
        "odd": "so so",
    }
    rows = [{"steps": json.dumps(told)}, {"steps": "[]"}, {"steps": None}, {"steps": json.dumps({"pay": "PAID"})}]
    fields = {"status": "st", "executed_at": "at", "error": "why"}
    steps = {
        "shape": "json_object",
        "column": "steps",
        "fields": fields,
        "values": {"PAID": "completed"},
        "ignore": ["ex*"],
    }
    first, second, third, fourth = rows_of(sheet, rows, steps)
    assert [(step.name, step.status) for step in first.steps or ()] == [
        ("reserve", StepStatus.PENDING),
        ("pay", StepStatus.COMPLETED),
        ("ship", StepStatus.PENDING),
        ("tell", StepStatus.UNKNOWN),
        ("odd", StepStatus.UNKNOWN),
    ]
    assert first.steps is not None
    assert first.steps[1].executed_at is not None
    assert {doubt.field for doubt in first.doubts} == {"steps[3]", "steps[4].status"}
    assert second.steps is None
    assert third.steps is None
    assert [doubt.reason for doubt in second.doubts] == ["a JSON list where an object was expected"]
    assert statuses(fourth) == (StepStatus.PENDING, StepStatus.COMPLETED, StepStatus.PENDING, StepStatus.PENDING)


FLAGS = {
    StepStatus.PENDING: (0, None, 0, 0, None),
    StepStatus.COMPLETED: (1, AT, 0, 0, None),
    StepStatus.FAILED: (0, None, 1, 0, None),
    StepStatus.COMPENSATED: (1, AT, 0, 1, AT),
    StepStatus.COMPENSATION_FAILED: (1, AT, 0, -1, None),
}
FLAG_COLUMNS = (("done", "flag"), ("done_at", "moment"), ("failed", "int"), ("undone", "int"), ("undone_at", "moment"))


def flag_steps(*kept: str) -> list[dict[str, Any]]:
    undone = {"values": {"1": "compensated", "-1": "compensation_failed"}}
    whole: list[dict[str, Any]] = []
    for name in NAMES:
        columns: dict[str, Any] = {column: f"{name}_{column}" for column, _ in FLAG_COLUMNS if column in kept}
        if "undone" in columns:
            columns["undone"] = {"column": columns["undone"], **undone}
        whole.append({"name": name, **columns})
    return whole


@FEW
@given(sagas=any_of(*FLAGS))
def test_flags_and_times_come_back(store_url: str, sagas: list[Told]) -> None:
    columns = {f"{name}_{column}": kind for name in NAMES for column, kind in FLAG_COLUMNS}
    sheet = _sheet(store_url, {**PLAIN, **columns})
    rows = [
        {
            f"{name}_{column}": _as_flag(sheet, value) if kind == "flag" else value
            for name, status in zip(NAMES, told, strict=True)
            for (column, kind), value in zip(FLAG_COLUMNS, FLAGS[status], strict=True)
        }
        for told in sagas
    ]
    every = tuple(column for column, _ in FLAG_COLUMNS)
    found = rows_of(sheet, rows, {"shape": "columns", "steps": flag_steps(*every), "current": "told"})
    assert [statuses(saga) for saga in found] == sagas
    for saga in found:
        for step in saga.steps or ():
            assert (step.executed_at is not None) == (FLAGS[step.status][1] is not None)
            assert (step.compensated_at is not None) == (FLAGS[step.status][4] is not None)
            assert not step.derived


def test_a_time_alone_tells_and_the_next_step_is_the_one_that_is_out(store_url: str) -> None:
    columns = {f"{name}_{column}": kind for name in NAMES for column, kind in FLAG_COLUMNS}
    sheet = _sheet(store_url, {**PLAIN, **columns})
    done = {"reserve_done_at": AT, "pay_done_at": AT}
    rows = [done, {**done, "state": "compensating"}, {**done, "state": "compensating", "pay_undone_at": AT}]
    found = rows_of(sheet, rows, {"shape": "columns", "steps": flag_steps("done_at", "undone_at")})
    done_, out, pending = StepStatus.COMPLETED, StepStatus.EXECUTING, StepStatus.PENDING
    undoing, undone = StepStatus.COMPENSATING, StepStatus.COMPENSATED
    assert [statuses(saga) for saga in found] == [
        (done_, done_, out, pending),
        (done_, undoing, pending, pending),
        (undoing, undone, pending, pending),
    ]
    assert [[step.name for step in saga.steps or () if step.derived] for saga in found] == [
        ["ship"],
        ["pay"],
        ["reserve"],
    ]


@FEW
@given(
    sagas=st.lists(
        st.integers(0, 4).flatmap(lambda done: st.tuples(st.just(done), st.integers(0, done), st.booleans())),
        min_size=1,
        max_size=12,
    )
)
def test_counters_come_back(store_url: str, sagas: list[tuple[int, int, bool]]) -> None:
    sheet = _sheet(store_url, {**PLAIN, "done": "int", "undone": "int", "failed": "int"})
    rows = [{"done": done, "undone": undone, "failed": done + 1 if failed else None} for done, undone, failed in sagas]
    steps = {"shape": "counters", "done": "done", "undone": "undone", "total": False, "current": "told"}
    steps["failed"] = {"column": "failed", "base": 1}
    found = rows_of(sheet, [row for row in rows if (row["failed"] or 0) <= 4], steps)
    kept = [each for each in sagas if not (each[2] and each[0] == 4)]
    for saga, (done, undone, failed) in zip(found, kept, strict=True):
        told = [StepStatus.COMPLETED] * (done - undone) + [StepStatus.COMPENSATED] * undone
        told += [StepStatus.FAILED] if failed else []
        assert statuses(saga) == (*told, *[StepStatus.PENDING] * (4 - len(told)))
        assert all(step.derived for step in saga.steps or ())


def test_counts_that_cant_be_are_told(store_url: str) -> None:
    sheet = _sheet(store_url, {**PLAIN, "done": "int", "undone": "int", "total": "int"})
    rows = [{"done": 9, "total": 3}, {"done": 1, "undone": 2}, {"done": -1}, {"done": None}, {"done": 2, "total": 6}]
    steps = {"shape": "counters", "done": "done", "undone": "undone", "total": "total"}
    found = rows_of(sheet, rows, steps)
    assert [saga.steps for saga in found[:4]] == [None] * 4
    assert [len(saga.doubts) for saga in found] == [1, 1, 1, 0, 0]
    assert [step.name for step in found[4].steps or ()] == [*NAMES, "step 5", "step 6"]


ARRAYS = {
    "json": json.dumps,
    "names": lambda places: json.dumps([NAMES[place] for place in places]),
    "commas": lambda places: ",".join(map(str, places)) if places else None,
}


@pytest.mark.parametrize("form", ARRAYS)
@FEW
@given(sagas=any_of(StepStatus.PENDING, StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.COMPENSATED))
def test_lists_of_steps_come_back(store_url: str, form: str, sagas: list[Told]) -> None:
    sheet = _sheet(store_url, {**PLAIN, "done": "text", "failed": "text", "undone": "text"})
    rows = [_lists(told, ARRAYS[form]) for told in sagas]
    steps = {"shape": "arrays", "done": "done", "failed": "failed", "compensated": "undone"}
    found = rows_of(sheet, rows, steps)
    assert [statuses(saga) for saga in found] == sagas


@pytest.mark.real("postgresql")
def test_arrays_of_postgresql_and_the_cursor_before_them(postgres_url: str) -> None:
    columns = {**PLAIN, "total_steps": "int", "failed_step": "int", "compensated": "integer[]", "names": "text[]"}
    sheet = Sheet(postgres_url, columns=columns)
    sheet.run(
        "insert into sagas values ('s-1', 'Other', 'pending', now(), 2, 3, null, '{}', null), "
        "('s-2', 'Other', 'compensating', now(), 2, 3, 2, '{1}', null), "
        "('s-3', 'Order', 'compensating', now(), 0, 4, null, null, array['pay', 'ship'])"
    )
    said = {"shape": "arrays", "total": "total_steps", "failed": "failed_step", "compensated": "compensated"}
    first, second, _ = sorted(read(sheet.open({"saga": SAGA, "steps": said})), key=lambda each: each.saga_id)
    done, pending = StepStatus.COMPLETED, StepStatus.PENDING
    assert statuses(first) == (done, done, pending)
    assert statuses(second) == (done, StepStatus.COMPENSATED, StepStatus.FAILED)
    named = {"shape": "arrays", "compensated": "names"}
    third = next(
        each for each in read(sheet.open({"saga": SAGA, "steps": named}, policy=POLICY)) if each.saga_id == "s-3"
    )
    assert statuses(third) == (pending, StepStatus.COMPENSATED, StepStatus.COMPENSATED, pending)


def test_a_cursor_alone_tells_of_live_sagas_only(store_url: str) -> None:
    sheet = _sheet(store_url, PLAIN)
    rows = [{"cursor": 2}, {"cursor": 0}, {"cursor": 4}, {"cursor": 2, "state": "compensating"}, {"cursor": None}]
    rows += [{"cursor": 2, "state": "completed"}, {"cursor": 2, "type": "Other"}]
    found = rows_of(sheet, rows, {"shape": "cursor_only"})
    by_id = {saga.saga_id: statuses(saga) for saga in found}
    done, out, pending = StepStatus.COMPLETED, StepStatus.EXECUTING, StepStatus.PENDING
    assert by_id["s-000"] == (done, done, out, pending)
    assert by_id["s-001"] == (out, pending, pending, pending)
    assert by_id["s-002"] == (done,) * 4
    assert by_id["s-003"] is None  # nobody said what the cursor does while a saga is being undone
    assert by_id["s-004"] is None
    assert by_id["s-006"] is None
    assert all(saga.state is not SagaState.COMPLETED for saga in found)


def test_what_a_cursor_tells_of_an_undo_is_said_by_the_mapping(store_url: str) -> None:
    sheet = _sheet(store_url, PLAIN)
    rows = [{"cursor": place, "state": "compensating"} for place in (2, 0)]
    done, back, pending = StepStatus.COMPLETED, StepStatus.COMPENSATING, StepStatus.PENDING
    stays = rows_of(sheet, rows, {"shape": "cursor_only", "goes_back": False})
    assert [statuses(saga) for saga in stays] == [(done, back, pending, pending), (pending,) * 4]
    follows = rows_of(sheet, rows, {"shape": "cursor_only", "goes_back": True})
    assert [statuses(saga) for saga in follows] == [(done, done, back, pending), (back, pending, pending, pending)]


def test_undos_that_are_steps_of_their_own_and_waits(store_url: str) -> None:
    sheet = _sheet(store_url, {**PLAIN, "steps": "document"})

    def listed(*steps: tuple[str, str]) -> dict[str, Any]:
        return {"steps": json.dumps([{"n": name, "s": status} for name, status in steps])}

    rows = [
        {**listed(("reserve", "done"), ("pay", "failed"), ("unreserve", "running")), "state": "compensating"},
        {**listed(("reserve", "done"), ("pay", "done"), ("unpay", "failed")), "state": "compensating"},
        listed(("reserve", "done"), ("sleep", "running")),
    ]
    said = {"shape": "json_list", "column": "steps", "fields": {"name": "n", "status": "s"}}
    first, second, third = rows_of(sheet, rows, {**said, "direction": "by_name", "waiting": ["sl*"]})
    assert _named(first) == [("reserve", StepStatus.COMPENSATING), ("pay", StepStatus.FAILED)]
    assert _named(second) == [("reserve", StepStatus.COMPLETED), ("pay", StepStatus.COMPENSATION_FAILED)]
    assert [saga.waiting_for for saga in (first, second, third)] == [None, None, "sleep"]


def _named(saga: Saga) -> list[tuple[str, StepStatus]]:
    return [(step.name, step.status) for step in saga.steps or ()]


def _lists(told: Told, form: Any) -> Row:
    of = {"done": StepStatus.COMPLETED, "failed": StepStatus.FAILED, "undone": StepStatus.COMPENSATED}
    return {
        column: form([place for place, status in enumerate(told) if status is wanted]) for column, wanted in of.items()
    }


def _as_flag(sheet: Sheet, value: int) -> Any:
    return bool(value) if sheet.kind == "postgresql" else value


_MADE: dict[tuple[str, tuple[str, ...]], Sheet] = {}


def _sheet(url: str, columns: Mapping[str, str]) -> Sheet:
    """The table, made once for all examples of a test."""
    key = (url, tuple(columns))
    if key not in _MADE:
        _MADE[key] = Sheet(url, columns=columns)
    return _MADE[key]
