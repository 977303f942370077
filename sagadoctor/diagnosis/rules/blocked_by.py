"""blocked-by: the saga waits for a lock or a child that another stuck saga holds; that one is to be repaired."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case, Relation
from sagadoctor.model.finding import Evidence, EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import Saga, SagaState

from .. import facts, treatments
from ..deadlines import words
from ..sign import Rule, Sign


def _last_moved(saga: Saga) -> datetime | None:
    moments = [saga.created_at, saga.updated_at]
    for step in saga.steps or ():
        moments += [step.started_at, step.executed_at, step.compensated_at]
    return max((at for at in moments if at is not None), default=None)


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a live saga's lock holder or child has itself stood still past `no_progress`, or failed."""
    if not case.saga.is_live:
        return None
    for relation, what in ((Relation.LOCK_HOLDER, "a lock held by"), (Relation.CHILD, "its child")):
        for other in case.related(relation):
            moved = _last_moved(other)
            failed = other.state is SagaState.FAILED and relation is Relation.CHILD
            if not failed and (not other.is_live or moved is None or now - moved <= policy.thresholds.no_progress):
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


RULE = Rule("blocked-by", Severity.WARNING, examine, "sagas blocked by another one")
