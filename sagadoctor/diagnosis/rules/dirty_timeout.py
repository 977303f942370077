"""dirty-timeout: a step was given up because of time and never compensated; its work may have been done."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import RemedyKind
from sagadoctor.model.saga import SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import compensable, done_late, repaired, timed_out
from ..sign import Rule, Sign

_UNDOING = frozenset((SagaState.COMPENSATING, SagaState.COMPENSATED, SagaState.FAILED, SagaState.CANCELLED))


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a saga that is undone, or being undone, has a compensable step that timed out."""
    del now
    if case.state not in _UNDOING or repaired(case):
        return None
    for step in case.steps or ():
        if not timed_out(step) or step.compensated_at is not None or not compensable(step, policy):
            continue
        if done_late(step):
            continue  # late-success knows that it was done
        return Sign(
            summary=f"{step.name} ran out of time and was never undone: the participant may have done the work",
            evidence=(
                facts.step_status(case, step),
                *((facts.status(case, f"the error was: {step.error}"),) if step.error else ()),
                *((facts.time(case, "the deadline of the step", step.timeout_at),) if step.timeout_at else ()),
                facts.saga_state(case),
                *(
                    facts.status(case, f"a command of {step.name} never left {entry.source}", supports=False)
                    for entry in case.saga.outbox
                    if entry.sent is False and entry.step == step.name
                ),
            ),
            step=step,
            cause=step.error,
            treatments=(
                treatments.call_human("ask the participant whether it did the work", step),
                treatments.refuse(
                    RemedyKind.RESEND_COMPENSATION,
                    "undoing what was perhaps never done can be as wrong as not undoing it",
                    "unknown-outcome",
                    step,
                ),
            ),
        )
    return None


RULE = Rule(
    "dirty-timeout",
    Severity.WARNING,
    examine,
    "timed-out steps that nobody undid",
    states=_UNDOING,
    statuses=frozenset((StepStatus.FAILED, StepStatus.TIMED_OUT)),
)
