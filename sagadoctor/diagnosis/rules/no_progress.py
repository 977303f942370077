"""no-progress: alive, without any known deadline, and nothing has moved for longer than the policy allows."""

from __future__ import annotations

from datetime import datetime, timedelta

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import FORWARD, SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import asleep, compensable, error, executing, overslept, waits_for, with_status
from ..deadlines import after, step_due, words
from ..sign import Rule, Sign


def resting_limit(case: Case, policy: SagaPolicy) -> timedelta:
    """Return how long this saga may rest: the current step's `max_wait`, else the policy's."""
    defined = policy.step(case.current.name) if case.current is not None else None
    if defined is not None and defined.max_wait is not None:
        return defined.max_wait
    return policy.thresholds.max_wait


def limit_of(case: Case, policy: SagaPolicy) -> timedelta:
    """Return how long this saga may stand still: `max_wait` while it rests on purpose, else `no_progress`."""
    if waits_for(case, policy) is not None or case.state is SagaState.PAUSED:
        return resting_limit(case, policy)
    return policy.thresholds.no_progress


def _other_rule_judges(case: Case, policy: SagaPolicy, now: datetime) -> bool:
    paused = case.state is SagaState.PAUSED
    if asleep(case, policy, now) or (overslept(case, policy, now) and not paused):
        return True
    if case.state is SagaState.COMPENSATING:
        if not case.steps or with_status(case, StepStatus.COMPENSATING, StepStatus.COMPENSATION_FAILED):
            return True
        if any(compensable(step, policy) for step in with_status(case, StepStatus.COMPLETED)):
            return True
        return not with_status(case, StepStatus.EXECUTING, StepStatus.COMPLETED, StepStatus.UNKNOWN)
    if case.state not in FORWARD or paused:
        return False
    return any(step_due(case, step, policy) is not None for step in executing(case))


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a live saga has stood still past its limit and no deadline of its own is known."""
    if not case.saga.is_live or case.progress_at is None or _other_rule_judges(case, policy, now):
        return None
    limit = limit_of(case, policy)
    if now - case.progress_at <= limit:
        return None
    span = words((now - case.progress_at).total_seconds())
    resting = waits_for(case, policy)
    step = case.current
    said = error(case, step)
    where = f" at {step.name}" if step is not None else ""
    if resting is not None:
        summary = f"it has waited for {resting}{where} for {span}, longer than {words(limit.total_seconds())}"
        proposals = (treatments.call_human(f"ask whoever it waits for ({resting})", step),)
    else:
        summary = f"nothing has moved{where} for {span}, and nobody knows by when it should have"
        proposals = (
            treatments.call_human("look at the participant first; set a timeout for this step to know more", step),
            *(
                (treatments.retry_step(step, policy, "the command or its reply may be lost"),)
                if executing(case) and step
                else ()
            ),
        )
    return Sign(
        summary=summary,
        evidence=(
            facts.saga_state(case),
            *((facts.step_status(case, step),) if step is not None else ()),
            *facts.standstill(case, now),
            facts.declared(f"a saga like this may stand still for {words(limit.total_seconds())}"),
            *((facts.status(case, f"the error is: {said}"),) if said else ()),
        ),
        step=step,
        due=after(case.progress_at, limit),
        cause=said,
        treatments=proposals,
    )


RULE = Rule("no-progress", Severity.WARNING, examine, "sagas that stand still")
