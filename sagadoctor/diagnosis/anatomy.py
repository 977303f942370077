"""Reading a case: which steps ran, which are out, which undo is still owed."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from sagadoctor.model.case import Case
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.saga import SagaState, Step, StepStatus

UNDO_BEGUN: Final = frozenset((StepStatus.COMPENSATING, StepStatus.COMPENSATED, StepStatus.COMPENSATION_FAILED))
TIMED_OUT_WORDS: Final = re.compile(r"(?i)\btime[d]?[ _-]?out\b|\bdeadline exceeded\b")


def definition(step: Step, policy: SagaPolicy) -> StepDefinition | None:
    """Return what the configuration says of this step."""
    return policy.step(step.name)


def compensable(step: Step, policy: SagaPolicy) -> bool:
    """Say whether the step has an undo: configured so, or a compensation is named in the row or in the configuration."""
    defined = policy.step(step.name)
    if defined is not None and defined.compensable is not None:
        return defined.compensable
    return step.compensation is not None or (defined is not None and defined.compensation is not None)


def with_status(case: Case, *statuses: StepStatus) -> tuple[Step, ...]:
    """Return the steps in one of these statuses, in their order; empty where no steps are known."""
    return tuple(step for step in case.steps or () if step.status in statuses)


def executing(case: Case) -> tuple[Step, ...]:
    """Return the steps that are out."""
    return with_status(case, StepStatus.EXECUTING)


def owed_undos(case: Case, policy: SagaPolicy) -> tuple[Step, ...]:
    """Return the compensable steps whose work was done and stands: completed, undo out, or undo failed."""
    standing = with_status(case, StepStatus.COMPLETED, StepStatus.COMPENSATING, StepStatus.COMPENSATION_FAILED)
    return tuple(step for step in standing if compensable(step, policy))


def is_half_compensated(case: Case, policy: SagaPolicy) -> bool:
    """Say whether an undo is owed although the undo had begun, or the saga ended as undone or failed."""
    if not owed_undos(case, policy):
        return False
    if case.state in (SagaState.COMPENSATED, SagaState.FAILED):
        return True
    return case.state is SagaState.COMPENSATING and bool(with_status(case, StepStatus.COMPENSATED))


def timed_out(step: Step) -> bool:
    """Say whether the step was given up because of time: by its status, or failed with an error that says so."""
    if step.status is StepStatus.TIMED_OUT:
        return True
    return (
        step.status is StepStatus.FAILED and step.error is not None and TIMED_OUT_WORDS.search(step.error) is not None
    )


def pivot(case: Case, policy: SagaPolicy) -> Step | None:
    """Return the step of no return, where one is configured and known."""
    for step in case.steps or ():
        defined = policy.step(step.name)
        if defined is not None and defined.pivot:
            return step
    return None


def waits_for(case: Case, policy: SagaPolicy) -> str | None:
    """Say what the saga is expected to rest for: the store's word, or what is configured for its current step."""
    if case.saga.waiting_for:
        return case.saga.waiting_for
    if case.current is not None:
        defined = policy.step(case.current.name)
        if defined is not None and defined.waits_for is not None:
            return defined.waits_for
    return "a signal" if case.state is SagaState.WAITING else None


def next_attempt(case: Case) -> tuple[datetime, str] | None:
    """Return when the saga or its current step will be tried again, and the field that says so."""
    if case.current is not None and case.current.next_attempt_at is not None:
        return case.current.next_attempt_at, f"steps.{case.current.name}.next_attempt_at"
    if case.saga.next_attempt_at is not None:
        return case.saga.next_attempt_at, "next_attempt_at"
    return None


def attempts(case: Case) -> int | None:
    """Return the highest number of attempts that the saga or one of its open steps tells."""
    told = [case.saga.attempts] if case.saga.attempts is not None else []
    open_steps = with_status(case, StepStatus.EXECUTING, StepStatus.COMPENSATING, StepStatus.FAILED)
    told += [step.attempts for step in open_steps if step.attempts is not None]
    return max(told, default=None)


def error(case: Case, step: Step | None = None) -> str | None:
    """Return the error text that belongs to this step, else to the saga, else to its last step with one."""
    if step is not None and step.error:
        return step.error
    if case.saga.error:
        return case.saga.error
    for other in reversed(case.steps or ()):
        if other.error:
            return other.error
    return None


def names(steps: tuple[Step, ...]) -> str:
    """Return the steps' names for a sentence; outside text, sanitised by whoever shows it."""
    return ", ".join(step.name for step in steps)
