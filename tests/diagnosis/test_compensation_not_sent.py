"""compensation-not-sent: an undo is owed, none is out."""

from __future__ import annotations

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Owner, SagaState, StepStatus
from sagadoctor.testing.builders import APPROVE, PAY, RESERVE, ago, ahead, changed, findings, order_steps, saga, step
from tests.diagnosis.looking import advised, against, bad, named, override, primary, supporting

DONE, FAILED, UNDOING, UNDONE = (
    StepStatus.COMPLETED,
    StepStatus.FAILED,
    StepStatus.COMPENSATING,
    StepStatus.COMPENSATED,
)
RULE = "compensation-not-sent"
RESEND = RemedyKind.RESEND_COMPENSATION
OWED = saga(SagaState.COMPENSATING, order_steps(DONE, DONE, FAILED), updated_at=ago(minutes=30))


def test_undos_that_were_never_sent() -> None:
    finding = primary(findings(OWED), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.late_seconds) == (ago(minutes=30), 1200)
    assert not finding.half_compensated
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {(RESEND, PAY): Advice.ASK, (RESEND, RESERVE): Advice.ASK}


def test_half_of_it_is_undone() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(DONE, UNDONE, FAILED), updated_at=ago(minutes=30))

    finding = primary(findings(row), RULE)

    assert finding.half_compensated
    assert advised(finding) == {(RESEND, RESERVE): Advice.ASK}


def test_just_inside_the_policy_nothing_is_wrong() -> None:
    assert findings(saga(SagaState.COMPENSATING, OWED.steps, updated_at=ago(minutes=10))) == ()


def test_an_undo_that_is_out_comes_first() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(DONE, UNDOING, FAILED), updated_at=ago(minutes=9))

    assert findings(row) == ()
    later = saga(SagaState.COMPENSATING, row.steps, updated_at=ago(minutes=30))
    assert bad(findings(later)) == {"compensation-stuck"}


def test_a_step_without_an_undo_owes_none() -> None:
    row = saga(SagaState.COMPENSATING, (step(APPROVE, DONE), step(PAY, FAILED)), updated_at=ago(minutes=12))

    assert findings(row) == ()


def test_an_engine_that_comes_back_by_itself_is_waited_for() -> None:
    row = saga(SagaState.COMPENSATING, OWED.steps, updated_at=ago(minutes=30), next_attempt_at=ahead(minutes=1))

    assert not bad(findings(row))


def test_an_owner_that_is_alive_forbids_the_undo() -> None:
    row = saga(SagaState.COMPENSATING, OWED.steps, updated_at=ago(minutes=30), owner=Owner("w", alive=True))

    finding = primary(findings(row), RULE)

    assert set(advised(finding).values()) == {Advice.REFUSE}
    assert override(finding, RESEND, PAY) == "owner-alive"


def test_a_failed_undo_takes_its_place() -> None:
    row = saga(
        SagaState.COMPENSATING, order_steps(DONE, StepStatus.COMPENSATION_FAILED, FAILED), updated_at=ago(minutes=30)
    )

    found = findings(row)

    assert primary(found, "compensation-failed").step == PAY
    assert bad(found) == {"compensation-failed"}


def test_a_late_success_explains_more() -> None:
    row = changed(OWED, APPROVE, result=b'{"approved_by": "m.rossi"}')

    found = findings(row)

    assert primary(found, "late-success").step == APPROVE
    assert named(found, RULE).step == PAY


def test_a_step_that_shows_when_it_was_undone_holds_up_a_second_undo() -> None:
    finding = primary(findings(changed(OWED, PAY, compensated_at=ago(minutes=25))), RULE)

    assert [fact.fact for fact in against(finding)] == [f"step {PAY} is completed, but shows a time of its undo"]
    assert override(finding, RESEND, PAY) == "evidence-against"


def test_the_step_of_no_return_and_what_comes_after_it_owe_no_undo() -> None:
    known = SagaPolicy(
        steps=(
            StepDefinition("pay", compensation="refund"),
            StepDefinition("ship", compensation="recall", pivot=True),
            StepDefinition("label", compensation="tear it up"),
        )
    )
    row = saga(SagaState.COMPENSATING, (step("pay", UNDONE), step("ship", DONE), step("label", DONE)))

    later = findings(row, known, now=ahead(hours=1))

    assert primary(later, "undone-past-pivot").step == "ship"
    assert RULE not in bad(later)
