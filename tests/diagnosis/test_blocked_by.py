"""blocked-by: another saga, itself stuck, holds what this one waits for."""

from __future__ import annotations

import msgspec
import pytest

from sagadoctor.model.case import Relation
from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import LockWait, Saga, SagaState, StepStatus
from sagadoctor.testing.builders import PAY, ago, ahead, changed, findings, linked, order_steps, saga
from tests.diagnosis.looking import advised, bad, facts, named, primary, supporting

RULE = "blocked-by"
STUCK = saga(saga_id="s-9", updated_at=ago(hours=3))


@pytest.mark.parametrize("relation", [Relation.LOCK_HOLDER, Relation.CHILD])
def test_it_waits_for_one_that_stands_still(relation: Relation) -> None:
    finding = primary(findings(linked=(linked(relation, STUCK),)), RULE)

    assert (finding.severity, finding.step) == (Severity.WARNING, PAY)
    assert (finding.since, finding.late_seconds) == (ago(seconds=40), None)
    assert "s-9" in finding.summary
    assert "3h" in facts(finding)
    assert supporting(finding) == {EvidenceKind.STATUS}
    assert advised(finding) == {(RemedyKind.WAIT, PAY): Advice.WAIT}


def test_a_child_that_failed_long_ago() -> None:
    child = saga(SagaState.FAILED, None, saga_id="s-9", updated_at=ago(hours=3))

    assert primary(findings(linked=(linked(Relation.CHILD, child),)), RULE)
    timeless = saga(SagaState.FAILED, None, saga_id="s-9", updated_at=None)
    assert primary(findings(linked=(linked(Relation.CHILD, timeless),)), RULE)


@pytest.mark.parametrize(
    "other",
    [
        saga(saga_id="s-9", updated_at=ago(minutes=14)),
        saga(SagaState.COMPLETED, None, saga_id="s-9", updated_at=ago(days=3)),
        saga(SagaState.FAILED, None, saga_id="s-9", updated_at=ago(seconds=2)),
        saga(SagaState.WAITING, None, saga_id="s-9", updated_at=ago(days=3)),
        saga(SagaState.PAUSED, None, saga_id="s-9", updated_at=ago(days=3)),
        saga(saga_id="s-9", updated_at=ago(days=3), waiting_for="person"),
        saga(saga_id="s-9", updated_at=ago(hours=3), next_attempt_at=ahead(minutes=5)),
        changed(saga(saga_id="s-9", updated_at=ago(hours=3)), PAY, started_at=ago(minutes=1)),
        saga(saga_id="s-9", updated_at=None),
    ],
)
def test_one_that_moves_rests_or_has_ended_blocks_nobody(other: Saga) -> None:
    assert findings(linked=(linked(Relation.CHILD, other),)) == ()


def test_one_that_rests_for_too_long_blocks_as_well() -> None:
    other = saga(SagaState.WAITING, None, saga_id="s-9", updated_at=ago(days=8))

    assert bad(findings(linked=(linked(Relation.CHILD, other),))) == {RULE}


def test_other_relations_block_nobody() -> None:
    for relation in (Relation.PARENT, Relation.REPAIRED_BY, Relation.SAME_ID):
        assert RULE not in bad(findings(linked=(linked(relation, STUCK),)))


def test_a_circle_of_parents_is_cut() -> None:
    row = saga(SagaState.WAITING, updated_at=ago(days=8))

    assert RULE not in bad(findings(row, linked=(linked(Relation.CHILD, row),)))


def test_two_that_are_each_others_parent_block_nobody() -> None:
    row = saga(updated_at=ago(hours=1), parent_id="s-9")

    assert RULE not in bad(findings(row, linked=(linked(Relation.CHILD, STUCK),)))


def test_a_child_that_is_above_its_own_parent_blocks_nobody() -> None:
    row = saga(updated_at=ago(hours=1), parent_id="s-8")
    circle = (linked(Relation.CHILD, STUCK), linked(Relation.ANCESTOR, STUCK))

    assert RULE not in bad(findings(row, linked=circle))
    other = saga(saga_id="s-7", updated_at=ago(hours=3))
    assert "s-7" in primary(findings(row, linked=(*circle, linked(Relation.CHILD, other))), RULE).summary


def test_a_failed_child_that_the_undo_is_about_is_not_waited_for() -> None:
    child = saga(SagaState.FAILED, None, saga_id="s-9", updated_at=ago(hours=3))
    undoing = order_steps(StepStatus.COMPENSATING, StepStatus.FAILED)
    moved_on = saga(SagaState.COMPENSATING, undoing, updated_at=ago(hours=2))
    before = saga(SagaState.COMPENSATING, undoing, updated_at=ago(hours=4))

    primary(findings(moved_on, linked=(linked(Relation.CHILD, child),)), "compensation-stuck")
    assert RULE not in bad(findings(moved_on, linked=(linked(Relation.CHILD, child),)))
    primary(findings(before, linked=(linked(Relation.CHILD, child),)), RULE)


HELD = LockWait("sku/7", "orders.locks", "s-9")


def test_the_lock_is_named() -> None:
    row = saga(waits_on=(HELD,))

    finding = primary(findings(row, linked=(linked(Relation.LOCK_HOLDER, STUCK),)), RULE)

    assert "waits for lock sku/7, which saga s-9 holds" in facts(finding)


def test_sagas_that_wait_for_each_others_locks_are_no_cause() -> None:
    row = saga(SagaState.PENDING, None, updated_at=ago(hours=2), waits_on=(HELD,))
    third = saga(saga_id="s-8", updated_at=ago(hours=1))
    circle = tuple(linked(Relation.LOCK_CIRCLE, other) for other in (STUCK, third))

    finding = primary(findings(row, linked=(linked(Relation.LOCK_HOLDER, STUCK), *circle)), RULE)

    assert "it and saga s-9, s-8 wait for each other's locks" in finding.summary
    assert "repair that one" not in finding.summary
    assert [remedy.kind for remedy in finding.remedies] == [RemedyKind.CALL_HUMAN]
    seen = findings(third, linked=tuple(linked(Relation.LOCK_CIRCLE, each) for each in (row, STUCK)))
    assert named(seen, RULE).group_title.endswith(finding.group_title.rpartition(": ")[2]), "one circle, one cause"


@pytest.mark.parametrize("moved", ["own", "other"])
def test_a_circle_in_which_something_moves_blocks_nobody(moved: str) -> None:
    row = saga(SagaState.PENDING, None, updated_at=ago(minutes=5 if moved == "own" else 90), waits_on=(HELD,))
    other = saga(saga_id="s-9", updated_at=ago(minutes=5 if moved == "other" else 90))
    ties = tuple(linked(relation, other) for relation in (Relation.LOCK_HOLDER, Relation.LOCK_CIRCLE))

    assert RULE not in bad(findings(row, linked=ties))


def test_another_lock_than_the_circles_is_still_waited_for() -> None:
    row = saga(updated_at=ago(minutes=5), waits_on=(HELD, LockWait("dock/1", "orders.locks", "s-7")))
    ties = (
        linked(Relation.LOCK_HOLDER, STUCK),
        linked(Relation.LOCK_CIRCLE, STUCK),
        linked(Relation.LOCK_HOLDER, saga(saga_id="s-7", updated_at=ago(hours=3))),
    )

    assert "saga s-7" in named(findings(row, linked=ties), RULE).summary


def test_a_lock_whose_holder_is_over_is_an_orphan() -> None:
    row = saga(SagaState.PENDING, None, updated_at=ago(hours=1), waits_on=(HELD,))
    ended = saga(SagaState.COMPLETED, None, saga_id="s-9", updated_at=ago(hours=2))

    finding = primary(findings(row, linked=(linked(Relation.LOCK_HOLDER, ended),)), RULE)

    assert "nobody will release" in finding.summary
    assert "the lock is an orphan: saga s-9, which holds it, is completed" in facts(finding)
    assert [remedy.kind for remedy in finding.remedies] == [RemedyKind.CALL_HUMAN]
    gone = primary(findings(row, gone=frozenset(("s-9",))), RULE)
    assert "the lock is an orphan: saga s-9, which holds it, is in no store that was asked" in facts(gone)


def test_a_lock_that_was_left_just_now_is_no_orphan_yet() -> None:
    row = saga(SagaState.PENDING, None, updated_at=ago(hours=1), waits_on=(HELD,))
    ended = saga(SagaState.COMPLETED, None, saga_id="s-9", updated_at=ago(minutes=5))
    fresh = saga(SagaState.PENDING, None, updated_at=ago(minutes=5), waits_on=(HELD,))

    assert RULE not in bad(findings(row, linked=(linked(Relation.LOCK_HOLDER, ended),)))
    assert RULE not in bad(findings(fresh, gone=frozenset(("s-9",))))
    assert RULE not in bad(findings(row)), "nobody looked for the holder"


def test_an_ended_saga_waits_for_nobody() -> None:
    row = saga(SagaState.COMPLETED, order_steps(*[StepStatus.COMPLETED] * 5))

    assert findings(row, linked=(linked(Relation.CHILD, STUCK),)) == ()


def test_it_explains_more_than_the_step_that_is_late() -> None:
    row = changed(saga(updated_at=ago(hours=1)), PAY, timeout_at=ago(minutes=50))

    found = findings(row, linked=(linked(Relation.CHILD, STUCK),))

    primary(found, RULE)
    assert named(found, "step-timed-out").severity is Severity.CRITICAL


def test_a_retry_loop_explains_more() -> None:
    row = msgspec.structs.replace(saga(), attempts=12)

    found = findings(row, linked=(linked(Relation.LOCK_HOLDER, STUCK),))

    primary(found, "retry-loop")
    assert not named(found, RULE).primary
