"""compensation-stuck: an undo is out and has not come back."""

from __future__ import annotations

from datetime import timedelta

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import OutboxEntry, Owner, SagaState, StepStatus
from sagadoctor.testing.builders import (
    PAY,
    RESERVE,
    SHIP,
    ago,
    ahead,
    changed,
    findings,
    observation,
    order_policy,
    order_steps,
    saga,
)
from tests.diagnosis.looking import advised, against, bad, facts, named, override, primary, supporting

DONE, FAILED, UNDOING, UNDONE = (
    StepStatus.COMPLETED,
    StepStatus.FAILED,
    StepStatus.COMPENSATING,
    StepStatus.COMPENSATED,
)
RULE = "compensation-stuck"
RESEND = RemedyKind.RESEND_COMPENSATION

ONE_OUT = order_steps(UNDONE, UNDOING, FAILED)
STUCK = saga(SagaState.COMPENSATING, ONE_OUT, updated_at=ago(minutes=43))


def test_an_undo_that_never_came_back() -> None:
    finding = primary(findings(STUCK), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.late_seconds) == (ago(minutes=43), 1980)
    assert finding.half_compensated
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {(RESEND, PAY): Advice.ASK}


def test_each_undo_that_is_out_is_offered_the_last_one_first() -> None:
    finding = primary(
        findings(saga(SagaState.COMPENSATING, order_steps(UNDOING, UNDOING), updated_at=ago(hours=1))), RULE
    )

    assert [remedy.step for remedy in finding.remedies] == [PAY, RESERVE]
    assert not finding.half_compensated


def test_without_steps_nobody_can_say_which_undo_it_is() -> None:
    finding = primary(findings(saga(SagaState.COMPENSATING, None, updated_at=ago(hours=1))), RULE)

    assert finding.step is None
    assert {kind for kind, _ in advised(finding)} == {RemedyKind.CALL_HUMAN}


def test_a_list_of_steps_that_is_empty_tells_of_no_undo_that_was_sent() -> None:
    assert RULE not in bad(findings(saga(SagaState.COMPENSATING, (), updated_at=ago(hours=1))))


def test_a_time_of_the_undo_on_a_step_that_is_not_undone_holds_up_another() -> None:
    finding = primary(findings(changed(STUCK, PAY, compensated_at=ago(minutes=30))), RULE)

    assert [fact.kind for fact in against(finding)] == [EvidenceKind.STATUS]
    assert override(finding, RESEND, PAY) == "evidence-against"


def test_a_row_that_was_only_watched_will_do() -> None:
    row = saga(SagaState.COMPENSATING, ONE_OUT, updated_at=None)

    finding = primary(findings(row, observed=observation(ago(hours=1))), RULE)

    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.OBSERVATION}
    assert advised(finding) == {(RESEND, PAY): Advice.ASK}


def test_just_inside_the_policy_nothing_is_wrong() -> None:
    assert findings(saga(SagaState.COMPENSATING, ONE_OUT, updated_at=ago(minutes=10))) == ()
    slow = saga(SagaState.COMPENSATING, ONE_OUT, updated_at=ago(minutes=50))
    assert findings(slow, order_policy(compensation=timedelta(hours=1))) == ()


def test_an_undo_that_ended_a_minute_ago_is_progress() -> None:
    """The template's row keeps its `updated_at` while its undos come back one by one."""
    row = changed(STUCK, RESERVE, compensated_at=ago(minutes=1))

    assert findings(row) == ()


def test_an_undo_that_is_tried_again_by_itself_is_not_stuck() -> None:
    assert not bad(findings(changed(STUCK, PAY, next_attempt_at=ahead(hours=1), attempts=4)))
    assert not bad(findings(changed(STUCK, PAY, next_attempt_at=ago(minutes=4), attempts=4)))
    missed = findings(changed(STUCK, PAY, next_attempt_at=ago(minutes=6), attempts=4))
    assert bad(missed) == {RULE, "wake-up-missed"}


def test_an_owner_that_is_alive_forbids_a_second_undo() -> None:
    row = saga(SagaState.COMPENSATING, ONE_OUT, updated_at=ago(hours=1), owner=Owner("w", alive=True))

    finding = primary(findings(row), RULE)

    assert advised(finding) == {(RESEND, PAY): Advice.REFUSE}
    assert override(finding, RESEND, PAY) == "owner-alive"


def test_an_undo_that_lies_in_the_outbox_is_never_sent_by_hand() -> None:
    entry = OutboxEntry("m-1", "orders.outbox", step=PAY, sent=False, created_at=ago(minutes=40))
    row = saga(SagaState.COMPENSATING, order_steps(UNDOING, UNDOING), updated_at=ago(minutes=43), outbox=(entry,))

    found = findings(row)

    primary(found, "outbox-unpublished")
    stuck = named(found, RULE)
    assert advised(stuck) == {(RESEND, PAY): Advice.REFUSE, (RESEND, RESERVE): Advice.ASK}
    assert override(stuck, RESEND, PAY) == "outbox-unsent"


def test_a_command_written_to_the_outbox_just_now_is_not_sent_twice_either() -> None:
    entry = OutboxEntry("m-2", "orders.outbox", step=PAY, sent=False, created_at=ago(seconds=5))
    row = saga(SagaState.COMPENSATING, ONE_OUT, updated_at=ago(minutes=43), outbox=(entry,))

    finding = primary(findings(row), RULE)

    assert override(finding, RESEND, PAY) == "outbox-unsent"


def test_a_done_pivot_explains_more_and_forbids_the_undo() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(UNDONE, UNDOING, DONE, DONE), updated_at=ago(hours=1))

    found = findings(row)

    assert primary(found, "undone-past-pivot").step == SHIP
    assert override(named(found, RULE), RESEND, PAY) == "past-pivot"


def test_the_error_of_the_undo_is_told() -> None:
    finding = primary(findings(changed(STUCK, PAY, error="gateway unreachable")), RULE)

    assert "gateway unreachable" in facts(finding)
    assert "gateway unreachable" in finding.group_title
    assert not against(finding)
