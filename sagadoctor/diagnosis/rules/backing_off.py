"""backing-off: asleep until a known time in the future; nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import NOT_ENDED, SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import attempts, error, next_attempt, rises
from ..deadlines import words
from ..sign import Rule, Sign


def _too_late(case: Case, again: datetime, now: datetime) -> Iterator[Evidence]:
    """Yield the deadlines, of the step that rests or of the saga, that will have passed by the next try."""
    step = case.current
    own = step.timeout_at if step is not None and step.status is StepStatus.EXECUTING else None
    for at, whose in ((own, f"of step {step.name}" if step is not None else ""), (case.saga.deadline, "of the saga")):
        if at is not None and at < again:
            when = f"passed {words((now - at).total_seconds())} ago" if at < now else "passes before it is tried again"
            yield facts.time(case, f"the deadline {whose} {when}", at, supports=False)


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a live saga will be tried again at a known time that hasn't come, and retries aren't exhausted."""
    again = next_attempt(case)
    if again is None or again[0] <= now or not case.saga.is_live:
        return None
    tried = attempts(case, policy)
    if tried is not None and (tried >= policy.thresholds.attempts or rises(case, policy, now)):
        return None
    if case.state is not SagaState.BACKING_OFF and not (tried or error(case, case.current)):
        return None
    at, field = again
    rest = words((at - now).total_seconds())
    return Sign(
        summary=f"it rests and is tried again in {rest}" + (f" (tried {tried} times so far)" if tried else ""),
        evidence=(
            facts.time(case, f"{field} is in {rest}", at),
            facts.saga_state(case),
            *_too_late(case, at, now),
        ),
        step=case.current,
        cause=error(case, case.current),
        treatments=(treatments.wait("the engine tries again by itself", case.current),),
    )


RULE = Rule("backing-off", Severity.INFO, examine, "sagas that rest before a retry", states=NOT_ENDED)
