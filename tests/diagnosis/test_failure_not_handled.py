"""failure-not-handled: a step failed, and the saga neither compensates nor goes on."""

from __future__ import annotations

from datetime import timedelta

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Owner, SagaState, StepStatus
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
    step,
)
from tests.diagnosis.looking import advised, against, bad, facts, named, override, primary, supporting

DONE, OUT, NEXT, FAILED, TIMED_OUT = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.PENDING,
    StepStatus.FAILED,
    StepStatus.TIMED_OUT,
)
RULE = "failure-not-handled"
KILLED = changed(saga(steps=order_steps(DONE, FAILED), updated_at=ago(minutes=20)), PAY, error="card declined")


def test_the_orchestrator_died_before_its_first_undo() -> None:
    finding = primary(findings(KILLED), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.late_seconds) == (ago(minutes=20), 600)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {(RemedyKind.FAIL_STEP, PAY): Advice.ASK, (RemedyKind.RETRY_STEP, PAY): Advice.ASK}
    assert "card declined" in facts(finding)


def test_a_timed_out_step_that_nobody_followed_up() -> None:
    assert primary(findings(saga(steps=order_steps(DONE, TIMED_OUT), updated_at=ago(minutes=20))), RULE).step == PAY


def test_just_inside_the_policy_nothing_is_wrong() -> None:
    assert findings(saga(steps=order_steps(DONE, FAILED), updated_at=ago(minutes=10))) == ()


def test_a_failed_step_that_will_be_tried_again_is_handled() -> None:
    for at in (ahead(minutes=30), ago(minutes=4)):
        assert not bad(findings(changed(KILLED, PAY, next_attempt_at=at, attempts=3)))


def test_a_saga_that_says_it_rests_has_handled_its_failure() -> None:
    for state in (SagaState.PAUSED, SagaState.WAITING):
        assert not bad(findings(saga(state, KILLED.steps, updated_at=ago(minutes=20))))
    backing_off = saga(SagaState.BACKING_OFF, KILLED.steps, updated_at=ago(minutes=12))
    assert not bad(findings(backing_off))
    asked = saga(steps=KILLED.steps, updated_at=ago(minutes=20), waiting_for="the customer's new card")
    assert not bad(findings(asked))


def test_an_optional_step_may_fail() -> None:
    row = saga(steps=order_steps(DONE, DONE, DONE, DONE, FAILED), updated_at=ago(minutes=12))

    assert findings(row) == ()


def test_an_optional_failure_does_not_hide_another_one() -> None:
    row = saga(
        steps=(step(RESERVE, DONE), step(CONFIRM, FAILED), step(PAY, FAILED)),
        updated_at=ago(minutes=20),
    )

    assert primary(findings(row), RULE).step == PAY


def test_an_alternative_that_was_done_makes_up_for_a_failure() -> None:
    known = SagaPolicy(
        steps=(
            StepDefinition("by_card"),
            StepDefinition("by_invoice", alternative_of="by_card"),
            StepDefinition("by_voucher", alternative_of="by_card"),
        )
    )
    steps = (step("reserve", DONE), step("by_card", FAILED), step("by_invoice", FAILED), step("by_voucher", DONE))

    assert findings(saga(steps=(*steps, step("ship", NEXT)), updated_at=ago(minutes=12)), known) == ()
    pending = (*steps[:3], step("by_voucher", NEXT))
    assert bad(findings(saga(steps=pending, updated_at=ago(minutes=12)), known)) == {RULE}


def test_a_saga_that_goes_on_elsewhere_is_not_left_alone() -> None:
    row = saga(steps=order_steps(DONE, FAILED, NEXT, OUT), updated_at=ago(minutes=12))

    assert findings(row) == ()


def test_in_a_parallel_saga_any_other_step_may_be_what_stands() -> None:
    row = saga(steps=order_steps(FAILED, DONE), updated_at=ago(minutes=20))

    assert RULE in bad(findings(row, order_policy(parallel=True)))
    assert RULE not in bad(findings(row))


def test_a_first_step_that_failed_is_left_to_the_general_rule() -> None:
    assert bad(findings(saga(steps=order_steps(FAILED), updated_at=ago(minutes=20)))) == {"no-progress"}


def test_an_owner_that_is_alive_forbids_a_repair() -> None:
    row = saga(steps=KILLED.steps, updated_at=ago(minutes=20), owner=Owner("w", alive=True))

    finding = primary(findings(row), RULE)

    assert override(finding, RemedyKind.FAIL_STEP, PAY) == "owner-alive"
    assert set(advised(finding).values()) == {Advice.REFUSE}


def test_a_step_that_was_done_after_all_explains_more_and_is_not_tried_again() -> None:
    found = findings(changed(KILLED, PAY, result=b'{"payment_id": 7}'))

    assert primary(found, "late-success").step == PAY
    assert override(named(found, RULE), RemedyKind.RETRY_STEP, PAY) == "late-success"


def test_a_longer_policy_is_respected() -> None:
    assert (
        findings(saga(steps=KILLED.steps, updated_at=ago(minutes=14)), order_policy(compensation=timedelta(minutes=14)))
        == ()
    )


def test_past_the_step_of_no_return_forward_comes_first_and_nothing_else_is_offered() -> None:
    known = SagaPolicy(steps=(StepDefinition("pay", compensation="refund"), StepDefinition("ship", pivot=True)))
    row = saga(steps=(step("pay", DONE), step("ship", DONE), step("label", FAILED)), updated_at=ago(minutes=20))

    finding = primary(findings(row, known), RULE)

    assert [(remedy.kind, remedy.advice) for remedy in finding.remedies] == [
        (RemedyKind.RETRY_STEP, Advice.ASK),
        (RemedyKind.FAIL_STEP, Advice.REFUSE),
    ]
    assert override(finding, RemedyKind.FAIL_STEP, "label") == "past-pivot"
    assert "only goes forward" in finding.remedies[0].because
    failed_pivot = saga(steps=(step("pay", DONE), step("ship", FAILED)), updated_at=ago(minutes=20))
    assert primary(findings(failed_pivot, known), RULE).remedies[0].kind is RemedyKind.FAIL_STEP


def test_a_step_that_was_done_after_the_failure_speaks_against_it() -> None:
    row = saga(steps=order_steps(DONE, FAILED, DONE), updated_at=ago(minutes=20))

    finding = primary(findings(row), RULE)

    assert [fact.fact for fact in against(finding)] == ["step manager_approval, which comes after it, is completed"]
    assert override(finding, RemedyKind.FAIL_STEP, PAY) == "evidence-against"
