"""sources-disagree: two stores tell different states of one saga."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case, Relation
from sagadoctor.model.finding import Evidence, EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import FORWARD, Saga, SagaState

from .. import facts, treatments
from ..sign import Rule, Sign


def _course(saga: Saga) -> str:
    """Return which way the saga goes: stores may use finer words for the same course."""
    return "forward" if saga.state in FORWARD else saga.state.value


def _same_steps(case: Case, other: Saga) -> tuple[Evidence, ...]:
    """Return the fact, against a dispute, that both stores tell the same of every step."""
    if not case.saga.steps or not other.steps:
        return ()
    if {(step.name, step.status) for step in case.saga.steps} != {(step.name, step.status) for step in other.steps}:
        return ()
    return (Evidence("its steps stand as they do here", EvidenceKind.STATUS, other.source, False, other.updated_at),)


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when another store has this saga on another course, and neither moved within `no_progress`."""
    if not case.linked or case.state is SagaState.UNKNOWN:
        return None
    for other in case.related(Relation.SAME_ID):
        if other.state is SagaState.UNKNOWN or _course(other) == _course(case.saga):
            continue
        moved = max((at for at in (case.progress_at, other.updated_at) if at is not None), default=None)
        if moved is None or now - moved <= policy.thresholds.no_progress:
            continue
        return Sign(
            summary=f"{case.saga.store} says {case.state.value}, {other.store} says {other.state.value}: one is wrong",
            evidence=(
                facts.saga_state(case),
                Evidence(f"the saga is {other.state.value}", EvidenceKind.STATUS, other.source, True, other.updated_at),
                *facts.standstill(case, now),
                *_same_steps(case, other),
            ),
            step=case.current,
            treatments=(treatments.call_human("find out which store is behind before anything is repaired"),),
        )
    return None


RULE = Rule("sources-disagree", Severity.WARNING, examine, "sagas that two stores tell differently")
