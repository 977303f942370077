"""What a row looks like: equal while the saga stands still, different once it has progressed."""

from __future__ import annotations

from typing import Final

from sagadoctor.ids import digest
from sagadoctor.model.saga import Saga, SagaState, StepStatus

_BEHIND: Final = frozenset((StepStatus.COMPLETED, StepStatus.SKIPPED, StepStatus.COMPENSATED))


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


def reached(saga: Saga) -> str:
    """Return a hash of the cursor, the direction, and the steps that are done or undone with the times of that.

    Unlike a fingerprint it stays while a step is out, fails, rests and is out again: version, words and times of what
    isn't over may change with every attempt. Only a row that tells neither cursor nor steps is told by its own word.
    """
    marks: list[str | None] = [saga.current_step, "back" if saga.state is SagaState.COMPENSATING else "forward"]
    if not saga.steps and saga.current_step is None:
        marks.append(saga.raw_state)
    for step in saga.steps or ():
        behind = step.status in _BEHIND
        marks += [
            step.name,
            step.status.value if behind else None,
            step.executed_at.isoformat() if behind and step.executed_at else None,
            step.compensated_at.isoformat() if behind and step.compensated_at else None,
        ]
    return digest(marks, 24)
