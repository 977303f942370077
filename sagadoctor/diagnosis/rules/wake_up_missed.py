"""wake-up-missed: the time of the next retry or timer has passed and nothing happened."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import SagaState

from .. import facts, treatments
from ..anatomy import executing, next_attempt, overslept
from ..deadlines import after, step_due, words
from ..sign import Rule, Sign


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a live saga's next attempt was due more than `wake_up` ago and it has not moved since."""
    if not case.saga.is_live or case.state is SagaState.PAUSED:
        return None
    again = next_attempt(case)
    if again is None or not overslept(case, policy, now):
        return None
    at, field = again
    if any((due := step_due(case, each, policy)) is not None and due.at > now for each in executing(case)):
        return None  # the next attempt is out: its own deadline lies ahead
    step = case.current
    span = words((now - at).total_seconds())
    return Sign(
        summary=f"it should have been woken {span} ago and was not: the timer or the retry worker stands still",
        evidence=(
            facts.time(case, f"{field} passed {span} ago", at),
            facts.saga_state(case),
            *facts.standstill(case, now),
        ),
        step=step,
        due=after(at, policy.thresholds.wake_up),
        treatments=(
            treatments.call_human("start whatever wakes sleeping sagas (timer, cron, retry worker)", step),
            *(
                (treatments.retry_step(step, policy, "only where the engine will not wake it by itself"),)
                if step
                else ()
            ),
        ),
    )


RULE = Rule("wake-up-missed", Severity.CRITICAL, examine, "sagas that nobody woke")
