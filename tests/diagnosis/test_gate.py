"""The gate: what passes it has no finding of any rule; it only saves time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagadoctor.diagnosis.assemble import assemble
from sagadoctor.diagnosis.examine import examine
from sagadoctor.diagnosis.gate import Gate
from sagadoctor.diagnosis.trial import trial
from sagadoctor.model.observation import Tries
from sagadoctor.model.policy import SagaPolicy, StepDefinition, Thresholds
from sagadoctor.model.saga import Doubt, Owner, Saga, SagaState, Step, StepStatus
from sagadoctor.testing.builders import (
    NOW,
    PAY,
    ago,
    ahead,
    changed,
    findings,
    order_policy,
    order_steps,
    saga,
    step,
)
from tests.diagnosis.strategies import QUICK, any_policy, any_saga, some_tries

DONE, OUT, NEXT = StepStatus.COMPLETED, StepStatus.EXECUTING, StepStatus.PENDING

_near = st.sampled_from([timedelta(seconds=at) for at in (-31, -30, -1, 0, 1, 59, 60, 61, 120, 600, 899, 900, 901)])
_near_times = st.none() | _near.map(lambda span: NOW - span)
_recent = st.sampled_from([NOW - timedelta(seconds=at) for at in (-29, 0, 1, 30, 59, 60, 61, 120, 5000, 10**6)])


@st.composite
def near_healthy(draw: st.DrawFn) -> Saga:
    """A row that is well, or ill in one place only."""
    state = draw(st.sampled_from((SagaState.PENDING, SagaState.STARTED, SagaState.COMPLETED)))
    done = draw(st.integers(0, 3))
    words = (
        [DONE] * done if state is SagaState.COMPLETED else [*[DONE] * done, draw(st.sampled_from((OUT, NEXT))), NEXT]
    )
    steps = [
        Step(
            name="abcde"[place],
            index=place,
            status=word,
            executed_at=draw(_near_times) if word is DONE else None,
            started_at=draw(_near_times) if word is not NEXT else None,
            timeout_at=draw(st.none() | st.just(ahead(minutes=1)) | _near_times) if word is OUT else None,
        )
        for place, word in enumerate(words)
    ]
    row = Saga(
        store="orders",
        saga_id="s",
        state=state,
        created_at=draw(_near_times),
        updated_at=draw(_recent),
        current_step=draw(st.none() | st.sampled_from("abcde")),
        deadline=draw(st.sampled_from((None, None, None, ahead(minutes=1), ahead(seconds=0), ago(seconds=1)))),
        steps=draw(st.sampled_from((*[tuple(steps)] * 5, (), None, None))),
    )
    return _with_one_fault(draw, row) if draw(st.booleans()) else row


def _with_one_fault(draw: st.DrawFn, row: Saga) -> Saga:
    other = draw(any_saga)
    if row.steps and other.steps and draw(st.booleans()):
        place = draw(st.integers(0, len(row.steps) - 1))
        field = draw(st.sampled_from([each for each in Step.__struct_fields__ if each != "name"]))
        sick = msgspec.structs.replace(row.steps[place], **{field: getattr(other.steps[0], field)})
        return msgspec.structs.replace(row, steps=(*row.steps[:place], sick, *row.steps[place + 1 :]))
    field = draw(st.sampled_from([each for each in Saga.__struct_fields__ if each not in ("store", "steps")]))
    return msgspec.structs.replace(row, **{field: getattr(other, field)})


_definitions = st.builds(
    StepDefinition,
    name=st.sampled_from("abcde"),
    compensation=st.sampled_from((None, "undo")),
    timeout=st.sampled_from((None, None, timedelta(minutes=1), timedelta(hours=1), timedelta(0))),
    waits_for=st.sampled_from((None, None, None, "person")),
    optional=st.booleans(),
    pivot=st.booleans(),
)
_usual_policy = st.builds(
    SagaPolicy,
    thresholds=st.just(Thresholds()) | st.just(Thresholds(no_progress=timedelta(minutes=1), attempts=0)),
    steps=st.lists(_definitions, max_size=3, unique_by=lambda defined: defined.name).map(tuple),
    parallel=st.booleans(),
)


def test_what_passes_the_gate_has_no_finding() -> None:
    passed = 0

    @settings(QUICK, max_examples=1500)
    @given(row=near_healthy(), policy=_usual_policy | any_policy, tries=st.none() | some_tries)
    def check(row: Saga, policy: SagaPolicy, tries: Tries | None) -> None:
        nonlocal passed
        if not Gate(policy, NOW).passes(row):
            return
        passed += 1
        assert examine(assemble(row, policy, NOW, tries=tries), policy, NOW) == ()
        assert trial(row, policy, NOW) is None, "what passes is never remembered"

    check()
    assert passed > 200, "the rows were too sick to say anything about the gate"


HEALTHY = (
    saga(),
    saga(SagaState.STARTED, order_steps()),
    saga(steps=None),
    saga(steps=None, deadline=ahead(seconds=1)),
    changed(saga(updated_at=ago(days=3)), PAY, timeout_at=ahead(seconds=1)),
    saga(steps=(step("a", DONE, attempts=40), step("b", NEXT, attempts=0))),
    saga(SagaState.COMPLETED, order_steps(DONE, DONE, DONE, DONE, DONE), updated_at=ago(days=40)),
    saga(SagaState.COMPLETED, order_steps(DONE, DONE, StepStatus.SKIPPED, DONE, DONE)),
)


@pytest.mark.parametrize("row", HEALTHY)
def test_the_plainly_healthy_pass(row: Saga) -> None:
    assert Gate(SagaPolicy(), NOW).passes(row)
    assert findings(row, SagaPolicy()) == ()


ILL: tuple[dict[str, Any], ...] = (
    {"doubts": (Doubt("updated_at", "0000-00-00", "not a time"),)},
    {"owner": Owner("w1", alive=False)},
    {"attempts": 12},
    {"next_attempt_at": ago(hours=1)},
    {"updated_at": ago(hours=1)},
    {"updated_at": ago(hours=1), "steps": None},
    {"updated_at": ago(hours=1), "steps": (step("a", DONE), step("b", NEXT))},
    {"updated_at": ahead(hours=1)},
    {"updated_at": None},
    {"created_at": ahead(hours=1)},
    {"ended_at": ahead(hours=1)},
    {"ended_at": ahead(hours=1), "steps": None},
    {"waiting_for": "person"},
    {"deadline": ago(seconds=1)},
    {"deadline": ago(seconds=1), "steps": None},
    {"deadline": ago(seconds=1), "steps": (step("a", DONE), step("b", NEXT))},
    {"steps": ()},
    {"updated_at": None, "created_at": None, "doubts": (Doubt("updated_at", "NULL", "nothing tells when it moved"),)},
    {"state": SagaState.COMPENSATING},
    {"state": SagaState.FAILED},
    {"state": SagaState.UNKNOWN},
    {"state": SagaState.COMPLETED},
    {"state": SagaState.COMPLETED, "steps": ()},
    {"updated_at": ago(minutes=14), "steps": (step("a", DONE), step("b", NEXT, next_attempt_at=ago(minutes=10)))},
    {"steps": (step("a", OUT), step("b", OUT))},
    {"steps": (step("a", StepStatus.COMPENSATED), step("b", OUT))},
    {"steps": (step("a", StepStatus.FAILED), step("b", OUT))},
    {"steps": (step("a", OUT, timeout_at=ago(seconds=1)),)},
    {"steps": (step("a", OUT, attempts=12),)},
    {"steps": (step("a", DONE), step("b", NEXT, attempts=12))},
    {"steps": (step("a", DONE), step("b", NEXT, attempts=1))},
    {"steps": (step("a", DONE), step("b", StepStatus.FAILED, attempts=1))},
    {"steps": (step("a", OUT, executed_at=ago(seconds=9)),)},
    {"steps": (step("a", DONE, compensated_at=ago(seconds=9)),)},
)


@pytest.mark.parametrize("fields", ILL)
def test_what_may_be_ill_is_looked_at_closer(fields: dict[str, Any]) -> None:
    assert not Gate(SagaPolicy(), NOW).passes(msgspec.structs.replace(saga(), **fields))


def test_the_gate_knows_who_waits_for_a_person() -> None:
    for last in (NEXT, OUT):
        row = saga(steps=order_steps(DONE, DONE, last))
        assert not Gate(order_policy(), NOW).passes(row)
        assert Gate(SagaPolicy(), NOW).passes(row)


def test_the_gate_knows_the_configured_timeouts_of_its_type() -> None:
    slow = changed(saga(updated_at=ago(seconds=61)), PAY, started_at=ago(seconds=61))

    assert not Gate(order_policy(), NOW).passes(slow)
    assert Gate(SagaPolicy(), NOW).passes(slow)
