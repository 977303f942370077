"""no-progress: a live saga stands still, and no deadline of its own is known."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Owner, SagaState, Step, StepStatus
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
from tests.diagnosis.looking import advised, against, bad, facts, named, override, primary, rules, supporting

DONE, OUT, NEXT, FAILED = StepStatus.COMPLETED, StepStatus.EXECUTING, StepStatus.PENDING, StepStatus.FAILED
UNDOING, UNDONE = StepStatus.COMPENSATING, StepStatus.COMPENSATED
Steps = tuple[Step, ...] | None
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


@pytest.mark.parametrize("steps", [order_steps(DONE, NEXT), None])
@pytest.mark.parametrize("state", [SagaState.PENDING, SagaState.STARTED, SagaState.WAITING, SagaState.BACKING_OFF])
def test_a_deadline_ahead_is_waited_for_also_where_no_step_is_out(state: SagaState, steps: Steps) -> None:
    row = saga(state, steps, updated_at=ago(days=20), deadline=ahead(hours=24))

    assert not bad(findings(row, UNDECLARED))
    assert bad(findings(row, UNDECLARED, now=ahead(hours=24, seconds=1))) == {RULE}


@pytest.mark.parametrize("steps", [order_steps(DONE, NEXT), None])
@pytest.mark.parametrize("state", [SagaState.PENDING, SagaState.STARTED, SagaState.WAITING, SagaState.BACKING_OFF])
def test_a_saga_past_its_own_deadline_with_no_step_out(state: SagaState, steps: Steps) -> None:
    finding = primary(findings(saga(state, steps, updated_at=ago(minutes=40), deadline=ago(minutes=30))), RULE)

    assert (finding.severity, finding.since, finding.late_seconds) == (Severity.WARNING, ago(minutes=40), 1800)
    assert "its own deadline passed 30m ago" in finding.summary
    assert "the saga's deadline passed 30m ago" in facts(finding)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert {kind for kind, _ in advised(finding)} == {RemedyKind.CALL_HUMAN}
    assert not against(finding)


def test_a_saga_that_moved_after_its_deadline_is_late_and_that_stands_against_it() -> None:
    finding = primary(findings(saga(steps=None, updated_at=ago(minutes=10), deadline=ago(minutes=30))), RULE)

    assert finding.late_seconds == 1800
    assert [fact.kind for fact in against(finding)] == [EvidenceKind.TIME]
    assert "still moved after the deadline" in against(finding)[0].fact


def test_a_deadline_tells_even_where_nothing_says_when_the_saga_moved() -> None:
    finding = primary(findings(saga(steps=None, updated_at=None, deadline=ago(minutes=30))), RULE)

    assert (finding.since, finding.late_seconds) == (None, 1800)


@pytest.mark.parametrize("state", [SagaState.PENDING, SagaState.WAITING])
def test_a_try_that_is_planned_after_the_deadline_stands_against_it(state: SagaState) -> None:
    row = saga(state, None, updated_at=ago(hours=1), deadline=ago(minutes=30), next_attempt_at=ahead(minutes=20))

    finding = primary(findings(row), RULE)

    assert [fact.fact for fact in against(finding)] == ["the engine tries again in 20m (next_attempt_at)"]
    backing_off = msgspec.structs.replace(row, state=SagaState.BACKING_OFF)
    assert rules(findings(backing_off)) == ["backing-off"]


def test_a_wake_up_that_was_missed_explains_more_than_the_deadline() -> None:
    row = saga(steps=None, updated_at=ago(hours=1), deadline=ago(minutes=30), next_attempt_at=ago(minutes=20))

    assert bad(findings(row)) == {"wake-up-missed"}


def test_at_its_deadline_nothing_is_wrong_yet() -> None:
    assert findings(saga(steps=None, updated_at=ago(days=1), deadline=ago(seconds=0))) == ()


def test_a_saga_that_is_undone_past_its_deadline_is_told_and_not_accused_while_it_moves() -> None:
    row = saga(
        SagaState.COMPENSATING, order_steps(UNDOING, FAILED), updated_at=ago(minutes=9), deadline=ago(minutes=30)
    )

    (finding,) = findings(row)

    assert (finding.rule, finding.severity, finding.late_seconds) == (RULE, Severity.INFO, 1800)
    assert against(finding)
    assert {kind for kind, _ in advised(finding)} == {RemedyKind.WAIT}
    standing = saga(SagaState.COMPENSATING, row.steps, updated_at=ago(minutes=9), deadline=ago(minutes=8))
    assert bad(findings(standing)) == {RULE}
    stuck = saga(SagaState.COMPENSATING, row.steps, updated_at=ago(minutes=11), deadline=ago(minutes=30))
    assert bad(findings(stuck)) == {"compensation-stuck"}


def test_a_note_about_a_saga_that_is_undone_stands_behind_what_is_wrong() -> None:
    steps = order_steps(UNDOING, StepStatus.TIMED_OUT)
    found = findings(saga(SagaState.COMPENSATING, steps, updated_at=ago(minutes=2), deadline=ago(minutes=3)))

    assert rules(found) == ["dirty-timeout", RULE]


def test_the_own_deadline_of_a_step_counts_before_that_of_the_saga() -> None:
    row = changed(saga(updated_at=ago(hours=1), deadline=ago(minutes=30)), PAY, timeout_at=ahead(minutes=1))

    assert findings(row) == ()


def test_the_max_wait_of_a_step_ends_before_a_later_deadline_and_not_after_an_earlier_one() -> None:
    late = saga(steps=order_steps(DONE, DONE, NEXT), updated_at=ago(days=3, minutes=1), deadline=ahead(days=1))

    assert primary(findings(late), RULE).late_seconds == 60
    early = saga(steps=order_steps(DONE, DONE, NEXT), updated_at=ago(days=1), deadline=ago(minutes=1))
    assert primary(findings(early), RULE).late_seconds == 60


def test_a_paused_saga_is_late_by_no_deadline() -> None:
    assert not bad(findings(saga(SagaState.PAUSED, updated_at=ago(days=1), deadline=ago(hours=1))))
    forgotten = primary(findings(saga(SagaState.PAUSED, updated_at=ago(days=8), deadline=ago(hours=1))), RULE)
    assert "paused" in forgotten.summary


def test_nothing_is_sent_forward_in_a_saga_that_is_being_undone() -> None:
    row = saga(SagaState.COMPENSATING, (step("a", UNDONE), step("b", OUT)), updated_at=ago(hours=1))

    finding = primary(findings(row, UNDECLARED), RULE)

    assert finding.step == "b"
    assert advised(finding)[RemedyKind.RETRY_STEP, "b"] is Advice.REFUSE
    assert override(finding, RemedyKind.RETRY_STEP, "b") == "being-undone"


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
