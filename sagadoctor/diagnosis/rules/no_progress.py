"""no-progress: alive and past its own deadline, or without any, and nothing has moved for longer than it may."""

from __future__ import annotations

from datetime import datetime, timedelta

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Remedy
from sagadoctor.model.saga import FORWARD, NOT_ENDED, SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import asleep, compensable, error, executing, next_attempt, overslept, waits_for, with_status
from ..deadlines import Due, after, max_wait, own_due, resting_limit, saga_due, words
from ..sign import Rule, Sign


def _other_rule_judges(case: Case, policy: SagaPolicy, now: datetime) -> bool:
    paused = case.state is SagaState.PAUSED
    if next_attempt(case) is not None and (asleep(case, policy, now) or (overslept(case, policy, now) and not paused)):
        return True
    if case.state is SagaState.COMPENSATING:
        return _undo_is_judged(case, policy)
    if case.state not in FORWARD or paused:
        return False
    return any(own_due(case, step, policy) is not None for step in executing(case))


def _undo_is_judged(case: Case, policy: SagaPolicy) -> bool:
    """Say whether a rule about undos says when this compensating saga has stood still for too long."""
    if not case.steps or with_status(case, StepStatus.COMPENSATING, StepStatus.COMPENSATION_FAILED):
        return True
    if any(compensable(step, policy) for step in with_status(case, StepStatus.COMPLETED)):
        return True
    return not with_status(case, StepStatus.EXECUTING, StepStatus.COMPLETED, StepStatus.UNKNOWN)


def _nobody_else_tells(case: Case, policy: SagaPolicy, now: datetime) -> bool:
    """Say of a saga whose own deadline has passed whether no other rule speaks of it: then this one does."""
    if overslept(case, policy, now):
        return False
    if case.state is SagaState.COMPENSATING:
        if asleep(case, policy, now) or with_status(case, StepStatus.COMPENSATION_FAILED):
            return False
        in_time = case.progress_at is None or now - case.progress_at <= policy.thresholds.compensation
        return in_time or not _undo_is_judged(case, policy)
    if case.state is SagaState.BACKING_OFF and asleep(case, policy, now):
        return False
    return case.state not in FORWARD or not executing(case)


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a live saga is past its own deadline, or knows none and has stood still past its limit."""
    if not case.saga.is_live:
        return None
    paused = case.state is SagaState.PAUSED
    due = saga_due(case)
    if due is not None and due.at < now and not paused:
        return _past_deadline(case, policy, due, now) if _nobody_else_tells(case, policy, now) else None
    if _other_rule_judges(case, policy, now):
        return None
    resting = waits_for(case, policy)
    rests = resting is not None or paused
    if due is not None and due.at >= now and not (rests and max_wait(case, policy) is not None):
        return None
    limit = resting_limit(case, policy) if rests else policy.thresholds.no_progress
    if case.progress_at is None or now - case.progress_at <= limit:
        return None
    return _past_limit(case, policy, now, case.progress_at, limit, resting)


def _past_deadline(case: Case, policy: SagaPolicy, due: Due, now: datetime) -> Sign:
    """Say that the saga is late by its own word; as an info where it is being undone and moved lately.

    A deadline that passes is a usual reason to undo a saga: how long that may take is for other rules to say.
    """
    step = case.current
    said = error(case, step)
    span = words((now - due.at).total_seconds())
    at = case.progress_at
    moved = at is not None and at > due.at
    fresh = at is not None and now - at <= policy.thresholds.no_progress
    undone = moved and fresh and case.state is SagaState.COMPENSATING
    evidence = [facts.saga_state(case), facts.overdue(case, due, now)]
    if step is not None:
        evidence.append(facts.step_status(case, step))
    if said:
        evidence.append(facts.status(case, f"the error is: {said}"))
    if moved:
        evidence.append(facts.moved_after(case))
    else:
        evidence += facts.standstill(case, now)
    again = next_attempt(case)
    if again is not None and again[0] > now:
        evidence.append(facts.tries_again(case, again, now))
    where = f" at {step.name}" if step is not None else ""
    return Sign(
        summary=f"its own deadline passed {span} ago, and it is being undone"
        if undone
        else f"its own deadline passed {span} ago, and it has not ended{where}",
        evidence=tuple(evidence),
        step=step,
        severity=Severity.INFO if undone else None,
        due=due.at,
        cause=said,
        leads=not undone,
        treatments=(
            treatments.wait("its undo has a time of its own", step)
            if undone
            else treatments.call_human("look at what holds it up, and at whoever watches over its deadline", step),
        ),
    )


def _past_limit(
    case: Case, policy: SagaPolicy, now: datetime, since: datetime, limit: timedelta, resting: str | None
) -> Sign:
    span, may = words((now - since).total_seconds()), words(limit.total_seconds())
    step = case.current
    said = error(case, step)
    where = f" at {step.name}" if step is not None else ""
    proposals: tuple[Remedy, ...]
    if resting is not None:
        summary = f"it has waited for {resting}{where} for {span}, longer than {may}"
        proposals = (treatments.call_human(f"ask whoever it waits for ({resting})", step),)
    elif case.state is SagaState.PAUSED:
        summary = f"it has been paused{where} for {span}, longer than {may}"
        proposals = (treatments.call_human("ask whoever paused it whether it is to go on", step),)
    else:
        summary = f"nothing has moved{where} for {span}, and nobody knows by when it should have"
        free = facts.free_locks(case)
        proposals = (
            treatments.call_human(
                "nobody holds the lock that it waits for: find out who should have woken it"
                if free
                else "look at the participant first; set a timeout for this step to know more",
                step,
            ),
            *(
                treatments.send_again(case, step, policy, "the command or its reply may be lost")
                if executing(case) and not free
                else ()
            ),
        )
    return Sign(
        summary=summary,
        evidence=(
            facts.saga_state(case),
            *((facts.step_status(case, step),) if step is not None else ()),
            *facts.standstill(case, now),
            *facts.no_steps(case),
            *facts.free_locks(case),
            facts.declared(f"a saga like this may stand still for {may}"),
            *((facts.status(case, f"the error is: {said}"),) if said else ()),
        ),
        step=step,
        due=after(since, limit),
        cause=said,
        treatments=proposals,
    )


RULE = Rule("no-progress", Severity.WARNING, examine, "sagas that stand still", states=NOT_ENDED)
