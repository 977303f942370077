"""failure-not-handled: a step failed, earlier work stands, and the saga neither compensates nor tries again."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import FORWARD, SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import UNDO_BEGUN, asleep, error, excused, executing, names, past_pivot, with_status
from ..deadlines import after
from ..sign import Rule, Sign

_HANDLED = (SagaState.PAUSED, SagaState.WAITING, SagaState.BACKING_OFF)
"""The store itself says that a person, an event or a retry comes next."""


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a forward saga has a failed step after completed ones and has stood still past `compensation`."""
    if case.state not in FORWARD or case.state in _HANDLED or case.saga.waiting_for is not None:
        return None
    failed = tuple(
        step for step in with_status(case, StepStatus.FAILED, StepStatus.TIMED_OUT) if not excused(case, step, policy)
    )
    if not failed or executing(case) or with_status(case, *UNDO_BEGUN):
        return None
    step = failed[0]
    before = tuple(
        each for each in with_status(case, StepStatus.COMPLETED) if policy.parallel or each.index < step.index
    )
    if not before or asleep(case, policy, now):
        return None
    if case.progress_at is None or now - case.progress_at <= policy.thresholds.compensation:
        return None
    said = error(case, step)
    later = (
        ()
        if policy.parallel
        else tuple(each for each in with_status(case, StepStatus.COMPLETED) if each.index > step.index)
    )
    turned = past_pivot(case, policy)
    fail = treatments.fail_step(step, "the orchestrator died before its first undo; told again, it compensates")
    why = (
        f"{turned.name}, the step of no return, is done: from here the saga only goes forward"
        if turned is not None
        else "going forward instead is right only if the failure was passing"
    )
    retry = treatments.retry_step(step, policy, why)
    return Sign(
        summary=f"{step.name} failed and nothing followed: {names(before)} still stands, neither undone nor gone on",
        evidence=(
            facts.saga_state(case),
            facts.step_status(case, step),
            facts.said_or_not(case, said),
            *(facts.step_status(case, each) for each in before),
            *facts.standstill(case, now),
            *(
                facts.status(case, f"step {each.name}, which comes after it, is completed", supports=False)
                for each in later
            ),
        ),
        step=step,
        due=after(case.progress_at, policy.thresholds.compensation),
        cause=said,
        treatments=(fail, retry) if turned is None else (retry, fail),
    )


RULE = Rule(
    "failure-not-handled",
    Severity.CRITICAL,
    examine,
    "failures that nobody handled",
    states=FORWARD,
    statuses=frozenset((StepStatus.FAILED, StepStatus.TIMED_OUT)),
)
