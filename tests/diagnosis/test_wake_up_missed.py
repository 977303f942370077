"""wake-up-missed: the time of the next attempt has passed, and nothing happened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import OutboxEntry, Owner, Saga, SagaState, StepStatus
from sagadoctor.testing.builders import PAY, ago, ahead, changed, findings, order_policy, order_steps, saga
from tests.diagnosis.looking import advised, against, bad, facts, named, override, primary, supporting

DONE, OUT, FAILED, NEXT, UNDOING = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.FAILED,
    StepStatus.PENDING,
    StepStatus.COMPENSATING,
)
RULE = "wake-up-missed"
OVERSLEPT = saga(
    SagaState.BACKING_OFF,
    order_steps(DONE, NEXT),
    updated_at=ago(hours=1),
    next_attempt_at=ago(minutes=20),
    attempts=2,
)


def test_nobody_woke_it() -> None:
    finding = primary(findings(OVERSLEPT), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.late_seconds) == (ago(hours=1), 900)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, PAY): Advice.ASK, (RemedyKind.RETRY_STEP, PAY): Advice.ASK}
    assert bad(findings(OVERSLEPT)) == {RULE}


def test_what_else_was_written_tells_a_dead_worker_from_one_that_is_held_up() -> None:
    dead = primary(findings(OVERSLEPT, stirred_at=ago(minutes=18)), RULE)
    held = primary(findings(OVERSLEPT, stirred_at=ago(seconds=20)), RULE)
    unknown = primary(findings(OVERSLEPT), RULE)

    assert dead.summary.endswith("the timer or the retry worker stands still")
    assert "no live saga of this store was written for 18m: nobody wakes any" in facts(dead)
    assert held.summary.endswith("others were, so whoever wakes them is held up, or has lost this one")
    assert "another live saga of this store was written 20s ago" in [each.fact for each in against(held)]
    assert unknown.summary.endswith("or does not come to it")
    assert {each.id for each in (dead, held, unknown)} == {unknown.id}
    assert {each.group for each in (dead, held, unknown)} == {unknown.group}


@pytest.mark.parametrize(
    "row",
    [
        changed(saga(steps=order_steps(DONE, FAILED), updated_at=ago(minutes=9)), PAY, next_attempt_at=ago(minutes=6)),
        saga(SagaState.WAITING, order_steps(DONE, NEXT), updated_at=ago(days=2), next_attempt_at=ago(hours=1)),
        saga(steps=None, updated_at=ago(days=2), next_attempt_at=ago(hours=1)),
        saga(SagaState.COMPENSATING, order_steps(UNDOING), updated_at=ago(minutes=8), next_attempt_at=ago(minutes=6)),
        saga(steps=None, updated_at=None, next_attempt_at=ago(hours=1)),
    ],
)
def test_wherever_the_next_attempt_is_told(row: Saga) -> None:
    assert RULE in bad(findings(row))


def test_whoever_wakes_it_may_be_a_little_late() -> None:
    row = saga(SagaState.BACKING_OFF, OVERSLEPT.steps, updated_at=ago(hours=1), next_attempt_at=ago(minutes=5))

    assert not bad(findings(row))
    assert not bad(findings(OVERSLEPT, order_policy(wake_up=timedelta(hours=1))))


def test_it_moved_since() -> None:
    row = saga(steps=order_steps(DONE, NEXT), updated_at=ago(minutes=3), next_attempt_at=ago(minutes=20), attempts=2)

    assert not bad(findings(row))


def test_a_saga_that_was_due_at_once_and_never_taken_up() -> None:
    row = saga(steps=None, updated_at=ago(minutes=20), next_attempt_at=ago(minutes=20))

    assert bad(findings(row)) == {RULE}


def test_the_later_of_two_times_counts() -> None:
    for early, late in ((ago(days=1), ahead(minutes=1)), (ahead(minutes=1), ago(days=1))):
        row = saga(SagaState.BACKING_OFF, OVERSLEPT.steps, updated_at=ago(hours=30), next_attempt_at=early)
        assert not bad(findings(changed(row, PAY, next_attempt_at=late)))


def test_an_attempt_that_is_out_has_its_own_deadline() -> None:
    row = changed(
        saga(updated_at=ago(hours=1), next_attempt_at=ago(minutes=20)), PAY, timeout_at=ahead(minutes=2), attempts=2
    )

    assert not bad(findings(row))


def test_a_paused_saga_is_woken_by_nobody() -> None:
    row = saga(SagaState.PAUSED, updated_at=ago(hours=1), next_attempt_at=ago(minutes=20))

    assert not bad(findings(row))


def test_ended_sagas_sleep_well() -> None:
    assert not bad(findings(saga(SagaState.COMPENSATED, order_steps(FAILED), next_attempt_at=ago(days=1))))


def test_an_owner_that_is_alive_forbids_a_repair() -> None:
    row = saga(
        SagaState.BACKING_OFF,
        OVERSLEPT.steps,
        updated_at=ago(hours=1),
        next_attempt_at=ago(minutes=20),
        owner=Owner("w", alive=True),
    )

    assert override(primary(findings(row), RULE), RemedyKind.RETRY_STEP, PAY) == "owner-alive"


def test_a_failure_that_nobody_handled_explains_more() -> None:
    row = changed(saga(steps=order_steps(DONE, FAILED), updated_at=ago(hours=1)), PAY, next_attempt_at=ago(minutes=20))

    found = findings(row)

    primary(found, "failure-not-handled")
    assert named(found, RULE).step == PAY


def test_an_undo_whose_retry_was_missed() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(UNDOING), updated_at=ago(hours=1), next_attempt_at=ago(minutes=20))

    found = findings(row, SagaPolicy())

    primary(found, "compensation-stuck")
    assert "next_attempt_at passed 20m ago" in facts(named(found, RULE))


def test_the_deadline_of_the_saga_is_none_of_the_attempt() -> None:
    row = saga(updated_at=ago(hours=1), next_attempt_at=ago(minutes=20), deadline=ahead(days=1))

    assert bad(findings(row, SagaPolicy())) == {RULE}


def test_a_timer_that_was_missed_is_told_before_the_deadline_of_its_step() -> None:
    row = saga(SagaState.WAITING, updated_at=ago(hours=1), next_attempt_at=ago(minutes=20))

    assert bad(findings(changed(row, PAY, timeout_at=ahead(hours=1)))) == {RULE}


def test_a_missed_retry_of_an_undo_is_no_reason_to_go_forward() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(UNDOING), updated_at=ago(hours=1), next_attempt_at=ago(minutes=20))

    finding = named(findings(row), RULE)

    assert (RemedyKind.RESEND_COMPENSATION, "reserve_inventory") in advised(finding)
    assert RemedyKind.RETRY_STEP not in {kind for kind, _ in advised(finding)}
    resting = saga(SagaState.BACKING_OFF, row.steps, updated_at=ago(hours=1), next_attempt_at=ago(minutes=20))
    assert advised(named(findings(resting), RULE)) == advised(finding)


def test_of_a_saga_that_goes_back_only_what_is_out_is_sent_again() -> None:
    undone = order_steps(StepStatus.COMPENSATED, FAILED)
    row = saga(SagaState.BACKING_OFF, undone, updated_at=ago(hours=1), next_attempt_at=ago(minutes=20))

    assert {kind for kind, _ in advised(named(findings(row), RULE))} == {RemedyKind.CALL_HUMAN}


@pytest.mark.parametrize(
    "fields",
    [
        {"owner": Owner("w", alive=None, heartbeat_at=ago(minutes=1))},
        {"outbox": (OutboxEntry("m-1", "orders.outbox", sent=True, created_at=ago(minutes=2)),)},
    ],
)
def test_whoever_worked_on_it_since_holds_up_a_repair(fields: dict[str, Any]) -> None:
    finding = primary(findings(msgspec.structs.replace(OVERSLEPT, **fields)), RULE)

    assert [fact.kind for fact in against(finding)] == [EvidenceKind.TIME]
    assert override(finding, RemedyKind.RETRY_STEP, PAY) == "moving"
