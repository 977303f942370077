"""What is remembered of a saga that is tried again: the mark stays while the same thing fails for the same reason."""

from __future__ import annotations

from typing import Any

import pytest

from sagadoctor.diagnosis.trial import trial
from sagadoctor.model.observation import Trial
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.testing.builders import (
    CONFIRM,
    NOW,
    PAY,
    RESERVE,
    ago,
    ahead,
    changed,
    order_policy,
    order_steps,
    saga,
)

DONE, OUT, NEXT, FAILED, UNDOING = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.PENDING,
    StepStatus.FAILED,
    StepStatus.COMPENSATING,
)
REFUSED = "connection refused 10.0.0.7:5432"
FAILING = changed(saga(), PAY, attempts=3, error=REFUSED)


def asked(row: Saga) -> Trial:
    """Return what is remembered of the row, which must be something."""
    found = trial(row, order_policy(), NOW)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "row",
    [
        FAILING,
        changed(saga(error=REFUSED), PAY, attempts=3),
        saga(attempts=3, error=REFUSED),
        saga(steps=None, attempts=3, error=REFUSED),
        saga(SagaState.BACKING_OFF, steps=order_steps(DONE, FAILED), attempts=3, error=REFUSED),
        changed(saga(steps=order_steps(DONE, FAILED)), PAY, attempts=3, error=REFUSED),
        changed(saga(steps=order_steps(DONE, NEXT)), PAY, attempts=3, error=REFUSED),
        changed(saga(SagaState.COMPENSATING, order_steps(UNDOING, FAILED)), RESERVE, attempts=3, error=REFUSED),
    ],
)
def test_what_was_tried_and_fails_is_remembered_with_its_count(row: Saga) -> None:
    found = asked(row)

    assert (found.saga_id, found.count) == ("s-1", 3)
    assert "refused" not in found.mark


@pytest.mark.parametrize(
    "row",
    [
        saga(),
        saga(error=REFUSED),
        saga(attempts=3),
        saga(attempts=3, error=""),
        saga(attempts=3, error=" \n"),
        saga(attempts=0, error=REFUSED),
        saga(attempts=-1, error=REFUSED),
        saga(attempts=2**63, error=REFUSED),
        changed(saga(), RESERVE, attempts=3, error=REFUSED),
        changed(saga(steps=order_steps(DONE, OUT)), CONFIRM, attempts=3, error=REFUSED),
        saga(SagaState.COMPENSATED, order_steps(FAILED), attempts=3, error=REFUSED),
        saga(SagaState.FAILED, order_steps(FAILED), attempts=3, error=REFUSED),
        changed(saga(SagaState.COMPENSATING, order_steps(UNDOING, FAILED)), PAY, attempts=3, error="declined"),
    ],
)
def test_what_was_not_tried_or_does_not_fail_costs_nothing(row: Saga) -> None:
    assert trial(row, order_policy(), NOW) is None


SAME: tuple[dict[str, Any], ...] = (
    {"attempts": 4},
    {"error": "connection refused 10.0.0.8:5432"},
    {"status": FAILED},
    {"status": NEXT},
    {"next_attempt_at": ahead(minutes=1)},
    {"started_at": ago(seconds=1)},
)


@pytest.mark.parametrize("fields", SAME)
def test_the_mark_stays_from_attempt_to_attempt(fields: dict[str, Any]) -> None:
    assert asked(changed(FAILING, PAY, **fields)).mark == asked(FAILING).mark


def test_the_mark_changes_with_the_error() -> None:
    assert asked(changed(FAILING, PAY, error="no such account")).mark != asked(FAILING).mark


def test_the_mark_changes_with_progress() -> None:
    done = changed(FAILING, RESERVE, executed_at=ago(minutes=1))
    undone = saga(SagaState.COMPENSATING, FAILING.steps, error=REFUSED, attempts=3)

    assert asked(done).mark != asked(FAILING).mark
    assert trial(undone, order_policy(), NOW) not in (None, asked(FAILING))


def test_the_mark_changes_with_the_step_that_is_out() -> None:
    one, other = (saga(steps=order_steps(DONE, *out), attempts=3, error=REFUSED) for out in ((OUT, NEXT), (NEXT, OUT)))

    assert asked(one).mark != asked(other).mark
