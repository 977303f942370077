"""What a rule of the mapping takes for true: the database and we say the same of every cell, or the row is read."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from sagadoctor.adapters.sql.truths import flag, matches
from sagadoctor.api.v1 import Saga, SagaState
from tests.adapters.sheet import TEMPLATE, Sheet, pages, read

PRESET = {"preset": "saga-template"}
SINCE = datetime(2026, 11, 20, tzinfo=UTC)
TEXTS = [
    "true",
    "t",
    "1",
    "True",
    "TRUE",
    "T",
    "tRuE",
    "yes",
    "y",
    "on",
    "false",
    "f",
    "0",
    "False",
    "no",
    "",
    " t",
    "t ",
]
TEXTS += ["true ", "2", "1.0", "0.0", "completed", "Completed", "completed ", "ť", "\u1e6d", "unknown", None]
NUMBERS = [1, 0, 2, 3, 7, -1, 255, None]
RULES: list[list[dict[str, Any]]] = [
    [{"if": {"bad": True}, "is": "compensating"}, {"if": {"done": True}, "is": "completed"}],
    [{"if": {"done": False}, "is": "pending"}, {"if": {"done": True, "bad": False}, "is": "completed"}],
    [{"if": {"bad": "null", "done": [True, "completed"]}, "is": "completed"}, {"if": {"done": 2}, "is": "failed"}],
    [{"if": {"done": "completed"}, "is": "completed"}, {"if": {"done": "not null", "bad": 1}, "is": "cancelled"}],
    [{"if": {"bad": [7, "2"]}, "is": "pending"}, {"if": {"done": [False, 3]}, "is": "failed"}],
]


def test_true_is_true_and_1_and_t_and_nothing_else() -> None:
    assert [value for value in (*TEXTS, *NUMBERS, True, b"\x01", b"t", 1.0) if flag(value) is True] == [
        *("true", "t", "1", "True", "TRUE", "T", 1, True, b"\x01", b"t", 1.0)
    ]
    assert [value for value in (*TEXTS, *NUMBERS, False, b"\x00", 0.0) if flag(value) is False] == [
        *("false", "f", "0", "False", 0, False, b"\x00", 0.0)
    ]
    assert matches(1, True)
    assert not matches(2, True)
    assert not matches(b"\xff", True)
    assert not matches("yes", True)


def cells(kind: str, engine: str) -> list[Any]:
    if kind == "text":
        return list(TEXTS)
    if kind == "flag" and engine == "postgresql":
        return [True, False, None]
    if kind == "flag" and engine == "mariadb":
        return [1, 0, 2, -1, None]
    return [*NUMBERS, "t", "true", "yes", b"t", b"\x01", "x"] if engine == "sqlite" else list(NUMBERS)


def filled(url: str, kind: str, rows: int = 60) -> Sheet:
    sheet = Sheet(url, columns={**TEMPLATE, "done": kind, "bad": kind})
    engine = {"mysql": "mariadb"}.get(sheet.kind, sheet.kind)
    chance = random.Random(7)
    choices = cells(kind, engine)
    pairs = [(one, other) for one in choices for other in (None, choices[0], choices[1])]
    pairs += [(chance.choice(choices), chance.choice(choices)) for _ in range(rows)]
    sheet.add(*(sheet.good(saga_id=f"s-{at:03}", done=one, bad=two) for at, (one, two) in enumerate(pairs)))
    return sheet


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("kind", ["text", "int", "flag", "numeric(10, 2)"])
def test_no_row_is_lost_where_rules_say_the_state(store_url: str, kind: str, rules: list[dict[str, Any]]) -> None:
    sheet = filled(store_url, kind)
    said = {**PRESET, "saga": {"state": {"when": rules}}}
    everything = read(sheet.open(said), all_ended=True)
    table = {row[0] for row in sheet.engine.connect().exec_driver_sql("select saga_id from sagas").fetchall()}
    assert sorted(saga.saga_id for saga in everything) == sorted(table), "each row once"
    wanted = {saga.saga_id for saga in everything if saga.is_live}
    assert {saga.saga_id for saga in read(sheet.open(said))} == wanted, "the database agrees about every cell"
    since = read(sheet.open(said), ended_since=SINCE)
    assert sorted(saga.saga_id for saga in since) == sorted(table)


def test_row_20_a_flag_that_is_neither_true_nor_false_is_said(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "done": "text", "bad": "text"})
    words = [("yes", "yes"), ("t", "f"), ("1", "1"), ("f", "f"), (None, None), ("true", "no")]
    sheet.add(*(sheet.good(saga_id=f"s-{at}", done=done, bad=bad) for at, (done, bad) in enumerate(words)))
    when = [{"if": {"done": True, "bad": True}, "is": "failed"}, {"if": {"done": True}, "is": "completed"}]
    told = {
        saga.saga_id: saga
        for saga in read(sheet.open({**PRESET, "saga": {"state": {"when": when}}}), ended_since=SINCE)
    }
    assert {key: saga.state for key, saga in told.items()} == {
        "s-0": SagaState.UNKNOWN,
        "s-1": SagaState.COMPLETED,
        "s-2": SagaState.FAILED,
        "s-3": SagaState.UNKNOWN,
        "s-4": SagaState.UNKNOWN,
        "s-5": SagaState.COMPLETED,
    }
    assert [doubt.reason for doubt in told["s-0"].doubts] == ["no rule of the mapping matches"]


def test_a_row_that_is_not_what_its_road_expects_is_kept(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from sagadoctor.adapters.sql.states import RuleStates, Verdict

    sheet = Sheet(sqlite_url, columns={**TEMPLATE, "done": "int"})
    sheet.add(sheet.good(saga_id="s-1", done=0), sheet.good(saga_id="s-2", done=1))
    judged = RuleStates.read
    swapped = {SagaState.COMPLETED: SagaState.PENDING, SagaState.PENDING: SagaState.COMPLETED}

    def read_otherwise(self: RuleStates, row: Any) -> Verdict:
        verdict = judged(self, row)
        return Verdict(swapped[verdict.state], verdict.raw_state)

    monkeypatch.setattr(RuleStates, "read", read_otherwise)
    when = [{"if": {"done": True}, "is": "completed"}, {"if": {}, "is": "pending"}]
    said = {**PRESET, "saga": {"state": {"when": when}}}
    told: list[Saga] = [saga for page in pages(sheet.open(said), ended_since=SINCE) for saga in page.sagas]
    assert {saga.saga_id: saga.state for saga in told} == {"s-1": SagaState.COMPLETED, "s-2": SagaState.PENDING}
    assert [saga.saga_id for saga in read(sheet.open(said))] == ["s-1"]
