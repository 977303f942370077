"""late-success: a step was given up, but its work was done after all."""

from __future__ import annotations

import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import SagaState, StepStatus
from sagadoctor.testing.builders import APPROVE, PAY, RESERVE, ago, changed, findings, order_steps, saga
from tests.diagnosis.looking import advised, against, bad, named, override, primary, supporting

DONE, FAILED, TIMED_OUT, UNDOING, UNDONE = (
    StepStatus.COMPLETED,
    StepStatus.FAILED,
    StepStatus.TIMED_OUT,
    StepStatus.COMPENSATING,
    StepStatus.COMPENSATED,
)
RULE = "late-success"
RESEND = RemedyKind.RESEND_COMPENSATION
PAID = b'{"payment_id": 7}'
GIVEN_UP = saga(SagaState.COMPENSATED, order_steps(UNDONE, TIMED_OUT), updated_at=ago(hours=2))


@pytest.mark.parametrize("status", [FAILED, TIMED_OUT])
def test_a_step_that_was_given_up_carries_a_result(status: StepStatus) -> None:
    row = changed(saga(SagaState.COMPENSATED, order_steps(UNDONE, status), updated_at=ago(hours=2)), PAY, result=PAID)

    finding = primary(findings(row), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.late_seconds) == (ago(hours=2), None)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {
        (RemedyKind.CALL_HUMAN, PAY): Advice.ASK,
        (RESEND, PAY): Advice.ASK,
        (RemedyKind.RETRY_STEP, PAY): Advice.REFUSE,
    }
    assert override(finding, RemedyKind.RETRY_STEP, PAY) == "late-success"


@pytest.mark.parametrize("state", [SagaState.PENDING, SagaState.STARTED, SagaState.BACKING_OFF, SagaState.COMPLETED])
def test_of_a_saga_that_goes_forward_no_undo_is_offered(state: SagaState) -> None:
    row = changed(saga(state, order_steps(DONE, FAILED, DONE), updated_at=ago(hours=2)), PAY, result=PAID)

    assert advised(named(findings(row), RULE)) == {
        (RemedyKind.CALL_HUMAN, PAY): Advice.ASK,
        (RemedyKind.RETRY_STEP, PAY): Advice.REFUSE,
    }


def test_of_a_paused_saga_the_undo_is_offered_once_one_has_begun() -> None:
    row = changed(saga(SagaState.PAUSED, order_steps(UNDONE, FAILED), updated_at=ago(hours=2)), PAY, result=PAID)

    assert (RESEND, PAY) in advised(named(findings(row), RULE))


def test_it_was_executed_after_its_deadline() -> None:
    row = changed(GIVEN_UP, PAY, timeout_at=ago(hours=3), executed_at=ago(hours=2))

    assert primary(findings(row), RULE).step == PAY


def test_a_step_that_has_no_undo_can_only_be_looked_at() -> None:
    row = changed(
        saga(SagaState.COMPENSATED, order_steps(UNDONE, UNDONE, FAILED), updated_at=ago(hours=2)), APPROVE, result=PAID
    )

    finding = primary(findings(row), RULE)

    assert set(advised(finding)) == {(RemedyKind.CALL_HUMAN, APPROVE), (RemedyKind.RETRY_STEP, APPROVE)}


def test_executed_within_its_time_says_nothing() -> None:
    row = changed(GIVEN_UP, PAY, timeout_at=ago(hours=3), executed_at=ago(hours=3))

    assert bad(findings(row)) == {"dirty-timeout"}


@pytest.mark.parametrize("result", [b"{}", b"[]", b'""', b"null", b"", b" {} "])
def test_an_empty_result_is_none(result: bytes) -> None:
    row = saga(SagaState.COMPENSATED, order_steps(UNDONE, FAILED), updated_at=ago(hours=2), error="card declined")

    assert not bad(findings(changed(row, PAY, result=result, error="card declined")))


def test_a_step_that_is_done_may_have_a_result() -> None:
    row = changed(saga(SagaState.COMPENSATED, order_steps(UNDONE, UNDONE)), PAY, result=PAID)

    assert not bad(findings(row))


def test_an_error_beside_a_late_execution_weakens_it() -> None:
    row = changed(GIVEN_UP, PAY, timeout_at=ago(hours=3), executed_at=ago(hours=2), error="gateway said no")

    finding = primary(findings(row), RULE)

    assert [fact.kind for fact in against(finding)] == [EvidenceKind.STATUS]
    assert advised(finding)[RESEND, PAY] is Advice.REFUSE
    assert override(finding, RESEND, PAY) == "evidence-against"


def test_a_saga_that_moved_just_now_is_looked_at_again_first() -> None:
    row = changed(
        saga(SagaState.COMPENSATING, order_steps(UNDOING, FAILED), updated_at=ago(seconds=3)), PAY, result=PAID
    )

    finding = primary(findings(row), RULE)

    assert advised(finding)[RESEND, PAY] is Advice.WAIT
    assert override(finding, RESEND, PAY) == "moving"


def test_without_any_time_the_undo_would_rest_on_a_status_alone() -> None:
    row = changed(saga(SagaState.COMPENSATED, order_steps(UNDONE, FAILED), updated_at=None), PAY, result=PAID)

    assert override(primary(findings(row), RULE), RESEND, PAY) == "one-fact"


def test_a_saga_that_runs_forward_again_explains_more() -> None:
    row = changed(
        saga(SagaState.PENDING, order_steps(UNDOING, FAILED, DONE), updated_at=ago(minutes=2)), PAY, result=PAID
    )

    found = findings(row)

    assert primary(found, "forward-while-compensating").step == RESERVE
    assert not named(found, RULE).primary


def test_it_takes_the_place_of_a_doubtful_timeout() -> None:
    found = findings(changed(GIVEN_UP, PAY, result=PAID))

    assert "dirty-timeout" not in bad(found)
    assert advised(primary(found, RULE))[RESEND, PAY] is Advice.ASK
