"""By when something should have happened, and who says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from sagadoctor.model.case import Case
from sagadoctor.model.finding import EvidenceKind
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import SagaState, Step

from .anatomy import executing

_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)
_NOTHING: Final = timedelta()
JUST_BEGUN: Final = timedelta(minutes=1)
"""How long the steps of a saga that has begun may be on their way into a table of their own."""


class Due(msgspec.Struct, frozen=True):
    """A deadline: when, in words where it comes from, and which kind of fact it is."""

    at: datetime
    because: str
    kind: EvidenceKind


def after(at: datetime, span: timedelta) -> datetime:
    """Return the moment `span` after `at`; where the calendar ends, its first or last one."""
    try:
        return at + span
    except OverflowError:
        return _LAST if span > _NOTHING else _FIRST


def before(at: datetime, span: timedelta) -> datetime:
    """Return the moment `span` before `at`; where the calendar ends, its first or last one."""
    try:
        return at - span
    except OverflowError:
        return _FIRST if span > _NOTHING else _LAST


def step_due(case: Case, step: Step, policy: SagaPolicy) -> Due | None:
    """Return the deadline of a step that is out: its own, else the configured timeout, else the saga's deadline."""
    return own_due(case, step, policy) or saga_due(case)


def own_due(case: Case, step: Step, policy: SagaPolicy) -> Due | None:
    """Return what is known of this step alone: its own deadline, else the configured timeout from start or progress.

    A configured timeout says nothing of a saga that rests, by the store's word or by the configuration's: a person, a
    timer or a signal may take up to `max_wait`. A deadline in the row holds for those too.
    """
    if step.timeout_at is not None:
        return Due(step.timeout_at, f"timeout_at of step {step.name}", EvidenceKind.TIME)
    defined = policy.step(step.name)
    if defined is None or defined.timeout is None or defined.waits_for is not None:
        return None
    if case.saga.waiting_for is not None or case.state is SagaState.WAITING:
        return None
    start, origin = (
        (step.started_at, "its start") if step.started_at is not None else (case.progress_at, "the last progress")
    )
    if start is None:
        return None
    text = f"timeout {words(defined.timeout.total_seconds())} of step {step.name}, counted from {origin}"
    return Due(after(start, defined.timeout), text, EvidenceKind.DECLARED)


def saga_due(case: Case) -> Due | None:
    """Return the saga's own deadline, where its row tells one."""
    return None if case.saga.deadline is None else Due(case.saga.deadline, "the saga's deadline", EvidenceKind.TIME)


def max_wait(case: Case, policy: SagaPolicy) -> timedelta | None:
    """Return how long the current step may be waited for, where the configuration says so of this very step."""
    defined = policy.step(case.current.name) if case.current is not None else None
    return defined.max_wait if defined is not None else None


def resting_limit(case: Case, policy: SagaPolicy) -> timedelta:
    """Return how long this saga may rest: the current step's `max_wait`, else the policy's."""
    own = max_wait(case, policy)
    return policy.thresholds.max_wait if own is None else own


def late_from(case: Case, policy: SagaPolicy) -> datetime | None:
    """Return the moment from which a forward saga that rests is late; None where nothing tells.

    A step's own deadline counts first. Else it is the end of the `max_wait` configured for its step or the saga's
    deadline, whichever comes first, and only where neither is known the policy's `max_wait`.
    """
    own = [own_due(case, step, policy) for step in executing(case)]
    told = [due.at for due in own if due is not None]
    if told and None not in own:
        return min(told)
    deadline = case.saga.deadline
    if case.progress_at is not None and not told and (deadline is None or max_wait(case, policy) is not None):
        told.append(after(case.progress_at, resting_limit(case, policy)))
    if deadline is not None:
        told.append(deadline)
    return min(told, default=None)


def words(seconds: float) -> str:
    """Return a span of time as a tired person reads it: `45s`, `12m`, `3h 20m`, `2d 4h`."""
    left = int(abs(seconds))
    if left < 60:
        return f"{left}s"
    if left < 3600:
        return f"{left // 60}m" + (f" {left % 60}s" if left < 600 and left % 60 else "")
    if left < 86_400:
        return f"{left // 3600}h" + (f" {left % 3600 // 60}m" if left % 3600 >= 60 else "")
    return f"{left // 86_400}d" + (f" {left % 86_400 // 3600}h" if left % 86_400 >= 3600 else "")
