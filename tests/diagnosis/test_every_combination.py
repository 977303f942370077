"""Every state with every combination of steps: what stands still is always seen, what moves is never accused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product

import msgspec
import pytest
from msgspec.structs import replace

from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.saga import LIVE, Saga, SagaState, Step, StepStatus
from sagadoctor.testing.builders import ago, ahead, findings, saga, step
from tests.diagnosis.looking import bad

S = StepStatus

PLAIN = SagaPolicy()
DECLARED = SagaPolicy(
    steps=(
        StepDefinition("a", compensation="undo a", timeout=timedelta(minutes=1)),
        StepDefinition("b", compensable=False, waits_for="person", max_wait=timedelta(days=3)),
        StepDefinition("c", optional=True, pivot=True),
    )
)
MAIN_AND_OTHER = SagaPolicy(steps=(StepDefinition("a", compensation="undo a"), StepDefinition("b", alternative_of="a")))
POLICIES = (PLAIN, DECLARED, MAIN_AND_OTHER, replace(DECLARED, parallel=True))


def every_row(updated_at: datetime, states: frozenset[SagaState] | set[SagaState]) -> Iterator[Saga]:
    """Yield a saga for every state and every combination of three steps, one of them with an undo."""
    for state, words in product(sorted(states), product(S, repeat=3)):
        steps = tuple(
            Step(name=name, index=place, status=word, compensation="undo a" if name == "a" else None)
            for place, (name, word) in enumerate(zip("abc", words, strict=True))
        )
        yield saga(state, steps, updated_at=updated_at)
    for state in sorted(states):
        yield saga(state, (), updated_at=updated_at)
        yield saga(state, None, updated_at=updated_at)


@pytest.mark.parametrize("known", POLICIES)
def test_no_live_saga_stands_still_for_a_month_unseen(known: SagaPolicy) -> None:
    for row in every_row(ago(days=30), LIVE | {SagaState.UNKNOWN}):
        assert bad(findings(row, known)), row


@pytest.mark.parametrize("field", ["next_attempt_at", "deadline"])
def test_a_time_left_over_from_earlier_hides_nothing(field: str) -> None:
    for stale in (ago(days=31), ago(days=29)):
        for row in every_row(ago(days=30), LIVE):
            assert bad(findings(msgspec.structs.replace(row, **{field: stale}), DECLARED)), row


def test_every_live_saga_without_steps_or_declarations_is_seen_within_a_week() -> None:
    for state in LIVE:
        assert bad(findings(saga(state, None, updated_at=ago(days=8)), PLAIN)), state


FORWARD_COURSES = [
    *product((S.COMPLETED, S.SKIPPED), (S.EXECUTING, S.PENDING), (S.PENDING,)),
    (S.PENDING, S.PENDING, S.PENDING),
    (S.EXECUTING, S.PENDING, S.PENDING),
    (S.COMPLETED, S.COMPLETED, S.EXECUTING),
    (S.COMPLETED, S.COMPLETED, S.COMPLETED),
    (S.COMPLETED, S.COMPLETED, S.FAILED),
    (S.COMPLETED, S.FAILED, S.PENDING),
    (S.FAILED, S.PENDING, S.PENDING),
]
WAY_BACK = [
    (S.COMPLETED, S.FAILED, S.PENDING),
    (S.COMPENSATING, S.FAILED, S.PENDING),
    (S.COMPENSATED, S.FAILED, S.PENDING),
    (S.COMPENSATING, S.COMPLETED, S.FAILED),
    (S.COMPENSATED, S.COMPLETED, S.FAILED),
    (S.COMPENSATING, S.COMPENSATING, S.FAILED),
    (S.COMPENSATED, S.COMPENSATING, S.FAILED),
    (S.FAILED, S.PENDING, S.PENDING),
]


@pytest.mark.parametrize("known", POLICIES[:3])
@pytest.mark.parametrize("seconds", [0, 1, 40, 300, 550])
def test_a_saga_that_just_moved_is_well(known: SagaPolicy, seconds: int) -> None:
    """Between two transactions, just failed, just being undone, just undone: nobody is woken for these."""
    quick = seconds < 60  # the timeout declared for step a
    rows = [(SagaState.PENDING, words) for words in FORWARD_COURSES if quick or S.EXECUTING not in words]
    rows += [(SagaState.STARTED, words) for words in FORWARD_COURSES if quick or S.EXECUTING not in words]
    rows += [(SagaState.COMPENSATING, words) for words in WAY_BACK if known is not DECLARED or words[2] is S.PENDING]
    for state, words in rows:
        steps = tuple(step(name, word) for name, word in zip("abc", words, strict=True))
        row = saga(state, steps, updated_at=ago(seconds=seconds))
        assert not bad(findings(row, known)), row


ENDED_WELL = [
    (SagaState.COMPLETED, (S.COMPLETED, S.COMPLETED, S.COMPLETED)),
    (SagaState.COMPLETED, (S.COMPLETED, S.SKIPPED, S.COMPLETED)),
    (SagaState.COMPENSATED, (S.COMPENSATED, S.FAILED, S.PENDING)),
    (SagaState.COMPENSATED, (S.FAILED, S.PENDING, S.PENDING)),
    (SagaState.COMPENSATED, (S.COMPENSATED, S.COMPLETED, S.FAILED)),
    (SagaState.CANCELLED, (S.COMPENSATED, S.PENDING, S.PENDING)),
]


@pytest.mark.parametrize(("state", "words"), ENDED_WELL)
@pytest.mark.parametrize("known", POLICIES)
def test_a_saga_that_ended_as_it_should_is_well_at_any_age(
    state: SagaState, words: tuple[StepStatus, ...], known: SagaPolicy
) -> None:
    steps = tuple(
        step(name, word, compensation="undo" if name == "a" else None) for name, word in zip("abc", words, strict=True)
    )
    for age in (0, 60, 10**6):
        row = saga(state, steps, updated_at=ago(seconds=age), error="card declined")
        assert not bad(findings(row, known)), row


RESTING = [
    {"next_attempt_at": ahead(hours=3), "attempts": 3, "error": "connection refused"},
    {"next_attempt_at": ago(minutes=4), "attempts": 3, "error": "connection refused"},
]


@pytest.mark.parametrize("fields", RESTING)
@pytest.mark.parametrize(
    ("state", "words"),
    [
        (SagaState.BACKING_OFF, (S.COMPLETED, S.EXECUTING, S.PENDING)),
        (SagaState.BACKING_OFF, (S.COMPLETED, S.FAILED, S.PENDING)),
        (SagaState.BACKING_OFF, (S.COMPENSATING, S.FAILED, S.PENDING)),
        (SagaState.BACKING_OFF, (S.COMPENSATED, S.COMPENSATING, S.FAILED)),
        (SagaState.PENDING, (S.COMPLETED, S.FAILED, S.PENDING)),
        (SagaState.PENDING, (S.COMPLETED, S.PENDING, S.PENDING)),
        (SagaState.COMPENSATING, (S.COMPENSATING, S.FAILED, S.PENDING)),
        (SagaState.COMPENSATING, (S.COMPLETED, S.FAILED, S.PENDING)),
        (SagaState.COMPENSATING, (S.FAILED, S.PENDING, S.PENDING)),
    ],
)
def test_a_saga_that_backs_off_is_well_until_its_wake_up_is_missed(
    state: SagaState, words: tuple[StepStatus, ...], fields: dict[str, object]
) -> None:
    steps = tuple(step(name, word, compensation="undo") for name, word in zip("abc", words, strict=True))
    row = msgspec.structs.replace(saga(state, steps, updated_at=ago(hours=2)), **fields)

    assert not bad(findings(row, PLAIN))
    assert bad(findings(msgspec.structs.replace(row, next_attempt_at=ago(minutes=6)), PLAIN))
