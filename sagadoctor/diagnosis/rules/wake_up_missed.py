"""wake-up-missed: the time of the next retry or timer has passed and nothing happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import NOT_ENDED, SagaState

from .. import facts, treatments
from ..anatomy import executing, next_attempt, overslept, waits_for
from ..deadlines import after, own_due, words
from ..sign import Rule, Sign

_START: Final = "start whatever wakes sleeping sagas (timer, cron, retry worker)"


def _signs_of_life(case: Case, since: datetime) -> Iterator[Evidence]:
    """Yield what shows that somebody has been at work on this saga since it should have been woken."""
    owner = case.saga.owner
    if owner is not None and owner.heartbeat_at is not None and owner.heartbeat_at > since:
        yield facts.time(case, f"{owner.name} has shown a sign of life since", owner.heartbeat_at, supports=False)
    for entry in case.saga.outbox:
        if entry.created_at is not None and entry.created_at > since:
            fact = f"a command of it was written to {entry.source} since"
            yield facts.time(case, fact, entry.created_at, supports=False)


def _elsewhere(case: Case, policy: SagaPolicy, now: datetime) -> tuple[str, str, tuple[Evidence, ...]]:
    """Return why it was not woken, what to do, and the evidence, as far as the store's other live sagas tell."""
    stirred = case.stirred_at
    if stirred is None or stirred > now:
        return "the timer or the retry worker stands still, or does not come to it", _START, ()
    span = words((now - stirred).total_seconds())
    if now - stirred <= policy.thresholds.wake_up:
        fact = facts.time(case, f"another live saga of this store was written {span} ago", stirred, supports=False)
        why = "others were, so whoever wakes them is held up, or has lost this one"
        return why, "see what holds up whoever wakes sleeping sagas; it works, but did not come to this one", (fact,)
    fact = facts.time(case, f"no live saga of this store was written for {span}: nobody wakes any", stirred)
    return "the timer or the retry worker stands still", _START, (fact,)


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
    why, remedy, elsewhere = _elsewhere(case, policy, now)
    return Sign(
        summary=f"it should have been woken {span} ago and was not: {why}",
        evidence=(
            facts.time(case, f"{field} passed {span} ago", at),
            facts.saga_state(case),
            *facts.standstill(case, now),
            *elsewhere,
            *_signs_of_life(case, at),
        ),
        step=step,
        due=after(at, policy.thresholds.wake_up),
        treatments=(
            treatments.call_human(remedy, step),
            *treatments.send_again(case, step, policy, "only where the engine will not wake it by itself"),
        ),
    )


RULE = Rule("wake-up-missed", Severity.CRITICAL, examine, "sagas that nobody woke", states=NOT_ENDED)
