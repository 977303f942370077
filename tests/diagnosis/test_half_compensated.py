"""half-compensated: the saga has ended, and an undo is missing."""

from __future__ import annotations

import pytest

from sagadoctor.model.case import Relation
from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import SagaState, StepStatus
from sagadoctor.testing.builders import (
    APPROVE,
    PAY,
    RESERVE,
    ago,
    changed,
    findings,
    linked,
    order_steps,
    saga,
    step,
)
from tests.diagnosis.looking import advised, against, bad, named, override, primary, supporting

DONE, FAILED, UNDOING, UNDONE = (
    StepStatus.COMPLETED,
    StepStatus.FAILED,
    StepStatus.COMPENSATING,
    StepStatus.COMPENSATED,
)
RULE = "half-compensated"
RESEND = RemedyKind.RESEND_COMPENSATION
HALF = saga(SagaState.COMPENSATED, order_steps(DONE, UNDONE, FAILED), updated_at=ago(hours=6), repaired_by="s-2")


@pytest.mark.parametrize("state", [SagaState.COMPENSATED, SagaState.FAILED])
def test_it_ended_and_the_reservation_still_stands(state: SagaState) -> None:
    row = saga(state, order_steps(DONE, UNDONE, FAILED), updated_at=ago(hours=6))

    finding = primary(findings(row), RULE)

    assert (finding.severity, finding.step, finding.half_compensated) == (Severity.CRITICAL, RESERVE, True)
    assert (finding.since, finding.late_seconds) == (ago(hours=6), None)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {(RESEND, RESERVE): Advice.ASK, (RemedyKind.CALL_HUMAN, RESERVE): Advice.ASK}
    assert "1 of 2 undos ran" in finding.summary


def test_an_undo_that_was_out_when_it_ended_is_missing_too() -> None:
    row = saga(SagaState.COMPENSATED, order_steps(UNDONE, UNDOING, FAILED), updated_at=ago(hours=6))

    assert primary(findings(row), RULE).step == PAY


def test_several_are_undone_the_last_one_first() -> None:
    finding = primary(
        findings(saga(SagaState.COMPENSATED, order_steps(DONE, DONE, FAILED), updated_at=ago(hours=6))), RULE
    )

    assert [remedy.step for remedy in finding.remedies] == [PAY, RESERVE, PAY]


def test_a_step_without_an_undo_owes_none() -> None:
    assert findings(saga(SagaState.COMPENSATED, order_steps(UNDONE, UNDONE, DONE, FAILED))) == ()
    bare = saga(SagaState.COMPENSATED, (step("a", DONE), step("b", FAILED)))
    assert findings(bare, SagaPolicy()) == ()


def test_what_comes_after_the_step_of_no_return_owes_none_whatever_is_named_for_it() -> None:
    known = SagaPolicy(
        steps=(
            StepDefinition("pay", compensation="refund"),
            StepDefinition("ship", compensation="recall", pivot=True),
            StepDefinition("label", compensation="tear it up"),
        )
    )
    row = saga(SagaState.COMPENSATED, (step("pay", UNDONE), step("ship", DONE), step("label", DONE)))

    assert RULE not in bad(findings(row, known))


def test_what_stood_before_the_step_of_no_return_is_not_undone_under_it() -> None:
    row = saga(SagaState.FAILED, order_steps(DONE, DONE, DONE, DONE, FAILED), updated_at=ago(hours=6))

    finding = primary(findings(row), RULE)

    assert override(finding, RESEND, PAY) == "past-pivot"


def test_a_saga_that_is_still_being_undone_has_not_ended() -> None:
    assert not bad(findings(saga(SagaState.COMPENSATING, HALF.steps)))


def test_cancelled_may_mean_that_the_work_stands() -> None:
    assert not bad(findings(saga(SagaState.CANCELLED, HALF.steps)))


def test_another_saga_that_completed_repaired_it() -> None:
    repair = saga(SagaState.COMPLETED, None, saga_id="s-2")

    assert not bad(findings(HALF, linked=(linked(Relation.REPAIRED_BY, repair),)))


@pytest.mark.parametrize("state", [SagaState.PENDING, SagaState.FAILED, SagaState.COMPENSATED, SagaState.COMPENSATING])
def test_a_repair_that_has_not_completed_holds_up_a_second_one(state: SagaState) -> None:
    repair = saga(state, None, saga_id="s-2")

    finding = primary(findings(HALF, linked=(linked(Relation.REPAIRED_BY, repair),)), RULE)

    assert [fact.kind for fact in against(finding)] == [EvidenceKind.STATUS]
    assert override(finding, RESEND, RESERVE) == "evidence-against"


def test_a_repair_that_was_not_found_holds_it_up_as_well() -> None:
    assert advised(primary(findings(HALF), RULE))[RESEND, RESERVE] is Advice.REFUSE


def test_a_row_that_ended_just_now_is_looked_at_again_first() -> None:
    row = saga(SagaState.COMPENSATED, order_steps(DONE, UNDONE, FAILED), updated_at=ago(seconds=1))

    finding = primary(findings(row), RULE)

    assert advised(finding)[RESEND, RESERVE] is Advice.WAIT
    assert override(finding, RESEND, RESERVE) == "moving"


def test_without_any_time_it_would_rest_on_status_words_alone() -> None:
    row = saga(SagaState.COMPENSATED, order_steps(DONE, UNDONE, FAILED), updated_at=None)

    assert override(primary(findings(row), RULE), RESEND, RESERVE) == "one-fact"


def test_a_late_success_explains_more() -> None:
    row = changed(saga(SagaState.COMPENSATED, HALF.steps, updated_at=ago(hours=6)), APPROVE, result=b'{"by": 7}')

    found = findings(row)

    primary(found, "late-success")
    assert named(found, RULE).step == RESERVE
