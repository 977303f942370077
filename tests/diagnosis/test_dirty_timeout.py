"""dirty-timeout: a step was given up because of time, and nobody undid what it may have done."""

from __future__ import annotations

import pytest

from sagadoctor.model.case import Relation
from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import SagaState, StepStatus
from sagadoctor.testing.builders import APPROVE, PAY, ago, changed, findings, linked, order_steps, saga
from tests.diagnosis.looking import advised, bad, named, override, primary, supporting

DONE, FAILED, TIMED_OUT, UNDOING, UNDONE = (
    StepStatus.COMPLETED,
    StepStatus.FAILED,
    StepStatus.TIMED_OUT,
    StepStatus.COMPENSATING,
    StepStatus.COMPENSATED,
)
RULE = "dirty-timeout"
RESEND = RemedyKind.RESEND_COMPENSATION
DIRTY = changed(
    saga(SagaState.COMPENSATED, order_steps(UNDONE, TIMED_OUT), updated_at=ago(hours=2)),
    PAY,
    timeout_at=ago(hours=3),
    error="step timed out",
)


@pytest.mark.parametrize(
    "state", [SagaState.COMPENSATING, SagaState.COMPENSATED, SagaState.FAILED, SagaState.CANCELLED]
)
def test_the_participant_may_have_done_the_work(state: SagaState) -> None:
    row = saga(state, DIRTY.steps, updated_at=ago(minutes=4))

    finding = named(findings(row), RULE)

    assert (finding.severity, finding.step) == (Severity.WARNING, PAY)
    assert (finding.since, finding.late_seconds) == (ago(minutes=4), None)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, PAY): Advice.ASK, (RESEND, PAY): Advice.REFUSE}
    assert override(finding, RESEND, PAY) == "unknown-outcome"


def test_it_is_primary_where_nothing_else_is_wrong() -> None:
    assert primary(findings(DIRTY), RULE).step == PAY
    assert bad(findings(DIRTY)) == {RULE}


def test_a_failure_that_speaks_of_time_is_a_timeout() -> None:
    row = saga(SagaState.COMPENSATED, order_steps(UNDONE, FAILED), updated_at=ago(hours=2))

    assert bad(findings(changed(row, PAY, error="ReadTimeoutError: pool is empty"))) == {RULE}
    assert not bad(findings(changed(row, PAY, error="card declined")))


def test_a_timeout_that_was_undone_is_clean() -> None:
    assert not bad(findings(changed(DIRTY, PAY, compensated_at=ago(hours=1))))
    assert not bad(findings(saga(SagaState.COMPENSATED, order_steps(UNDONE, UNDONE))))


def test_a_step_without_an_undo_leaves_nothing_to_ask() -> None:
    row = saga(SagaState.COMPENSATED, order_steps(UNDONE, UNDONE, TIMED_OUT))

    assert (row.steps or ())[2].name == APPROVE
    assert not bad(findings(row))


def test_a_saga_that_still_runs_forward_may_try_again() -> None:
    assert not bad(findings(saga(SagaState.PENDING, order_steps(DONE, TIMED_OUT))))


def test_another_saga_that_completed_repaired_it() -> None:
    repair = saga(SagaState.COMPLETED, None, saga_id="s-2")

    assert not bad(findings(DIRTY, linked=(linked(Relation.REPAIRED_BY, repair),)))


def test_what_is_known_to_have_been_done_is_no_doubt() -> None:
    found = findings(changed(DIRTY, PAY, result=b'{"payment_id": 7}'))

    assert bad(found) == {"late-success"}


def test_a_missing_undo_explains_more() -> None:
    found = findings(saga(SagaState.COMPENSATED, order_steps(DONE, TIMED_OUT), updated_at=ago(hours=2)))

    primary(found, "half-compensated")
    assert named(found, RULE).step == PAY
