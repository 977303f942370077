"""late-success: a step given up as failed or timed out shows that it was done after all."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import RemedyKind
from sagadoctor.model.saga import Step, StepStatus

from .. import facts, treatments
from ..anatomy import compensable, done_late, executed_late, goes_back, has_result, with_status
from ..sign import Rule, Sign


def _signs_of_success(case: Case, step: Step) -> list[Evidence]:
    found: list[Evidence] = []
    if has_result(step):
        found.append(facts.status(case, f"step {step.name} carries a result"))
    if executed_late(step):
        found.append(facts.time(case, f"step {step.name} was executed after its timeout", step.executed_at))
    return found


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a failed or timed-out step has a result, or an execution after its timeout; also in ended sagas."""
    for step in with_status(case, StepStatus.FAILED, StepStatus.TIMED_OUT):
        if not done_late(step):
            continue
        evidence = [facts.step_status(case, step), *_signs_of_success(case, step), *facts.standstill(case, now)]
        if step.error is not None and not has_result(step):
            evidence.append(facts.status(case, f"step {step.name} also carries an error: {step.error}", supports=False))
        proposals = [
            treatments.call_human("ask the participant what it did; the saga believes that nothing was done", step)
        ]
        if compensable(step, policy) and goes_back(case, policy):
            proposals.append(
                treatments.resend_compensation(step, policy, "its work stands and nobody will undo it by itself")
            )
        proposals.append(
            treatments.refuse(RemedyKind.RETRY_STEP, "it was done already: a retry does it twice", "late-success", step)
        )
        return Sign(
            summary=f"{step.name} was given up as {step.status.value.replace('_', ' ')}, but it was done after all",
            evidence=tuple(evidence),
            step=step,
            cause="late success",
            treatments=tuple(proposals),
        )
    return None


RULE = Rule(
    "late-success",
    Severity.CRITICAL,
    examine,
    "steps that succeeded after they were given up",
    statuses=frozenset((StepStatus.FAILED, StepStatus.TIMED_OUT)),
)
