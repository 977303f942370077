"""forward-while-compensating: a zombie that runs forward while it is being undone."""

from __future__ import annotations

import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.testing.builders import PAY, RESERVE, ago, changed, findings, order_steps, saga, step
from tests.diagnosis.looking import advised, bad, named, override, primary, supporting

DONE, OUT, NEXT, FAILED, UNDOING, UNDONE = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.PENDING,
    StepStatus.FAILED,
    StepStatus.COMPENSATING,
    StepStatus.COMPENSATED,
)
RULE = "forward-while-compensating"
ZOMBIE = saga(steps=order_steps(UNDOING, DONE, OUT))


def test_a_late_success_revived_it() -> None:
    finding = primary(findings(ZOMBIE), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, RESERVE)
    assert (finding.since, finding.late_seconds) == (ago(seconds=40), None)
    assert supporting(finding) == {EvidenceKind.STATUS}
    assert advised(finding) == {
        (RemedyKind.CALL_HUMAN, None): Advice.ASK,
        (RemedyKind.RETRY_STEP, None): Advice.REFUSE,
    }
    assert override(finding, RemedyKind.RETRY_STEP) == "zombie"


def test_it_completed_on_top_of_what_was_undone() -> None:
    row = changed(
        saga(SagaState.COMPLETED, order_steps(UNDONE, DONE, DONE, DONE, DONE)), RESERVE, compensated_at=ago(hours=1)
    )

    finding = primary(findings(row), RULE)

    assert "has completed" in finding.summary
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}


@pytest.mark.parametrize(
    "row",
    [
        saga(SagaState.COMPENSATING, order_steps(UNDOING, FAILED)),
        saga(SagaState.COMPENSATED, order_steps(UNDONE, FAILED)),
        saga(SagaState.BACKING_OFF, order_steps(UNDOING, FAILED)),
        saga(SagaState.PAUSED, order_steps(UNDONE, UNDOING, FAILED)),
        saga(SagaState.WAITING, order_steps(UNDONE, FAILED)),
        saga(SagaState.CANCELLED, order_steps(UNDONE, NEXT)),
    ],
)
def test_a_saga_on_its_way_back_is_no_zombie(row: Saga) -> None:
    assert not bad(findings(row))


def test_a_resting_saga_with_a_step_out_runs_forward() -> None:
    assert RULE in bad(findings(saga(SagaState.BACKING_OFF, order_steps(UNDOING, DONE, OUT))))


def test_an_alternative_path_undoes_the_first_one_on_purpose() -> None:
    known = SagaPolicy(
        steps=(
            StepDefinition("by_card"),
            StepDefinition("by_invoice", alternative_of="by_card"),
            StepDefinition("by_voucher", alternative_of="by_card"),
        )
    )
    row = saga(steps=(step("reserve", DONE), step("by_card", UNDONE), step("by_invoice", OUT)))
    third = saga(steps=(step("reserve", DONE), step("by_invoice", UNDONE), step("by_voucher", OUT)))

    assert findings(row, known) == ()
    assert findings(third, known) == ()
    assert bad(findings(row, SagaPolicy())) == {RULE}


def test_an_optional_step_may_be_undone_while_the_saga_goes_on() -> None:
    known = SagaPolicy(steps=(StepDefinition("gift_wrap", compensation="unwrap", optional=True),))
    row = saga(steps=(step("gift_wrap", UNDONE), step("ship", OUT)))

    assert findings(row, known) == ()


def test_a_late_step_of_a_zombie_is_not_sent_again() -> None:
    row = changed(saga(steps=order_steps(UNDOING, OUT), updated_at=ago(hours=1)), PAY, timeout_at=ago(minutes=50))

    found = findings(row)

    primary(found, RULE)
    late = named(found, "step-timed-out")
    assert override(late, RemedyKind.RETRY_STEP, PAY) == "zombie"


def test_a_clock_ahead_explains_more() -> None:
    row = changed(ZOMBIE, PAY, executed_at=ago(hours=-1))

    found = findings(row)

    primary(found, "clock-skew")
    assert {kind for kind, _ in advised(named(found, RULE))} == {RemedyKind.CALL_HUMAN}
