"""Steps in rows of two directions, or as events: a saga written so is read back as it was, on every database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import (
    FullScanRefused,
    Policy,
    Saga,
    SagaPolicy,
    SchemaMismatch,
    Step,
    StepDefinition,
    StepStatus,
)
from tests.adapters.sheet import Sheet, doubts, read
from tests.real.test_sql_orphans import surveyed

NAMES: Final = ("reserve", "pay", "ship", "tell")
POLICY: Final = Policy(by_type={"Order": SagaPolicy(steps=tuple(StepDefinition(name) for name in NAMES))})
SAGAS: Final = {"id": "id", "type": "text", "state": "text", "at": "moment"}
SAGA: Final = {"table": "sagas", "id": "id", "type": "type", "state": "state", "created_at": "at"}
ROWS: Final = {
    "id": "int",
    "saga": "text",
    "step": "text",
    "op": "text",
    "status": "text",
    "at": "moment",
    "error": "text",
    "url": "text",
    "result": "document",
}
COMMON: Final[dict[str, Any]] = {
    "foreign_key": "saga",
    "order_by": "id",
    "fields": {"name": "step", "status": "status", "at": "at", "error": "error", "action": "url", "result": "result"},
    "values": {"prepared": "pending", "begun": "executing", "done": "completed", "refused": "failed"},
    "forward": {"match": {"op": "do"}},
    "undo": {"match": {"op": ["undo", "revert"]}},
}
USUAL: Final = Policy()
BEGAN: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
FEW: Final = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
UNDONE: Final = {
    StepStatus.COMPENSATING: "begun",
    StepStatus.COMPENSATED: "done",
    StepStatus.COMPENSATION_FAILED: "refused",
}
WORDS: Final = {
    StepStatus.PENDING: "prepared",
    StepStatus.EXECUTING: "begun",
    StepStatus.COMPLETED: "done",
    StepStatus.FAILED: "refused",
    StepStatus.TIMED_OUT: "timed_out",
    StepStatus.SKIPPED: "skipped",
}
done, pending, out = StepStatus.COMPLETED, StepStatus.PENDING, StepStatus.EXECUTING
Row = dict[str, Any]
Told = tuple[StepStatus, ...]


class Tables:
    """A table of sagas and one of rows; `shape` is what the rows are read as."""

    def __init__(self, url: str, shape: str, columns: Mapping[str, str] = ROWS) -> None:
        self.shape = shape
        self.sagas = Sheet(url, name=f"sagas_of_{shape}", columns=SAGAS)
        self.rows = Sheet(url, name=shape, columns=columns)
        self.rows.run(f"create index rows_of_{shape} on {shape} (saga)")

    def write(self, *sagas: Sequence[Row], **saga: Any) -> None:
        """Write sagas by their rows, nothing else being there; rows have a number in their order."""
        self.sagas.run(f"delete from {self.sagas.name}")
        self.rows.run(f"delete from {self.shape}")
        names = [name_of(at) for at in range(len(sagas))]
        whole = [{"id": name, "type": "Order", "state": "pending", "at": stamp(0), **saga} for name in names]
        rows = [
            {"saga": name, **dict.fromkeys(("op", "at", "error", "url", "result")), **row}
            for name, told in zip(names, sagas, strict=True)
            for row in told
        ]
        numbered = [{"id": number, **row} for number, row in enumerate(rows)]
        for sheet, held in ((self.sagas, whole), (self.rows, numbered)):
            if held:
                with sheet.engine.begin() as connection:
                    connection.execute(sa.table(sheet.name, *(sa.column(name) for name in held[0])).insert(), held)

    def open(
        self, policy: Policy = USUAL, *, saga: Mapping[str, Any] | None = None, big_table: int = 100_000, **steps: Any
    ) -> SqlStore:
        return self.sagas.open(self.said(saga or {}, {**COMMON, **steps}), policy=policy, big_table=big_table)

    def said(self, saga: Mapping[str, Any], steps: Mapping[str, Any]) -> dict[str, Any]:
        """The mapping of both tables."""
        table = {"shape": self.shape, "table": self.shape}
        return {"saga": {**SAGA, "table": self.sagas.name, **saga}, "steps": {**steps, **table}}

    def read(self, policy: Policy = USUAL, **said: Any) -> list[Saga]:
        return sorted(read(self.open(policy, **said)), key=lambda each: each.saga_id)

    def read_one(self, policy: Policy = USUAL, **said: Any) -> Saga:
        [saga] = self.read(policy, **said)
        return saga


_MADE: dict[tuple[str, str], Tables] = {}


@pytest.fixture
def ops(store_url: str) -> Tables:
    return _tables(store_url, "op_table")


@pytest.fixture
def log(store_url: str) -> Tables:
    return _tables(store_url, "log_table")


@pytest.fixture(params=["op_table", "log_table"])
def either(store_url: str, request: pytest.FixtureRequest) -> Tables:
    return _tables(store_url, request.param)


def _tables(url: str, shape: str) -> Tables:
    if (url, shape) not in _MADE:
        _MADE[url, shape] = Tables(url, shape)
    return _MADE[url, shape]


def name_of(number: int) -> str:
    return f"s-{number:03}"


def moment(number: int) -> datetime:
    return BEGAN + timedelta(seconds=number)


def stamp(number: int) -> str:
    return moment(number).strftime("%Y-%m-%d %H:%M:%S")


def row(step: str | None, status: str | None, op: str | None = "do", at: int | None = None, **more: Any) -> Row:
    return {"step": step, "status": status, "op": op, "at": None if at is None else stamp(at), **more}


def statuses(saga: Saga) -> list[StepStatus]:
    return [step.status for step in saga.steps or ()]


def plain(step: Step) -> Step:
    """The fact without the store's own word, of which two rows have two."""
    return msgspec.structs.replace(step, raw_status=None)


STEPS: Final = st.lists(st.tuples(*(st.sampled_from([*WORDS, *UNDONE]) for _ in NAMES)), min_size=1, max_size=8)


# -- one row a step and direction -------------------------------------------------------------------------------------


def operations(told: Sequence[StepStatus], *, undo_first: bool) -> tuple[list[Row], list[Step]]:
    """The rows of a saga whose steps have these statuses, and the steps themselves."""
    rows: list[Row] = []
    steps: list[Step] = []
    for index, (name, status) in enumerate(zip(NAMES, told, strict=True)):
        at, undone_at = 10 * index, 100 - index
        forward = WORDS.get(status, "done")
        undo = UNDONE.get(status, "prepared")
        is_out = forward == "begun"
        error = f"no {name}" if "refused" in (forward, undo) else None
        pair = [
            row(name, forward, at=None if forward == "prepared" else at, url=f"do/{name}", result='{"n": 1}'),
            row(name, undo, "undo", None if undo == "prepared" else undone_at, url=f"undo/{name}"),
        ]
        pair[0 if forward == "refused" else 1]["error"] = error
        rows += reversed(pair) if undo_first else pair
        step = Step(name, index, status, None, f"do/{name}", f"undo/{name}", error=error, result=b'{"n": 1}')
        if forward != "prepared":
            step = msgspec.structs.replace(step, **{"started_at" if is_out else "executed_at": moment(at)})
        if status is StepStatus.COMPENSATED:
            step = msgspec.structs.replace(step, compensated_at=moment(undone_at))
        steps.append(step)
    return rows, steps


@FEW
@given(sagas=STEPS, undo_first=st.booleans())
def test_rows_of_both_directions_come_back(store_url: str, sagas: list[Told], undo_first: bool) -> None:
    tables = _tables(store_url, "op_table")
    written = [operations(told, undo_first=undo_first) for told in sagas]
    tables.write(*(rows for rows, _ in written))
    found = tables.read(current="told")
    assert [[plain(step) for step in saga.steps or ()] for saga in found] == [steps for _, steps in written]
    assert [saga.doubts for saga in found] == [()] * len(found)
    assert all((saga.updated_at is None) == (set(statuses(saga)) == {pending}) for saga in found)


def test_rows_before_their_turn_leave_the_step_as_it_is(ops: Tables) -> None:
    undos = [row(name, "prepared", "undo") for name in NAMES]
    forward = [row("reserve", "done"), row("pay", "done"), row("ship", "prepared"), row("tell", "prepared")]
    ops.write([*undos, *forward])
    assert statuses(ops.read_one()) == [done, done, out, pending]
    ops.write([*undos, *forward], state="compensating")
    saga = ops.read_one()
    assert statuses(saga) == [done, StepStatus.COMPENSATING, pending, pending]
    assert [step.name for step in saga.steps or () if step.derived] == ["pay"]


def test_an_undo_that_began_and_never_ended_moved_its_saga(either: Tables) -> None:
    rows = [row("reserve", "done", at=1), row("pay", "refused", at=2), row("reserve", "begun", "revert", at=900)]
    either.write(rows, state="compensating")
    saga = either.read_one()
    assert statuses(saga) == [StepStatus.COMPENSATING, StepStatus.FAILED]
    assert saga.updated_at == moment(900)
    assert "updated_at" in saga.derived
    saga = either.read_one(saga={"updated_at": "at"})  # the saga's own row is older than those of its steps
    assert saga.updated_at == moment(900)
    either.write(rows, state="compensating", at=stamp(950))
    assert either.read_one(saga={"updated_at": "at"}).updated_at == moment(950)


def test_an_undo_whose_step_left_no_row(either: Tables) -> None:
    either.write([row("pay", "begun", "undo", at=5)], state="compensating")
    saga = either.read_one()
    assert [(step.name, step.status) for step in saga.steps or ()] == [("pay", StepStatus.COMPENSATING)]


def test_without_directions_every_row_is_forward(either: Tables) -> None:
    either.write([row("reserve", "done", None), row("pay", "compensated", "x", at=7)])
    saga = read_undirected(either)
    assert statuses(saga) == [done, StepStatus.COMPENSATED]
    assert saga.steps is not None
    assert saga.steps[1].compensated_at == moment(7)


def read_undirected(tables: Tables) -> Saga:
    said = {key: value for key, value in COMMON.items() if key not in ("forward", "undo")}
    [saga] = read(tables.sagas.open(tables.said({}, said)))
    return saga


def test_a_row_of_no_direction_is_told(either: Tables) -> None:
    either.write([row("reserve", "done"), row("pay", "done", "perhaps"), row("tell", "done", None)])
    saga = either.read_one()
    assert [step.name for step in saga.steps or ()] == ["reserve"]
    [doubt] = saga.doubts
    assert (doubt.field, doubt.raw) == ("steps", "op = perhaps")
    assert "neither forward nor an undo, nor are 1 more" in doubt.reason
    assert either.read_one(undo={}).doubts == ()
    assert either.read_one(where={"op": ["do", "undo"]}).doubts == ()


def test_an_unknown_word_is_told_with_the_row_that_has_it(either: Tables) -> None:
    rows = [row("reserve", "done"), row("pay", "SO SO"), row("reserve", "hm", "undo"), row("ship", None)]
    either.write(rows, state="compensating")
    saga = either.read_one()
    assert statuses(saga) == [StepStatus.UNKNOWN] * 3
    told = {doubt.field: (doubt.raw, doubt.reason) for doubt in saga.doubts}
    assert told["steps[0].status"][0] == "hm"
    assert told["steps[0].status"][1].endswith("(in the row of its undo)")
    assert told["steps[1].status"][0] == "SO SO"
    assert told["steps[2].status"][0] == "NULL"


def test_rows_without_a_name_are_steps_of_their_own(either: Tables) -> None:
    either.write([row(None, "done"), row("pay", "begun"), row(None, "done", "undo")])
    saga = either.read_one()
    assert [step.name for step in saga.steps or ()] == ["step 0", "pay", "step 2"]
    assert {"steps[0].name", "steps[2].name"} <= set(doubts(saga))


def test_two_steps_of_one_name(store_url: str) -> None:
    ops, log = _tables(store_url, "op_table"), _tables(store_url, "log_table")
    twice = [row("tell", "done"), row("pay", "done"), row("tell", "begun")]
    ops.write(twice)
    saga = ops.read_one()
    assert [(step.name, step.status) for step in saga.steps or ()] == [("tell", done), ("pay", done), ("tell", out)]
    assert saga.doubts == ()
    ops.write([*twice, row("tell", "done", "undo")])
    saga = ops.read_one()
    assert statuses(saga) == [StepStatus.COMPENSATED, done, out]
    assert set(doubts(saga)) == {"steps[0]"}  # which of both it undid nobody can tell
    log.write(twice)
    saga = log.read_one()
    told = [(step.name, step.status, step.attempts) for step in saga.steps or ()]
    assert told == [("tell", out, 1), ("pay", done, 1)]


def test_each_direction_may_have_columns_and_words_of_its_own(store_url: str) -> None:
    columns = {**ROWS, "undo_status": "text", "why": "text"}
    tables = Tables(store_url, "op_table", columns)
    tables.write(
        [
            row("pay", "5", why="declined", undo_status=None),
            row("pay", None, "undo", undo_status="5", why="gone", error="x"),
        ]
    )
    undo = {"match": {"op": "undo"}, "fields": {"status": "undo_status", "error": "why"}, "values": {"5": "failed"}}
    saga = tables.read_one(values={"5": "completed"}, undo=undo)
    assert saga.steps is not None
    assert (saga.steps[0].status, saga.steps[0].error) == (StepStatus.COMPENSATION_FAILED, "gone")


def test_very_many_rows_of_operations(ops: Tables) -> None:
    ops.write([row(f"n{number}", "done", at=number) for number in range(2600)])
    saga = ops.read_one()
    assert saga.steps is not None
    assert (len(saga.steps), saga.steps[0].name, saga.steps[-1].name) == (1000, "n0", "n2599")
    assert any("2600 rows" in doubt.reason for doubt in saga.doubts)


@pytest.mark.parametrize("kind", ["bigint", "text"])
def test_ids_of_another_type_and_of_several_columns(store_url: str, kind: str) -> None:
    sagas = Sheet(store_url, columns={"tenant": "text", "id": "int" if kind == "text" else "text", "state": "text"})
    columns = {"n": "int", "whose": "text", "saga": kind, "step": "text", "status": "text"}
    rows = Sheet(store_url, name="ops", columns=columns)
    sagas.add({"tenant": "a", "id": 7, "state": "pending"}, {"tenant": "b", "id": 7, "state": "pending"})
    told = [{"n": 0, "whose": "a", "saga": 7, "step": "pay", "status": "done"}]
    told.append({"n": 1, "whose": "b", "saga": 7, "step": "ship", "status": "begun"})
    rows.add(*told)
    said: dict[str, Any] = {"shape": "log_table", "table": "ops", "foreign_key": ["whose", "saga"], "order_by": "n"}
    said |= {"fields": {"name": "step", "status": "status"}, "values": {"begun": "executing"}}
    mapping = {"saga": {"table": "sagas", "id": ["tenant", "id"], "state": "state"}, "steps": said}
    found = {saga.saga_id: [step.name for step in saga.steps or ()] for saga in read(sagas.open(mapping))}
    assert found == {"a/7": ["pay"], "b/7": ["ship"]}


def test_rows_without_their_saga_are_found_and_a_big_table_wants_its_index(store_url: str) -> None:
    tables = Tables(store_url, "log_table")
    tables.write(*([row("pay", "done"), row("pay", "done", "undo")] for _ in range(200)))
    tables.sagas.run(f"delete from {tables.sagas.name} where id = '{name_of(3)}'")
    told = surveyed(tables.open())[0]
    assert told is not None
    assert (told.count, told.looked_at, told.saga_ids) == (2, 400, (name_of(3),))
    table = {"mysql": " on log_table"}.get(tables.rows.kind, "")
    tables.rows.run(f"drop index rows_of_log_table{table}")
    counted = {"sqlite": "analyze", "postgresql": "analyze log_table"}
    tables.rows.run(counted.get(tables.rows.kind, "analyze table log_table"))
    with pytest.raises(FullScanRefused) as refused:
        read(tables.open(big_table=100))
    assert "log_table_saga" in refused.value.hint


# -- one row an event -------------------------------------------------------------------------------------------------

TRIES: Final = st.tuples(st.integers(1, 4), st.sampled_from(("begun", "done", "refused")))
"""How often a step or its undo was tried, and the last word about it."""
STORIES: Final = st.lists(
    st.lists(st.tuples(TRIES, st.none() | TRIES), min_size=0, max_size=len(NAMES)), min_size=1, max_size=8
)
Story = list[tuple[tuple[int, str], tuple[int, str] | None]]


class Diary:
    """The events of one saga in their order."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def tried(self, name: str, op: str, times: int, word: str) -> tuple[datetime, datetime, str | None]:
        """Write tries of a step; return when the last one began, when the last word was written, and the error."""
        error: str | None = None
        for number in range(times):
            began = self._note(name, "begun", op)
            last = word if number == times - 1 else "refused"
            failed = f"{op} {number}" if last == "refused" else None
            ended = began if last == "begun" else self._note(name, last, op, failed)
            error = error if last == "begun" else failed
        return began, ended, error

    def _note(self, name: str, word: str, op: str, error: str | None = None) -> datetime:
        self.rows.append(row(name, word, op, at=len(self.rows), error=error))
        return moment(len(self.rows) - 1)


def logged(story: Story) -> tuple[list[Row], list[Step]]:
    """The events of a saga, and its steps as these leave them."""
    diary = Diary()
    steps: list[Step] = []
    for index, ((times, word), _) in enumerate(story):
        began, ended, error = diary.tried(NAMES[index], "do", times, word)
        status = {"begun": out, "done": done, "refused": StepStatus.FAILED}[word]
        executed = None if status is out else ended
        steps.append(
            Step(NAMES[index], index, status, attempts=times, started_at=began, executed_at=executed, error=error)
        )
    for index in reversed(range(len(story))):
        undo = story[index][1]
        if undo is None:
            continue
        _, ended, error = diary.tried(NAMES[index], "undo", *undo)
        status = {word: status for status, word in UNDONE.items()}[undo[1]]
        steps[index] = msgspec.structs.replace(
            steps[index],
            status=status,
            attempts=undo[0],
            compensation=NAMES[index],
            compensated_at=ended if status is StepStatus.COMPENSATED else None,
            error=error or steps[index].error,
        )
    return diary.rows, steps


@FEW
@given(stories=STORIES)
def test_events_come_back_as_steps(store_url: str, stories: list[Story]) -> None:
    tables = _tables(store_url, "log_table")
    written = [logged(story) for story in stories]
    tables.write(*(rows for rows, _ in written))
    found = tables.read(current="told")
    assert [[plain(step) for step in saga.steps or ()] for saga in found] == [steps for _, steps in written]
    for saga, (rows, _) in zip(found, written, strict=True):
        assert saga.updated_at == (moment(len(rows) - 1) if rows else None)
        assert saga.doubts == ()


def test_steps_without_a_row_are_pending_and_the_first_of_them_is_out(log: Tables) -> None:
    log.write([row("pay", "done"), row("reserve", "done"), row("extra", "done")], [])
    first, second = log.read(POLICY)
    assert [step.name for step in first.steps or ()] == [*NAMES, "extra"]
    assert statuses(first) == [done, done, out, pending, done]
    assert [step.name for step in first.steps or () if step.derived] == ["ship", "tell"]
    assert statuses(second) == [out, pending, pending, pending]
    log.write([], state="completed")
    assert [saga.steps for saga in read(log.open(POLICY), all_ended=True)] == [()]  # a log may be cleared


def test_a_step_that_another_took_the_place_of_is_not_out(log: Tables) -> None:
    steps = (
        StepDefinition("reserve", optional=True),
        StepDefinition("courier"),
        StepDefinition("pigeon", alternative_of="courier"),
        StepDefinition("tell"),
    )
    policy = Policy(by_type={"Order": SagaPolicy(steps=steps)})
    log.write([row("pigeon", "done")], [row("courier", "done")])
    first, second = log.read(policy)
    assert statuses(first) == [pending, pending, done, out]
    assert statuses(second) == [pending, done, pending, out]


def test_doubts_follow_their_step_to_its_place(log: Tables) -> None:
    log.write([row("ship", "begun"), row("reserve", "odd")])
    saga = log.read_one(POLICY)
    assert [step.name for step in saga.steps or ()] == list(NAMES)
    assert set(doubts(saga)) == {"steps[0].status"}


def test_where_a_log_has_one_word_each_row_is_a_try(log: Tables) -> None:
    log.write([row("pay", "refused", at=at, error=f"no {at}") for at in range(5)])
    saga = log.read_one()
    assert [(step.attempts, step.error) for step in saga.steps or ()] == [(5, "no 4")]
    assert saga.updated_at == moment(4)


def test_thousands_of_events_are_two_steps(log: Tables) -> None:
    def events() -> Iterator[Row]:
        yield row("reserve", "done", at=0)
        for turn in range(3000):
            yield row("pay", "begun" if turn % 2 == 0 else "refused", at=turn, error=None if turn % 2 == 0 else "no")

    log.write(list(events()))
    saga = log.read_one()
    assert [(step.name, step.attempts) for step in saga.steps or ()] == [("reserve", 1), ("pay", 1500)]
    assert saga.doubts == ()
    log.write([row(f"n{number}", "done") for number in range(4500)])
    saga = log.read_one()
    assert saga.steps is not None
    assert (len(saga.steps), saga.steps[0].name, saga.steps[-1].name) == (1000, "n0", "n4499")
    assert any("4500 steps" in doubt.reason for doubt in saga.doubts)


def test_the_order_of_events_is_said_or_follows_from_the_table(store_url: str) -> None:
    tables = Tables(store_url, "log_table", {**ROWS, "id": "id"})  # a key that counts nothing
    tables.write([row("pay", "done", at=9), row("pay", "begun", at=2)])
    fields = {"name": "step", "status": "status"}
    assert statuses(tables.read_one(order_by=None, fields={**fields, "at": "at"})) == [done]
    with pytest.raises(SchemaMismatch, match=r"say steps\.order_by"):
        tables.read_one(order_by=None, fields=fields)


def test_words_that_tell_step_and_direction_at_once(store_url: str) -> None:
    tables = _tables(store_url, "log_table")
    words = ["started", "succeeded", "undo_started", "undo_finished"]
    tables.write([row("pay", word, None, at=at) for at, word in enumerate(words)], [row("pay", "undo_started", None)])
    first, second = tables.read(
        values={"started": "executing", "undo_started": "executing", "undo_finished": "completed"},
        forward={},
        undo={"match": {"status": ["undo_started", "undo_finished"]}},
    )
    assert statuses(first) == [StepStatus.COMPENSATED]
    assert first.steps is not None
    assert (first.steps[0].executed_at, first.steps[0].compensated_at) == (moment(1), moment(3))
    assert statuses(second) == [StepStatus.COMPENSATING]


# -- the moment of a row in other shapes ------------------------------------------------------------------------------

AT_OF: Final = {
    StepStatus.EXECUTING: "started_at",
    StepStatus.COMPENSATING: "started_at",
    StepStatus.COMPENSATED: "compensated_at",
    **dict.fromkeys((done, StepStatus.FAILED, StepStatus.TIMED_OUT, StepStatus.SKIPPED), "executed_at"),
}


@pytest.mark.parametrize("shape", ["child_table", "json_list", "json_object"])
def test_the_moment_of_a_row_is_what_its_word_says(store_url: str, shape: str) -> None:
    told = [status for status in StepStatus if status is not StepStatus.UNKNOWN]
    fields = {"name": "step", "status": "status", "at": "at"}
    if shape == "child_table":
        tables = Tables(store_url, shape)
        tables.write([row(status.value, status.value, at=at) for at, status in enumerate(told)])
        steps = {"shape": shape, "table": shape, "foreign_key": "saga", "order_by": "id", "fields": fields}
        sheet = tables.sagas
    else:
        sheet = Sheet(store_url, columns={**SAGAS, "steps": "document"})
        whole = [{"step": each.value, "status": each.value, "at": stamp(at)} for at, each in enumerate(told)]
        document: Any = whole if shape == "json_list" else {each["step"]: each for each in whole}
        sheet.add({"id": "s", "type": "Order", "state": "pending", "at": stamp(0), "steps": json.dumps(document)})
        steps = {"shape": shape, "column": "steps", "fields": fields}
    [saga] = read(sheet.open({"saga": {**SAGA, "table": sheet.name}, "steps": steps}))
    names = ("started_at", "executed_at", "compensated_at")
    for at, step in enumerate(saga.steps or ()):
        assert {name: getattr(step, name) for name in names} == {
            name: moment(at) if AT_OF.get(step.status) == name else None for name in names
        }
    if shape == "child_table":
        assert saga.updated_at == moment(len(told) - 1)
