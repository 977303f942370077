"""forward-while-compensating: the saga runs forward, or completed, while an undo is out or done (a zombie)."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import RemedyKind
from sagadoctor.model.saga import FORWARD, SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import names, undone_on_purpose, with_status
from ..sign import Rule, Sign

_EITHER_WAY = frozenset((SagaState.WAITING, SagaState.BACKING_OFF, SagaState.PAUSED))
"""States in which a saga may rest on its way back as well: only a step that is out shows that it runs forward."""


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a running or completed saga has a step that is compensating or compensated."""
    del now
    if case.state not in FORWARD and case.state is not SagaState.COMPLETED:
        return None
    touched = with_status(case, StepStatus.COMPENSATING, StepStatus.COMPENSATED)
    undone = tuple(step for step in touched if not undone_on_purpose(step, case, policy))
    out = with_status(case, StepStatus.EXECUTING)
    if not undone or (case.state in _EITHER_WAY and not out):
        return None
    evidence = [facts.saga_state(case), *(facts.undone(case, step) for step in undone)]
    evidence += [facts.step_status(case, step) for step in out]
    for step in undone:
        if step.executed_at is not None and step.compensated_at is not None and step.executed_at > step.compensated_at:
            fact = f"step {step.name} was executed again after it was compensated"
            evidence.append(facts.time(case, fact, step.executed_at, supports=False))
    doing = "has completed" if case.state is SagaState.COMPLETED else "still runs forward"
    return Sign(
        summary=f"the saga {doing} although {names(undone)} is being undone or was: forward work stands on nothing",
        evidence=tuple(evidence),
        step=undone[0],
        treatments=(
            treatments.call_human("a late success revived a saga that was being undone; stop it and reconcile by hand"),
            treatments.refuse(
                RemedyKind.RETRY_STEP, "going on would add effects to a saga that is half undone", "zombie"
            ),
        ),
    )


RULE = Rule(
    "forward-while-compensating",
    Severity.CRITICAL,
    examine,
    "sagas that run forward while being undone",
    states=FORWARD | {SagaState.COMPLETED},
    statuses=frozenset((StepStatus.COMPENSATING, StepStatus.COMPENSATED)),
)
