"""undone-past-pivot: a saga goes back although its step of no return is done."""

from __future__ import annotations

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Owner, SagaState, StepStatus
from sagadoctor.testing.builders import CONFIRM, PAY, SHIP, ago, changed, findings, order_steps, saga, step
from tests.diagnosis.looking import advised, bad, named, override, primary, supporting

DONE, OUT, FAILED, UNDOING = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.FAILED,
    StepStatus.COMPENSATING,
)
RULE = "undone-past-pivot"
PAST = saga(SagaState.COMPENSATING, order_steps(DONE, UNDOING, DONE, DONE, FAILED))


def test_it_is_undone_although_the_parcel_has_left() -> None:
    finding = primary(findings(PAST), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, SHIP)
    assert (finding.since, finding.late_seconds) == (ago(seconds=40), None)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.DECLARED}
    assert advised(finding) == {
        (RemedyKind.CALL_HUMAN, None): Advice.ASK,
        (RemedyKind.RESEND_COMPENSATION, None): Advice.REFUSE,
    }
    assert override(finding, RemedyKind.RESEND_COMPENSATION) == "past-pivot"


def test_before_the_pivot_a_saga_may_go_back() -> None:
    for status in (StepStatus.PENDING, OUT, FAILED, StepStatus.SKIPPED):
        assert not bad(findings(saga(SagaState.COMPENSATING, order_steps(DONE, UNDOING, DONE, status))))


def test_without_a_pivot_declared_any_saga_may_go_back() -> None:
    assert findings(PAST, SagaPolicy()) == ()


def test_after_the_pivot_a_saga_may_go_forward() -> None:
    assert findings(saga(steps=order_steps(DONE, DONE, DONE, DONE, OUT))) == ()


def test_any_of_several_pivots_counts() -> None:
    known = SagaPolicy(
        steps=(
            StepDefinition("by_parcel", pivot=True),
            StepDefinition("by_courier", pivot=True, alternative_of="by_parcel"),
        )
    )
    row = saga(SagaState.COMPENSATING, (step("by_parcel", FAILED), step("by_courier", DONE), step("x", UNDOING)))

    assert primary(findings(row, known), RULE).step == "by_courier"


def test_the_undos_of_a_stuck_saga_are_not_offered_either() -> None:
    found = findings(saga(SagaState.COMPENSATING, PAST.steps, updated_at=ago(hours=1), owner=Owner("w", alive=None)))

    primary(found, RULE)
    assert override(named(found, "compensation-stuck"), RemedyKind.RESEND_COMPENSATION, PAY) == "past-pivot"


def test_a_late_success_explains_more() -> None:
    found = findings(changed(PAST, CONFIRM, result=b'{"mail": 1}'))

    primary(found, "late-success")
    assert not named(found, RULE).primary
