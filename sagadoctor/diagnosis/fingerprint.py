"""What a row looks like: equal while the saga stands still, different once it has progressed."""

from __future__ import annotations

from sagadoctor.ids import digest
from sagadoctor.model.saga import Saga


def fingerprint(saga: Saga) -> str:
    """Return a hash of version, state, cursor and steps with their results.

    Owners, attempts and times that move with each attempt are left out: a retry is no progress.
    """
    marks: list[str | None] = [saga.version, saga.raw_state, saga.state.value, saga.current_step]
    if saga.steps is None:
        marks.append(None)
    for step in saga.steps or ():
        marks += [
            step.name,
            step.raw_status or step.status.value,
            step.executed_at.isoformat() if step.executed_at else None,
            step.compensated_at.isoformat() if step.compensated_at else None,
            digest((step.result.decode("latin-1"),)) if step.result is not None else None,
        ]
    return digest(marks, 24)
