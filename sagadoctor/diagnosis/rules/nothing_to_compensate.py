"""nothing-to-compensate: the saga compensates, but there is nothing to undo, so nothing will ever end it."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Advice, Remedy, RemedyKind
from sagadoctor.model.saga import SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import asleep, done_late, error, timed_out, with_status
from ..deadlines import after
from ..sign import Rule, Sign

_WORK = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.COMPENSATING,
    StepStatus.COMPENSATION_FAILED,
    StepStatus.UNKNOWN,
)


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a compensating saga's known steps hold no work, and it has stood still past `compensation`."""
    if case.state is not SagaState.COMPENSATING or case.steps is None or with_status(case, *_WORK):
        return None
    if case.progress_at is None or now - case.progress_at <= policy.thresholds.compensation:
        return None
    if asleep(case, policy, now):
        return None
    undone = with_status(case, StepStatus.COMPENSATED)
    doubtful = tuple(step for step in case.steps if timed_out(step) or done_late(step))
    failed = with_status(case, StepStatus.FAILED, StepStatus.TIMED_OUT)
    step = doubtful[0] if doubtful else (failed[0] if failed else None)
    evidence = [
        facts.saga_state(case),
        facts.status(
            case, "no step is completed, executing or compensating" if case.steps else "the row holds no steps"
        ),
        *(facts.undone(case, each) for each in undone),
        *facts.standstill(case, now),
    ]
    evidence += [
        facts.status(case, f"step {each.name} was given up, but the participant may have done the work", supports=False)
        for each in doubtful
    ]
    if not case.steps:
        evidence.append(facts.status(case, "what began the undo must have been a step: it may be lost", supports=False))
    if doubtful:
        close = treatments.refuse(
            RemedyKind.CLOSE_SAGA,
            f"{doubtful[0].name} may have been done: ask the participant first",
            "timed-out-step",
        )
    elif undone:
        close = Remedy(RemedyKind.CLOSE_SAGA, Advice.ASK, "every undo has run, so closing it only writes that down")
    else:
        close = Remedy(RemedyKind.CLOSE_SAGA, Advice.ASK, "nothing was done, so nothing is lost by closing it")
    why = "every undo has run and it was not closed" if undone else "no step has anything to undo"
    return Sign(
        summary=f"the saga is being undone, but {why}: no reply will ever end it",
        evidence=tuple(evidence),
        step=step,
        due=after(case.progress_at, policy.thresholds.compensation),
        cause=error(case, step),
        treatments=(close, treatments.call_human("the orchestrator waits for an undo that is not out", step)),
    )


RULE = Rule(
    "nothing-to-compensate",
    Severity.CRITICAL,
    examine,
    "sagas that compensate nothing",
    states=frozenset((SagaState.COMPENSATING,)),
)
