"""When a healthy saga would be flagged, and by which rule."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sagadoctor.diagnosis.prognosis import prognosis
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import OutboxEntry, Owner, Saga, SagaState, StepStatus
from sagadoctor.testing.builders import (
    NOW,
    PAY,
    ago,
    ahead,
    case,
    changed,
    findings,
    order_policy,
    order_steps,
    saga,
    tries,
)
from tests.diagnosis.looking import bad

DONE, OUT, FAILED, UNDOING = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.FAILED,
    StepStatus.COMPENSATING,
)


@pytest.mark.parametrize(
    ("row", "at", "rule"),
    [
        (saga(updated_at=ago(seconds=20)), ahead(seconds=40), "step-timed-out"),
        (changed(saga(), PAY, timeout_at=ahead(hours=2)), ahead(hours=2), "step-timed-out"),
        (saga(steps=None, updated_at=ago(minutes=5)), ahead(minutes=10), "no-progress"),
        (saga(steps=None, updated_at=ago(minutes=5), deadline=ahead(days=1)), ahead(days=1), "no-progress"),
        (saga(steps=order_steps(DONE), updated_at=ago(days=2), deadline=ahead(hours=3)), ahead(hours=3), "no-progress"),
        (saga(SagaState.WAITING, None, deadline=ahead(hours=3)), ahead(hours=3), "no-progress"),
        (
            saga(SagaState.STARTED, (), created_at=ago(seconds=20), updated_at=ago(seconds=3)),
            ahead(seconds=40),
            "unreadable",
        ),
        (saga(steps=order_steps(DONE, DONE, OUT), updated_at=ago(days=1)), ahead(days=2), "no-progress"),
        (
            saga(SagaState.COMPENSATING, order_steps(UNDOING), updated_at=ago(minutes=4)),
            ahead(minutes=6),
            "compensation-stuck",
        ),
        (saga(steps=order_steps(DONE, FAILED), updated_at=ago(minutes=4)), ahead(minutes=6), "failure-not-handled"),
        (
            saga(steps=None, updated_at=ago(hours=1), next_attempt_at=ahead(hours=1), error="x"),
            ahead(minutes=65),
            "wake-up-missed",
        ),
        (saga(steps=None, owner=Owner("w", alive=False, lease_until=ahead(minutes=1))), ahead(minutes=2), "owner-gone"),
        (
            saga(steps=None, outbox=(OutboxEntry("m", "outbox", sent=False, created_at=ago(seconds=9)),)),
            ahead(seconds=51),
            "outbox-unpublished",
        ),
    ],
)
def test_the_first_moment_at_which_it_would_be_late(row: Saga, at: datetime, rule: str) -> None:
    known = case(row)
    assert not bad(findings(row))

    told = prognosis(known, order_policy(), NOW)

    assert told.late_at == at
    assert told.finding is not None
    assert told.finding.rule == rule


def test_what_has_ended_well_will_never_be_late() -> None:
    row = saga(SagaState.COMPLETED, order_steps(DONE, DONE, DONE, DONE, DONE))

    assert prognosis(case(row), order_policy(), NOW).late_at is None


def test_a_limit_beyond_the_calendar_is_never_reached() -> None:
    endless = SagaPolicy(order_policy(no_progress=timedelta.max, max_wait=timedelta.max).thresholds)

    assert prognosis(case(saga(steps=None), endless), endless, NOW).late_at is None


def test_a_back_off_would_be_a_loop_once_its_error_has_lasted_too_long() -> None:
    row = changed(saga(updated_at=NOW), PAY, attempts=3, error="refused", timeout_at=ahead(hours=2))
    begun = case(row, tries=tries(ago(minutes=5), 1, 3))

    told = prognosis(begun, order_policy(), NOW)

    assert told.late_at == ahead(minutes=10)
    assert told.finding is not None
    assert told.finding.rule == "retry-loop"
