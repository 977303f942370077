"""false-completion: the saga ended as completed while a step is not."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import excused, names
from ..sign import Rule, Sign

_DONE = (StepStatus.COMPLETED, StepStatus.SKIPPED)


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a completed saga has a step that is neither completed nor skipped, optional or replaced."""
    if case.state is not SagaState.COMPLETED:
        return None
    missing = tuple(
        step
        for step in case.steps or ()
        if step.status not in _DONE and step.status is not StepStatus.UNKNOWN and not excused(case, step, policy)
    )
    if not missing:
        return None
    step = missing[0]
    return Sign(
        summary=f"the saga is marked completed, but {names(missing)} was never done",
        evidence=(
            facts.saga_state(case),
            *(facts.step_status(case, each) for each in missing),
            *facts.standstill(case, now),
        ),
        step=step,
        treatments=(
            treatments.call_human(
                "the engine will do nothing more; do the missing work by hand, or undo the rest", step
            ),
            treatments.retry_step(step, policy, "the step is missing, but the engine may not take its reply any more"),
        ),
    )


RULE = Rule(
    "false-completion",
    Severity.CRITICAL,
    examine,
    "sagas marked completed with a step missing",
    states=frozenset((SagaState.COMPLETED,)),
)
