"""Reading a case: which steps ran, which are out, which undo is still owed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sagadoctor.late import LatePattern
from sagadoctor.model.case import Case, Relation
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import SagaState, Step, StepStatus

UNDO_BEGUN: Final = frozenset((StepStatus.COMPENSATING, StepStatus.COMPENSATED, StepStatus.COMPENSATION_FAILED))
TIMED_OUT_WORDS: Final = LatePattern(r"(?i)timed?[ _-]?out|deadline[ _-]?exceeded")
_NAMED: Final = 5
_RISEN: Final = 2
"""By how many attempts a count has to rise: one more may be the one that was out at the first look."""
# By names of their own, as in `gate`: in Python 3.11 looking a member up in its class takes four times as long.
_EXECUTING: Final = StepStatus.EXECUTING
_COMPENSATING: Final = SagaState.COMPENSATING
_WAITING: Final = SagaState.WAITING
_RESTING: Final = (SagaState.WAITING, SagaState.BACKING_OFF, SagaState.PAUSED)
_ENDED_BADLY: Final = (SagaState.COMPENSATED, SagaState.FAILED)
_AHEAD: Final = (StepStatus.EXECUTING, StepStatus.PENDING)
_BACKWARD: Final = frozenset((SagaState.COMPENSATING, SagaState.COMPENSATED, SagaState.FAILED, SagaState.CANCELLED))
_NO_RESULT: Final = frozenset((b"", b"null", b"{}", b"[]", b'""'))


def compensable(step: Step, policy: SagaPolicy) -> bool:
    """Say whether the step has an undo: configured so, or a compensation is named for it somewhere.

    The step of no return has none, whatever is named for it, and neither has what comes after it.
    """
    if step.name in policy.irreversible:
        return False
    defined = policy.step(step.name)
    if defined is not None and defined.compensable is not None:
        return defined.compensable
    return step.compensation is not None or (defined is not None and defined.compensation is not None)


def with_status(case: Case, *statuses: StepStatus) -> tuple[Step, ...]:
    """Return the steps in one of these statuses, in their order; empty where no steps are known."""
    found = [steps for status in statuses if (steps := case.by_status.get(status)) is not None]
    if len(found) < 2:
        return found[0] if found else ()
    return tuple([step for step in case.steps or () if step.status in statuses])


def executing(case: Case) -> tuple[Step, ...]:
    """Return the steps that are out."""
    return case.by_status.get(_EXECUTING, ())


def owed_undos(case: Case, policy: SagaPolicy) -> tuple[Step, ...]:
    """Return the compensable steps whose work was done and stands: completed, undo out, or undo failed."""
    standing = with_status(case, StepStatus.COMPLETED, StepStatus.COMPENSATING, StepStatus.COMPENSATION_FAILED)
    return tuple(step for step in standing if compensable(step, policy))


def repaired(case: Case) -> bool:
    """Say whether another saga was started to repair this one and has completed."""
    return bool(case.linked) and any(saga.state is SagaState.COMPLETED for saga in case.related(Relation.REPAIRED_BY))


def alternatives(case: Case, step: Step, policy: SagaPolicy) -> tuple[Step, ...]:
    """Return the other steps of the case that may take this one's place."""
    if not any(
        step.name in (defined.alternative_of, defined.name) for defined in policy.steps if defined.alternative_of
    ):
        return ()
    line = policy.line(step.name)
    others = {defined.name for defined in policy.steps if policy.line(defined.name) == line} | {line}
    return tuple(other for other in case.steps or () if other.name != step.name and other.name in others)


def optional(step: Step, policy: SagaPolicy) -> bool:
    """Say whether the saga may go on without this step."""
    defined = policy.step(step.name)
    return defined is not None and defined.optional


def excused(case: Case, step: Step, policy: SagaPolicy) -> bool:
    """Say whether the saga may go on although this step is not done: optional, or another one took its place."""
    return optional(step, policy) or any(
        other.status is StepStatus.COMPLETED for other in alternatives(case, step, policy)
    )


def has_result(step: Step) -> bool:
    """Say whether the step carries a reply with something in it; columns often default to an empty object."""
    return step.result is not None and step.result.strip() not in _NO_RESULT


def done_late(step: Step) -> bool:
    """Say whether a step that was given up shows that its work was done after all."""
    if step.status not in (StepStatus.FAILED, StepStatus.TIMED_OUT):
        return False
    return has_result(step) or executed_late(step)


def executed_late(step: Step) -> bool:
    """Say whether the step was executed after its own deadline."""
    return step.executed_at is not None and step.timeout_at is not None and step.executed_at > step.timeout_at


def is_half_compensated(case: Case, policy: SagaPolicy) -> bool:
    """Say whether an undo is owed although the undo had begun, or the saga ended as undone or failed."""
    if case.state is _COMPENSATING:
        if StepStatus.COMPENSATED not in case.by_status:
            return False
    elif case.state not in _ENDED_BADLY:
        return False
    return bool(owed_undos(case, policy)) and not repaired(case)


def timed_out(step: Step) -> bool:
    """Say whether the step was given up because of time: by its status, or failed with an error that says so."""
    if step.status is StepStatus.TIMED_OUT:
        return True
    return (
        step.status is StepStatus.FAILED and step.error is not None and TIMED_OUT_WORDS.search(step.error) is not None
    )


def pivots(case: Case, policy: SagaPolicy) -> tuple[Step, ...]:
    """Return the steps of no return that are configured and known."""
    return tuple(step for step in case.steps or () if (defined := policy.step(step.name)) is not None and defined.pivot)


def past_pivot(case: Case, policy: SagaPolicy) -> Step | None:
    """Return the step of no return that is done; None where none is."""
    if not policy.irreversible:
        return None
    return next((step for step in pivots(case, policy) if step.status is StepStatus.COMPLETED), None)


def undone_on_purpose(step: Step, case: Case, policy: SagaPolicy) -> bool:
    """Say whether undoing this step was the plan: the saga may do without it, or has another one in its place."""
    return optional(step, policy) or bool(alternatives(case, step, policy))


def goes_back(case: Case, policy: SagaPolicy) -> bool:
    """Say whether the saga is on its way back, or has ended so; one that rests is where an undo has begun."""
    if case.state in _RESTING:
        return any(not undone_on_purpose(step, case, policy) for step in with_status(case, *UNDO_BEGUN))
    return case.state in _BACKWARD


def waits_for(case: Case, policy: SagaPolicy) -> str | None:
    """Say what the saga is expected to rest for: the store's word, or what is configured for its current step.

    The configuration speaks of steps on their way forward: one that failed, or that is being undone, no longer waits,
    and no step waits for another one that is out.
    """
    if case.saga.waiting_for:
        return case.saga.waiting_for
    told = "a signal" if case.state is _WAITING else None
    if case.current is None or case.state is _COMPENSATING:
        return told
    if case.current.status not in _AHEAD:
        return told
    defined = policy.step(case.current.name)
    if defined is None or defined.waits_for is None:
        return told
    others = (policy.step(step.name) for step in executing(case))
    if any(other is None or other.waits_for is None for other in others):
        return told
    return defined.waits_for


def next_attempt(case: Case) -> tuple[datetime, str] | None:
    """Return when the saga or its current step will be tried again (the later of both), and the field that says so."""
    step, own = case.current, case.saga.next_attempt_at
    if step is None or step.next_attempt_at is None:
        return None if own is None else (own, "next_attempt_at")
    if own is not None and own > step.next_attempt_at:
        return own, "next_attempt_at"
    return step.next_attempt_at, f"steps.{step.name}.next_attempt_at"


def asleep(case: Case, policy: SagaPolicy, now: datetime) -> bool:
    """Say whether the next attempt is known and not yet missed: whoever wakes it may be `wake_up` late."""
    again = next_attempt(case)
    return again is not None and now - again[0] <= policy.thresholds.wake_up


def overslept(case: Case, policy: SagaPolicy, now: datetime) -> bool:
    """Say whether the next attempt was missed: its time has passed, and the saga has not moved since."""
    again = next_attempt(case)
    if again is None or asleep(case, policy, now):
        return False
    return case.progress_at is None or case.progress_at <= again[0]


def attempts(case: Case, policy: SagaPolicy) -> int | None:
    """Return the highest number of attempts that the saga, or a step that is still being tried, tells.

    What failed on the way forward is over once the saga compensates, or goes on without the step.
    """
    highest = case.saga.attempts
    for step in case.steps or ():
        count = step.attempts
        if count is not None and (highest is None or count > highest) and _is_tried(case, step, policy):
            highest = count
    return highest


def _is_tried(case: Case, step: Step, policy: SagaPolicy) -> bool:
    """Say whether the step is still being tried."""
    if step.status in (StepStatus.COMPENSATING, StepStatus.COMPENSATION_FAILED):
        return True
    if case.state is _COMPENSATING:
        return False
    if step.status is StepStatus.EXECUTING:
        return True
    if executing(case):
        return False
    if step.status in (StepStatus.FAILED, StepStatus.TIMED_OUT):
        return not excused(case, step, policy)
    return step.status is StepStatus.PENDING and step == case.current  # as some engines call it until the next attempt


def rises(case: Case, policy: SagaPolicy, now: datetime) -> bool:
    """Say whether attempts go on to fail with one error: two more of them, over longer than `no_progress`."""
    tries = case.tries
    if tries is None or not error(case, case.current):
        return False
    tried = attempts(case, policy)
    if tried is None or tried - tries.first < _RISEN:
        return False
    return now - tries.since > policy.thresholds.no_progress


def error(case: Case, step: Step | None = None) -> str | None:
    """Return the error text that belongs to this step, else to the saga; without a step, the last that any step has.

    What another step said is no word about this one: an order's refusal doesn't tell why its refund hangs.
    """
    if step is not None and step.error:
        return step.error
    if case.saga.error or step is not None:
        return case.saga.error
    for other in reversed(case.steps or ()):
        if other.error:
            return other.error
    return None


def reason_to_undo(case: Case) -> tuple[Step, str] | None:
    """Return the step whose failure began the undo, and what it said; None where no step tells."""
    for step in with_status(case, StepStatus.FAILED, StepStatus.TIMED_OUT):
        if step.error:
            return step, step.error
    return None


def names(steps: tuple[Step, ...]) -> str:
    """Return the steps' names for a sentence, of many the first five; outside text, sanitised by whoever shows it."""
    more = f" and {len(steps) - _NAMED} more" if len(steps) > _NAMED else ""
    return ", ".join(step.name for step in steps[:_NAMED]) + more
