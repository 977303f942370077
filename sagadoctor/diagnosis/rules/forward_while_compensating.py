"""forward-while-compensating: the saga runs forward, or completed, while an undo is out or done (a zombie)."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import RemedyKind
from sagadoctor.model.saga import FORWARD, SagaState, Step, StepStatus

from .. import facts, treatments
from ..anatomy import names, with_status
from ..sign import Rule, Sign


def _replaced(step: Step, case: Case, policy: SagaPolicy) -> bool:
    """Say whether another step is the configured alternative of this one: undoing it was the plan."""
    return any(
        (defined := policy.step(other.name)) is not None and defined.alternative_of == step.name
        for other in case.steps or ()
    )


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a running or completed saga has a step that is compensating or compensated."""
    del now
    if case.state not in FORWARD and case.state is not SagaState.COMPLETED:
        return None
    touched = with_status(case, StepStatus.COMPENSATING, StepStatus.COMPENSATED)
    undone = tuple(step for step in touched if not _replaced(step, case, policy))
    if not undone:
        return None
    out = with_status(case, StepStatus.EXECUTING)
    evidence = [facts.saga_state(case), *(facts.undone(case, step) for step in undone)]
    evidence += [facts.step_status(case, step) for step in out]
    doing = "has completed" if case.state is SagaState.COMPLETED else "still runs forward"
    return Sign(
        summary=f"the saga {doing} although {names(undone)} is being undone or was: forward work stands on nothing",
        evidence=tuple(evidence),
        step=undone[0],
        treatments=(
            treatments.call_human("a late success revived a saga that was being undone; stop it and reconcile by hand"),
            treatments.refuse(
                RemedyKind.RETRY_STEP, "going on would add effects to a saga that is half undone", "zombie", undone[0]
            ),
        ),
    )


RULE = Rule("forward-while-compensating", Severity.CRITICAL, examine, "sagas that run forward while being undone")
