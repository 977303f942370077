"""By when something should have happened, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import EvidenceKind
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import Step


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline: when, in words where it comes from, and which kind of fact it is."""

    at: datetime
    because: str
    kind: EvidenceKind


def step_due(case: Case, step: Step, policy: SagaPolicy) -> Due | None:
    """Return the deadline of a step that is out: its own, else the configured timeout from its start or progress.

    Steps that wait for a person, a timer or a signal have no deadline here; resting is what they do. The saga's own
    deadline counts only where neither is known.
    """
    defined = policy.step(step.name)
    if defined is not None and defined.waits_for is not None:
        return None
    if step.timeout_at is not None:
        return Due(step.timeout_at, f"timeout_at of step {step.name}", EvidenceKind.TIME)
    if defined is not None and defined.timeout is not None:
        start, origin = (
            (step.started_at, "its start") if step.started_at is not None else (case.progress_at, "the last progress")
        )
        if start is not None:
            text = f"timeout {words(defined.timeout.total_seconds())} of step {step.name}, counted from {origin}"
            return Due(start + defined.timeout, text, EvidenceKind.DECLARED)
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
