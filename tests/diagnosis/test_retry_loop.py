"""retry-loop: tried again and again without getting on."""

from __future__ import annotations

import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.testing.builders import (
    CONFIRM,
    PAY,
    RESERVE,
    ago,
    ahead,
    changed,
    findings,
    order_policy,
    order_steps,
    saga,
)
from tests.diagnosis.looking import advised, bad, facts, named, primary, supporting

DONE, OUT, FAILED, UNDOING = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.FAILED,
    StepStatus.COMPENSATING,
)
RULE = "retry-loop"
LOOPING = changed(saga(updated_at=ago(seconds=2)), PAY, attempts=14, error="connection refused 10.0.0.7:5432")


def test_it_is_tried_again_and_again_however_fresh_the_row_is() -> None:
    finding = primary(findings(LOOPING), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.late_seconds) == (ago(seconds=2), None)
    assert "14" in finding.summary
    assert "connection refused <ip>" in finding.group_title
    assert supporting(finding) == {EvidenceKind.STATUS}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, PAY): Advice.ASK}


@pytest.mark.parametrize(
    "row",
    [
        saga(attempts=10),
        changed(saga(SagaState.COMPENSATING, order_steps(UNDOING, FAILED)), RESERVE, attempts=10),
        changed(saga(steps=order_steps(DONE, FAILED)), PAY, attempts=10),
        changed(saga(steps=order_steps(DONE, StepStatus.TIMED_OUT)), PAY, attempts=10),
        saga(SagaState.BACKING_OFF, attempts=10, next_attempt_at=ahead(hours=3)),
        saga(SagaState.COMPENSATING, None, attempts=10),
    ],
)
def test_wherever_the_attempts_are_told(row: Saga) -> None:
    assert bad(findings(row)) == {RULE}


def test_just_below_the_policy_nothing_is_wrong() -> None:
    assert not bad(findings(changed(LOOPING, PAY, attempts=9)))
    assert not bad(findings(LOOPING, order_policy(attempts=15)))


def test_what_failed_before_the_saga_turned_back_is_over() -> None:
    row = changed(saga(SagaState.COMPENSATING, order_steps(UNDOING, FAILED)), PAY, attempts=12, error="declined")

    assert not bad(findings(row))


def test_an_optional_step_that_was_given_up_is_over() -> None:
    row = changed(saga(steps=order_steps(DONE, DONE, DONE, DONE, FAILED)), CONFIRM, attempts=12, error="no mail today")

    assert not bad(findings(row))


def test_a_step_that_was_given_up_while_another_is_out_is_over() -> None:
    row = changed(saga(steps=order_steps(FAILED, OUT)), RESERVE, attempts=12, error="sold out")

    assert RULE not in bad(findings(row, SagaPolicy()))


def test_a_step_that_is_done_may_have_taken_many_attempts() -> None:
    assert findings(changed(saga(), RESERVE, attempts=40)) == ()


def test_asking_whether_a_person_has_answered_is_no_failing_retry() -> None:
    row = saga(SagaState.WAITING, order_steps(DONE, DONE, OUT), attempts=200)

    assert not bad(findings(row))
    assert bad(findings(saga(SagaState.WAITING, row.steps, attempts=200, error="refused"))) == {RULE}


def test_ended_sagas_try_no_more() -> None:
    assert not bad(findings(saga(SagaState.COMPENSATED, order_steps(FAILED), attempts=40)))


def test_the_next_attempt_is_told() -> None:
    finding = primary(findings(changed(LOOPING, PAY, next_attempt_at=ahead(hours=6))), RULE)

    assert "next attempt is due in 6h" in facts(finding)
    assert "backing-off" not in {
        other.rule for other in findings(changed(LOOPING, PAY, next_attempt_at=ahead(hours=6)))
    }


def test_nobody_is_told_to_try_once_more_because_of_it() -> None:
    known = SagaPolicy(steps=(StepDefinition(PAY, idempotent="header"),))

    assert {kind for kind, _ in advised(primary(findings(LOOPING, known), RULE))} == {RemedyKind.CALL_HUMAN}


def test_a_failed_undo_explains_more() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(StepStatus.COMPENSATION_FAILED, FAILED), attempts=14)

    found = findings(row)

    primary(found, "compensation-failed")
    assert not named(found, RULE).primary
