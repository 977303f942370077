"""retry-loop: it is tried again and again without getting on, however fresh the row looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import NOT_ENDED, StepStatus

from .. import facts, treatments
from ..anatomy import attempts, error, next_attempt, rises, waits_for, with_status
from ..deadlines import words
from ..sign import Rule, Sign


def _got_on(case: Case, policy: SagaPolicy, now: datetime) -> Iterator[Evidence]:
    """Yield the step that was done lately: a count of the whole saga's attempts may be made of several steps'."""
    if case.saga.attempts is None or (case.current is not None and case.current.attempts is not None):
        return
    done = [step for step in with_status(case, StepStatus.COMPLETED) if step.executed_at is not None]
    last = max(done, key=lambda step: (step.executed_at, step.index), default=None)
    if last is None or last.executed_at is None or now - last.executed_at > policy.thresholds.no_progress:
        return
    span = words((now - last.executed_at).total_seconds())
    yield facts.time(case, f"step {last.name} was done {span} ago", last.executed_at, supports=False)


def _count(tried: int, case: Case, policy: SagaPolicy, now: datetime) -> Iterator[Evidence]:
    """Yield what the number of attempts says, by itself and beside the one that was seen before."""
    limit, tries = policy.thresholds.attempts, case.tries
    if tried >= limit:
        yield facts.status(case, f"{tried} attempts; {limit} is where the policy stops believing")
    else:
        yield facts.status(case, f"{tried} attempts so far")
    if tries is not None and rises(case, policy, now):
        before = f"{tries.first} attempt{'' if tries.first == 1 else 's'}"
        span = words((now - tries.since).total_seconds())
        fact = f"{before} {span} ago, {tried} now, the same error at every look"
        yield Evidence(fact, EvidenceKind.OBSERVATION, "ledger", True, tries.since)


def _planned(case: Case, now: datetime, *, high: bool) -> Iterator[Evidence]:
    """Yield the next attempt: of many it is one more, of a few it may be the one that succeeds."""
    again = next_attempt(case)
    if again is None or again[0] <= now:
        return
    if high:
        yield facts.time(case, f"the next attempt is due in {words((again[0] - now).total_seconds())}", again[0])
    else:
        yield facts.tries_again(case, again, now)


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a live saga, or an open step of it, has been tried `attempts` times, or fails on with one error."""
    if not case.saga.is_live:
        return None
    tried = attempts(case, policy)
    if tried is None:
        return None
    high = tried >= policy.thresholds.attempts
    if not high and not rises(case, policy, now):
        return None
    said = error(case, case.current)
    if said is None and waits_for(case, policy) is not None:
        return None  # looking again and again whether a person has answered is no failing retry
    evidence = [*_count(tried, case, policy, now), facts.saga_state(case)]
    evidence.append(facts.said_or_not(case, said))
    evidence += facts.no_steps(case)
    evidence += _planned(case, now, high=high)
    evidence += [each for each in facts.standstill(case, now) if case.progress_from != "updated_at"]
    evidence += _got_on(case, policy, now)
    named = f" at {case.current.name}" if case.current is not None else ""
    return Sign(
        summary=f"tried {tried} times{named} without getting on" + (f": {said}" if said else ""),
        evidence=tuple(evidence),
        step=case.current,
        cause=said,
        treatments=(
            treatments.call_human(
                "the engine retries by itself; mend the cause, one more try changes nothing"
                if said
                else "the engine retries by itself, and no error is told: find the cause in the logs",
                case.current,
            ),
        ),
    )


RULE = Rule("retry-loop", Severity.CRITICAL, examine, "retries that never succeed", states=NOT_ENDED)
