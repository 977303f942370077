"""By when something should have happened, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sagadoctor.model.case import Case
from sagadoctor.model.finding import EvidenceKind
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import SagaState, Step

_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)
_NOTHING: Final = timedelta()


@dataclass(frozen=True, slots=True)
class Due:
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
    """Return the deadline of a step that is out: its own, else the configured timeout from its start or progress.

    Steps that wait for a person, a timer or a signal have no deadline here; resting is what they do. A configured
    timeout says nothing while the store itself says that the saga waits. The saga's own deadline counts only where
    neither is known.
    """
    defined = policy.step(step.name)
    if defined is not None and defined.waits_for is not None:
        return None
    if step.timeout_at is not None:
        return Due(step.timeout_at, f"timeout_at of step {step.name}", EvidenceKind.TIME)
    store_waits = case.saga.waiting_for is not None or case.state is SagaState.WAITING
    if defined is not None and defined.timeout is not None and not store_waits:
        start, origin = (
            (step.started_at, "its start") if step.started_at is not None else (case.progress_at, "the last progress")
        )
        if start is not None:
            text = f"timeout {words(defined.timeout.total_seconds())} of step {step.name}, counted from {origin}"
            return Due(after(start, defined.timeout), text, EvidenceKind.DECLARED)
        return None
    if case.saga.deadline is not None:
        return Due(case.saga.deadline, "the saga's deadline", EvidenceKind.TIME)
    return None


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
