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

_NAMED: Final = 5
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


def _circle(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Say that sagas wait for each other's locks, where all of them stand still: none of them is the cause."""
    others = case.related(Relation.LOCK_CIRCLE)
    if not others or not _stands_still(case, policy, now):
        return None
    moved = [at for other in others if (at := _last_moved(other)) is not None]
    if not all(other.is_live for other in others) or any(now - at <= policy.thresholds.no_progress for at in moved):
        return None
    ids = [other.saga_id for other in others]
    named = ", ".join(ids[:_NAMED]) + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")
    return Sign(
        summary=f"it and saga {named} wait for each other's locks: none of them can go on by itself",
        evidence=(
            facts.saga_state(case),
            *_waits(case),
            *(
                Evidence(f"saga {other.saga_id} waits for a lock too", EvidenceKind.STATUS, other.source, True, at)
                for other in others
                for at in (_last_moved(other),)
            ),
            *facts.standstill(case, now),
        ),
        step=case.current,
        cause=min((case.saga.saga_id, *ids)),
        treatments=(
            treatments.call_human("decide which of them gives way: undone, it lets go of its lock", case.current),
        ),
    )


def _orphaned(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Say that a lock belongs to a saga that has ended, or is no more, where this one has long waited for it."""
    if not case.saga.waits_on or not _stands_still(case, policy, now):
        return None
    holders = {other.saga_id: other for other in case.related(Relation.LOCK_HOLDER)}
    for wait in case.saga.waits_on:
        holder = holders.get(wait.holder_id or "")
        if holder is not None and not holder.is_live:
            moved = _last_moved(holder)
            if moved is not None and now - moved <= policy.thresholds.no_progress:
                continue
            fact, at = f"saga {holder.saga_id}, which holds it, is {holder.state.value}", moved
        elif wait.holder_id in case.gone:
            fact, at = f"saga {wait.holder_id}, which holds it, is in no store that was asked", None
        else:
            continue
        return Sign(
            summary=f"it waits for a lock that nobody will release: {fact}"
            if holder is not None
            else f"it waits for a lock that nobody known can release: {fact}",
            evidence=(
                facts.saga_state(case),
                *_waits(case),
                Evidence(f"the lock is an orphan: {fact}", EvidenceKind.STATUS, wait.source, True, at),
                *facts.standstill(case, now),
            ),
            step=case.current,
            cause=wait.holder_id,
            treatments=(
                treatments.call_human(
                    "make sure that nothing works under the lock any more, then release it"
                    if holder is not None
                    else "find out whose lock it is: no mapping may read that saga; release it only if it is over",
                    case.current,
                ),
            ),
        )
    return None


def _stands_still(case: Case, policy: SagaPolicy, now: datetime) -> bool:
    return case.progress_at is not None and now - case.progress_at > _limit(case.saga, policy, now)


def _waits(case: Case) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            f"it waits for lock {wait.target}, which saga {wait.holder_id} holds", EvidenceKind.STATUS, wait.source
        )
        for wait in case.saga.waits_on
        if wait.holder_id is not None
    )


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a live saga's lock holder or child has itself stood still too long, also as a failed child.

    Those that wait for each other in a circle are no reason for one another; a lock may be left by a saga that is over.
    """
    if not case.saga.is_live:
        return None
    if not case.linked and not case.gone:
        return None
    return _circle(case, policy, now) or _by_another(case, policy, now) or _orphaned(case, policy, now)


def _by_another(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    round_about = {other.ref for other in case.related(Relation.LOCK_CIRCLE)}
    for relation, what in ((Relation.LOCK_HOLDER, "a lock held by"), (Relation.CHILD, "its child")):
        for other in case.related(relation):
            moved = _last_moved(other)
            if other.ref in round_about or not _waits_for(case, other, relation, moved):
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
                    *(_waits(case) if relation is Relation.LOCK_HOLDER else ()),
                ),
                step=case.current,
                cause=other.saga_id,
                treatments=(treatments.wait(f"saga {other.saga_id} has to be repaired first", case.current),),
            )
    return None


RULE = Rule("blocked-by", Severity.WARNING, examine, "sagas blocked by another one", states=NOT_ENDED)
