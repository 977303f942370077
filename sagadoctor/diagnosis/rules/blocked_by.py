"""blocked-by: the saga waits for a lock or a child that another stuck saga holds; that one is to be repaired."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sagadoctor.model.case import Case, Relation
from sagadoctor.model.finding import Evidence, EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import NOT_ENDED, Saga, SagaState

from .. import facts, treatments
from ..deadlines import words
from ..sign import Rule, Sign

_RESTING: Final = frozenset((SagaState.WAITING, SagaState.BACKING_OFF, SagaState.PAUSED))


def _limit(saga: Saga, policy: SagaPolicy, now: datetime) -> timedelta:
    """Return how long the other one may stand still: longer where its own row says that it rests."""
    asleep = saga.next_attempt_at is not None and saga.next_attempt_at > now
    if saga.state in _RESTING or saga.waiting_for is not None or asleep:
        return policy.thresholds.max_wait
    return policy.thresholds.no_progress


def _last_moved(saga: Saga) -> datetime | None:
    moments = [saga.created_at, saga.updated_at]
    for step in saga.steps or ():
        moments += [step.started_at, step.executed_at, step.compensated_at]
    return max((at for at in moments if at is not None), default=None)


def _waits_for(case: Case, other: Saga, relation: Relation, moved: datetime | None) -> bool:
    """Say whether the other one can be what this saga waits for; what it has done since tells of a child that ended.

    Sagas that are each other's parents in a circle are no reason for one another. A saga that compensates, and has
    moved since its child failed, knows of that failure: it is the reason for the undo.
    """
    if other.ref == case.saga.ref or (relation is Relation.CHILD and _is_above(other, case)):
        return False
    if other.is_live:
        return True
    if relation is not Relation.CHILD or other.state is not SagaState.FAILED:
        return False
    if case.state is not SagaState.COMPENSATING or case.progress_at is None:
        return True
    return moved is not None and case.progress_at <= moved


def _is_above(other: Saga, case: Case) -> bool:
    return other.saga_id == case.saga.parent_id or any(
        each.ref == other.ref for each in case.related(Relation.ANCESTOR)
    )


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a live saga's lock holder or child has itself stood still too long, also as a failed child."""
    if not case.linked or not case.saga.is_live:
        return None
    for relation, what in ((Relation.LOCK_HOLDER, "a lock held by"), (Relation.CHILD, "its child")):
        for other in case.related(relation):
            moved = _last_moved(other)
            if not _waits_for(case, other, relation, moved):
                continue
            if (moved is None and other.is_live) or (moved is not None and now - moved <= _limit(other, policy, now)):
                continue
            span = f" and has not moved for {words((now - moved).total_seconds())}" if moved is not None else ""
            return Sign(
                summary=f"it waits for {what} saga {other.saga_id}, {other.state.value}{span}: repair that one",
                evidence=(
                    facts.saga_state(case),
                    Evidence(
                        f"saga {other.saga_id} is {other.state.value}{span}",
                        EvidenceKind.STATUS,
                        other.source,
                        True,
                        moved,
                    ),
                ),
                step=case.current,
                cause=other.saga_id,
                treatments=(treatments.wait(f"saga {other.saga_id} has to be repaired first", case.current),),
            )
    return None


RULE = Rule("blocked-by", Severity.WARNING, examine, "sagas blocked by another one", states=NOT_ENDED)
