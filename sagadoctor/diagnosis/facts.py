"""Writing down evidence: each fact with its kind, its source, and when it was true."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, EvidenceKind
from sagadoctor.model.saga import Step

from .deadlines import Due, words

_STATUS: Final = EvidenceKind.STATUS
_TIME: Final = EvidenceKind.TIME
_JUST_NOW: Final = timedelta(seconds=30)
"""A saga that moved this recently may be between two transactions: its time is no second fact for a repair."""


def status(case: Case, fact: str, *, supports: bool = True) -> Evidence:
    """Return a fact read from a status word of the row."""
    return Evidence(fact, _STATUS, case.saga.source, supports, case.saga.updated_at)


def saga_state(case: Case) -> Evidence:
    """Return the fact of the saga's own state, with the store's word for it."""
    raw = case.saga.raw_state
    told = f" (the store says {raw})" if raw is not None and raw.lower() != case.state else ""
    return status(case, f"the saga is {case.state.replace('_', ' ')}{told}")


def step_status(case: Case, step: Step, *, supports: bool = True) -> Evidence:
    """Return the fact of one step's status, with the store's word for it."""
    raw = step.raw_status
    told = f" (the store says {raw})" if raw is not None and raw.lower() != step.status else ""
    derived = ", concluded from other columns" if step.derived else ""
    return status(case, f"step {step.name} is {step.status.replace('_', ' ')}{told}{derived}", supports=supports)


def time(case: Case, fact: str, at: datetime | None, *, supports: bool = True) -> Evidence:
    """Return a fact read from a time of the row."""
    return Evidence(fact, _TIME, case.saga.source, supports, at)


def declared(fact: str, *, supports: bool = True) -> Evidence:
    """Return a fact that the configuration says."""
    return Evidence(fact, EvidenceKind.DECLARED, "configuration", supports)


def standstill(case: Case, now: datetime) -> tuple[Evidence, ...]:
    """Return since when nothing has moved, as a time or as an observation; nothing where nobody can tell.

    A move just now is evidence against: the rest of it may not be written yet.
    """
    if case.progress_at is None or case.progress_from is None:
        return ()
    still = now - case.progress_at > _JUST_NOW
    span = words((now - case.progress_at).total_seconds())
    if case.progress_from == "observation":
        text = (
            f"the row tells no time of change; it has looked the same for {span}, as far as it was watched"
            if still
            else "the row changed just now"
        )
        return (Evidence(text, EvidenceKind.OBSERVATION, "ledger", still, case.progress_at),)
    if not still:
        return (time(case, f"it moved just now ({case.progress_from})", case.progress_at, supports=False),)
    return (time(case, f"nothing has moved for {span} ({case.progress_from} is the latest)", case.progress_at),)


def no_steps(case: Case) -> tuple[Evidence, ...]:
    """Return the fact, against any certainty, that nobody knows the saga's steps; nothing where they are known."""
    if case.steps is not None:
        return ()
    fact = "the store tells no steps of it: what was done, and what of it stands, only the participants know"
    return (Evidence(fact, EvidenceKind.DECLARED, case.saga.source, False),)


def free_locks(case: Case) -> tuple[Evidence, ...]:
    """Return the fact that nobody holds a lock that the saga still waits for: its release woke nobody."""
    return tuple(
        Evidence(
            f"it waits for lock {wait.target}, which nobody holds: whoever released it did not wake this saga",
            _STATUS,
            wait.source,
        )
        for wait in case.saga.waits_on
        if wait.holder_id is None
    )


def said_or_not(case: Case, said: str | None) -> Evidence:
    """Return what the error was, or that the store doesn't tell it: then the cause is to be looked for elsewhere."""
    if said:
        return status(case, f"the error is: {said}")
    fact = "the store tells no error: why it fails has to be looked for in the logs of whoever failed"
    return Evidence(fact, EvidenceKind.DECLARED, case.saga.source)


def overdue(case: Case, due: Due, now: datetime) -> Evidence:
    """Return the fact that a deadline has passed."""
    late = words((now - due.at).total_seconds())
    source = "configuration" if due.kind is EvidenceKind.DECLARED else case.saga.source
    return Evidence(f"{due.because} passed {late} ago", due.kind, source, True, due.at)


def moved_after(case: Case) -> Evidence:
    """Return the fact, against lateness, that the saga has moved since its deadline."""
    fact = f"the row still moved after the deadline ({case.progress_from})"
    return time(case, fact, case.progress_at, supports=False)


def tries_again(case: Case, again: tuple[datetime, str], now: datetime) -> Evidence:
    """Return the fact, against any repair by hand, that the engine has planned its next attempt."""
    at, field = again
    return time(case, f"the engine tries again in {words((at - now).total_seconds())} ({field})", at, supports=False)


def undone(case: Case, step: Step) -> Evidence:
    """Return the fact that a step's undo has run, with its time where the row tells it."""
    if step.compensated_at is not None:
        return time(case, f"step {step.name} was compensated", step.compensated_at)
    return step_status(case, step)


def undo_shown(case: Case, steps: tuple[Step, ...]) -> tuple[Evidence, ...]:
    """Return the fact, against sending an undo, that a step which isn't marked as undone shows when it was."""
    return tuple(
        Evidence(
            f"step {step.name} is {step.status.value}, but shows a time of its undo",
            _STATUS,
            case.saga.source,
            False,
            step.compensated_at,
        )
        for step in steps
        if step.compensated_at is not None
    )
