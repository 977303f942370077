"""owner-gone: the saga is claimed by an owner that will never work on it again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Owner, Saga, SagaState, StepStatus
from sagadoctor.testing.builders import (
    PAY,
    ago,
    ahead,
    changed,
    findings,
    order_policy,
    order_steps,
    saga,
)
from tests.diagnosis.looking import advised, against, bad, facts, named, override, primary, supporting

RULE = "owner-gone"
DEAD = Owner("worker-1", alive=False, lease_until=ago(minutes=9), heartbeat_at=ago(minutes=10))
QUIET = SagaPolicy()


def claimed(owner: Owner, state: SagaState = SagaState.PENDING, **fields: object) -> Saga:
    return saga(state, updated_at=ago(minutes=10), owner=owner, **fields)  # type: ignore[arg-type]


def test_the_worker_died_and_its_lease_is_over() -> None:
    finding = primary(findings(claimed(DEAD), QUIET), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.late_seconds) == (ago(minutes=10), 540)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, PAY): Advice.ASK, (RemedyKind.RETRY_STEP, PAY): Advice.ASK}
    assert "worker-1" in finding.summary


def test_a_dead_worker_without_a_lease() -> None:
    assert primary(findings(claimed(Owner("w", alive=False)), QUIET), RULE).late_seconds is None


def test_without_steps_only_the_owner_can_be_looked_after() -> None:
    finding = primary(findings(claimed(DEAD, steps=None), QUIET), RULE)

    assert {kind for kind, _ in advised(finding)} == {RemedyKind.CALL_HUMAN}


@pytest.mark.parametrize(
    "owner",
    [
        Owner("w", alive=True, lease_until=ago(days=1)),
        Owner("w", alive=False, lease_until=ahead(minutes=1)),
        Owner("w", alive=False, lease_until=ago(seconds=60)),
        Owner("w", alive=None, lease_until=ago(seconds=60)),
        Owner("w", alive=None),
        Owner("w", alive=None, heartbeat_at=ago(days=1)),
    ],
)
def test_an_owner_that_may_still_work_is_not_gone(owner: Owner) -> None:
    assert findings(claimed(owner), QUIET) == ()


def test_a_longer_grace_is_respected() -> None:
    assert not bad(findings(claimed(DEAD), SagaPolicy(order_policy(lease_grace=timedelta(hours=1)).thresholds)))


def test_a_saga_that_moved_after_the_lease_has_found_somebody() -> None:
    assert not bad(findings(saga(owner=DEAD), QUIET))


@pytest.mark.parametrize(
    "row",
    [
        claimed(DEAD, SagaState.PAUSED),
        claimed(DEAD, SagaState.WAITING),
        claimed(DEAD, waiting_for="person"),
        claimed(DEAD, SagaState.BACKING_OFF, next_attempt_at=ahead(minutes=5), attempts=2),
        changed(claimed(DEAD), PAY, next_attempt_at=ago(minutes=1), attempts=2),
    ],
)
def test_a_saga_that_rests_needs_no_owner(row: Saga) -> None:
    assert not bad(findings(row, QUIET))


def test_an_approval_that_is_out_needs_no_owner() -> None:
    steps = order_steps(StepStatus.COMPLETED, StepStatus.COMPLETED, StepStatus.EXECUTING)

    assert not bad(findings(claimed(DEAD, steps=steps)))


def test_a_saga_on_its_way_back_waits_for_no_approval() -> None:
    undone = order_steps(StepStatus.COMPENSATED, StepStatus.COMPENSATED)

    assert RULE in bad(findings(claimed(DEAD, SagaState.COMPENSATING, steps=undone)))


def test_an_ended_saga_needs_no_owner() -> None:
    assert not bad(findings(claimed(DEAD, SagaState.CANCELLED)))


def test_a_lease_that_ran_out_while_nobody_knows_of_its_owner() -> None:
    owner = Owner("worker-1", alive=None, lease_until=ago(minutes=9))

    finding = primary(findings(claimed(owner), QUIET), RULE)

    assert [fact.kind for fact in against(finding)] == [EvidenceKind.STATUS]
    assert override(finding, RemedyKind.RETRY_STEP, PAY) == "evidence-against"
    assert "nobody can tell" in facts(finding)


def test_two_rows_with_one_id_forbid_a_repair() -> None:
    found = findings(claimed(DEAD), QUIET, repeated=True)

    assert override(primary(found, RULE), RemedyKind.RETRY_STEP, PAY) == "duplicate-id"


def test_a_command_in_the_outbox_explains_more_than_the_owner() -> None:
    row = changed(claimed(DEAD), PAY, executed_at=ago(minutes=12), result=b'{"payment_id": 7}')

    found = findings(row, QUIET)

    primary(found, "concurrent-steps")
    assert override(named(found, RULE), RemedyKind.RETRY_STEP, PAY) == "concurrent"


def test_of_a_saga_that_is_being_undone_the_undo_is_sent_again() -> None:
    steps = order_steps(StepStatus.COMPENSATED, StepStatus.COMPENSATING, StepStatus.FAILED)

    finding = primary(findings(claimed(DEAD, SagaState.COMPENSATING, steps=steps)), RULE)

    assert advised(finding) == {
        (RemedyKind.CALL_HUMAN, PAY): Advice.ASK,
        (RemedyKind.RESEND_COMPENSATION, PAY): Advice.ASK,
    }
