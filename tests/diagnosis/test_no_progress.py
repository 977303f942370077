"""no-progress: a live saga stands still, and no deadline of its own is known."""

from __future__ import annotations

from datetime import timedelta

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Owner, SagaState, StepStatus
from sagadoctor.testing.builders import (
    APPROVE,
    PAY,
    RESERVE,
    ago,
    ahead,
    changed,
    findings,
    observation,
    order_policy,
    order_steps,
    saga,
    step,
)
from tests.diagnosis.looking import advised, bad, facts, named, override, primary, supporting

DONE, OUT, NEXT, FAILED = StepStatus.COMPLETED, StepStatus.EXECUTING, StepStatus.PENDING, StepStatus.FAILED
RULE = "no-progress"
UNDECLARED = SagaPolicy()


def test_a_saga_that_stands_still_past_the_policy() -> None:
    finding = primary(findings(saga(updated_at=ago(minutes=45)), UNDECLARED), RULE)

    assert (finding.severity, finding.step) == (Severity.WARNING, PAY)
    assert (finding.since, finding.late_seconds) == (ago(minutes=45), 1800)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME, EvidenceKind.DECLARED}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, PAY): Advice.ASK, (RemedyKind.RETRY_STEP, PAY): Advice.ASK}


def test_a_saga_between_two_steps_has_nothing_to_send_again() -> None:
    finding = primary(findings(saga(steps=order_steps(DONE, NEXT), updated_at=ago(hours=1))), RULE)

    assert finding.step == PAY
    assert {kind for kind, _ in advised(finding)} == {RemedyKind.CALL_HUMAN}


def test_a_saga_that_did_everything_and_was_never_closed() -> None:
    row = saga(steps=order_steps(DONE, DONE, DONE, DONE, DONE), updated_at=ago(hours=1))

    assert primary(findings(row), RULE).step is None


def test_a_saga_without_steps() -> None:
    assert primary(findings(saga(steps=None, updated_at=ago(hours=1))), RULE).step is None


def test_a_store_without_times_is_judged_by_what_was_watched() -> None:
    row = saga(steps=None, updated_at=None)

    finding = primary(findings(row, observed=observation(ago(hours=2))), RULE)

    assert EvidenceKind.OBSERVATION in supporting(finding)
    assert finding.since == ago(hours=2)
    assert findings(row) == ()


def test_just_inside_the_policy_nothing_is_wrong() -> None:
    assert findings(saga(updated_at=ago(minutes=15)), UNDECLARED) == ()
    assert bad(findings(saga(updated_at=ago(minutes=15, seconds=1)), UNDECLARED)) == {RULE}


def test_it_is_the_progress_that_counts_and_never_the_age() -> None:
    old = saga(created_at=ago(days=400), updated_at=ago(minutes=1))

    assert findings(old, UNDECLARED) == ()


def test_any_step_that_moved_is_progress() -> None:
    for moved in ({"started_at": ago(minutes=1)}, {"executed_at": ago(minutes=1)}, {"compensated_at": ago(minutes=1)}):
        row = changed(saga(updated_at=ago(days=1)), RESERVE, **moved)  # type: ignore[arg-type]
        assert RULE not in bad(findings(row, UNDECLARED))


def test_a_row_whose_look_changed_moved() -> None:
    row = saga(updated_at=ago(days=1))

    assert findings(row, UNDECLARED, observed=observation(ago(minutes=1))) == ()
    assert bad(findings(row, UNDECLARED, observed=observation(ago(minutes=1), first_look=True))) == {RULE}


def test_a_known_deadline_ahead_is_waited_for() -> None:
    assert findings(changed(saga(updated_at=ago(days=2)), PAY, timeout_at=ahead(days=1)), UNDECLARED) == ()
    assert findings(saga(updated_at=ago(days=2), deadline=ahead(days=1)), UNDECLARED) == ()


def test_a_person_may_take_as_long_as_was_said() -> None:
    resting = saga(steps=order_steps(DONE, DONE, OUT), updated_at=ago(days=2, hours=23))

    assert not bad(findings(resting))
    late = primary(findings(saga(steps=resting.steps, updated_at=ago(days=3, minutes=1))), RULE)
    assert (late.step, late.late_seconds) == (APPROVE, 60)
    assert {kind for kind, _ in advised(late)} == {RemedyKind.CALL_HUMAN}


def test_a_paused_saga_is_forgotten_only_after_a_week() -> None:
    assert not bad(findings(saga(SagaState.PAUSED, updated_at=ago(days=6))))
    assert bad(findings(saga(SagaState.PAUSED, updated_at=ago(days=8)))) == {RULE}
    stale = saga(SagaState.PAUSED, updated_at=ago(days=8), next_attempt_at=ago(days=9))
    assert bad(findings(stale)) == {RULE}


def test_an_approval_that_was_refused_no_longer_waits() -> None:
    row = saga(steps=(step(APPROVE, FAILED), step(PAY)), updated_at=ago(hours=1))

    assert bad(findings(row)) == {RULE}


def test_an_optional_step_that_failed_does_not_hide_the_person_who_comes_next() -> None:
    known = order_policy()
    row = saga(
        steps=(step("send_confirmation", FAILED), step(APPROVE, NEXT)), updated_at=ago(days=1), created_at=ago(days=2)
    )

    assert not bad(findings(row, known))


def test_one_step_that_waits_does_not_hide_another_that_is_out() -> None:
    row = saga(steps=(step(APPROVE, OUT), step("gift_wrap", OUT)), updated_at=ago(hours=1))

    assert bad(findings(row, order_policy(parallel=True))) == {RULE}


def test_a_retry_time_left_over_from_earlier_does_not_hide_it() -> None:
    row = saga(steps=order_steps(DONE, NEXT), updated_at=ago(hours=1), next_attempt_at=ago(hours=2))

    assert bad(findings(row)) == {RULE}


def test_a_saga_that_undoes_only_what_has_no_undo_is_seen() -> None:
    row = saga(
        SagaState.COMPENSATING,
        (step(RESERVE, StepStatus.COMPENSATED), step(APPROVE, DONE), step(PAY, FAILED)),
        updated_at=ago(hours=1),
    )

    assert bad(findings(row)) == {RULE}


def test_a_longer_policy_is_respected() -> None:
    row = saga(updated_at=ago(hours=2))

    assert findings(row, SagaPolicy(order_policy(no_progress=timedelta(hours=3)).thresholds)) == ()


def test_an_owner_that_is_alive_forbids_a_repair() -> None:
    row = saga(updated_at=ago(hours=2), owner=Owner("worker-1", alive=True))

    finding = primary(findings(row, UNDECLARED), RULE)

    assert advised(finding)[RemedyKind.RETRY_STEP, PAY] is Advice.REFUSE
    assert override(finding, RemedyKind.RETRY_STEP, PAY) == "owner-alive"


def test_a_clock_ahead_forbids_every_repair() -> None:
    row = changed(saga(updated_at=ago(hours=2)), RESERVE, executed_at=ahead(hours=1))

    found = findings(row, UNDECLARED)

    primary(found, "clock-skew")
    assert {kind for kind, _ in advised(named(found, RULE))} == {RemedyKind.CALL_HUMAN}


def test_a_retry_loop_explains_more() -> None:
    row = saga(updated_at=ago(hours=2), attempts=12, error="connection refused")

    found = findings(row, UNDECLARED)

    primary(found, "retry-loop")
    assert "connection refused" in facts(named(found, RULE))
