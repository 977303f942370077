"""wake-up-missed: the time of the next retry or timer has passed and nothing happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import NOT_ENDED, SagaState

from .. import facts, treatments
from ..anatomy import executing, next_attempt, overslept, waits_for
from ..deadlines import after, own_due, words
from ..sign import Rule, Sign


def _signs_of_life(case: Case, since: datetime) -> Iterator[Evidence]:
    """Yield what shows that somebody has been at work on this saga since it should have been woken."""
    owner = case.saga.owner
    if owner is not None and owner.heartbeat_at is not None and owner.heartbeat_at > since:
        yield facts.time(case, f"{owner.name} has shown a sign of life since", owner.heartbeat_at, supports=False)
    for entry in case.saga.outbox:
        if entry.created_at is not None and entry.created_at > since:
            fact = f"a command of it was written to {entry.source} since"
            yield facts.time(case, fact, entry.created_at, supports=False)


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a live saga's next attempt was due more than `wake_up` ago and it has not moved since."""
    again = next_attempt(case)
    if again is None or not case.saga.is_live or case.state is SagaState.PAUSED or not overslept(case, policy, now):
        return None
    at, field = again
    if waits_for(case, policy) is None and any(
        (due := own_due(case, each, policy)) is not None and due.at > now for each in executing(case)
    ):
        return None  # the next attempt is out: its own deadline lies ahead
    step = case.current
    span = words((now - at).total_seconds())
    return Sign(
        summary=f"it should have been woken {span} ago and was not: the timer or the retry worker stands still",
        evidence=(
            facts.time(case, f"{field} passed {span} ago", at),
            facts.saga_state(case),
            *facts.standstill(case, now),
            *_signs_of_life(case, at),
        ),
        step=step,
        due=after(at, policy.thresholds.wake_up),
        treatments=(
            treatments.call_human("start whatever wakes sleeping sagas (timer, cron, retry worker)", step),
            *treatments.send_again(case, step, policy, "only where the engine will not wake it by itself"),
        ),
    )


RULE = Rule("wake-up-missed", Severity.CRITICAL, examine, "sagas that nobody woke", states=NOT_ENDED)
