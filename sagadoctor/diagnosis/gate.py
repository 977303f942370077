"""The cheap gate: rows that are plainly well pass before any rule builds evidence.

It may only err towards looking closer: what passes here has no finding of any rule, not even an info.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import Saga, SagaState, StepStatus

from .deadlines import after, before

# By names of their own: looking a member up in its class takes longer than asking for it, ten times a row.
_COMPLETED: Final = StepStatus.COMPLETED
_EXECUTING: Final = StepStatus.EXECUTING
_PENDING: Final = StepStatus.PENDING
_SKIPPED: Final = StepStatus.SKIPPED
_ENDED_WELL: Final = SagaState.COMPLETED
_RUNNING: Final = (SagaState.PENDING, SagaState.STARTED)


class Gate:
    """The gate for one saga type at one moment; made once a page, asked for every row."""

    __slots__ = ("_executing_limit", "_horizon", "_now", "_parallel", "_rests", "_tried")

    def __init__(self, policy: SagaPolicy, now: datetime) -> None:
        """Work out the moments before which a row has to be looked at."""
        timeouts = [step.timeout for step in policy.steps if step.timeout is not None]
        limit = policy.thresholds.no_progress
        self._now = now
        self._horizon = after(now, policy.thresholds.skew)
        self._executing_limit = before(now, min([*timeouts, limit]))
        self._parallel = policy.parallel
        self._tried = min(1, policy.thresholds.attempts)
        self._rests = frozenset(step.name for step in policy.steps if step.waits_for is not None)

    def passes(self, saga: Saga) -> bool:
        """Say whether the row is plainly healthy: completed in every step, or moved just now with one step out."""
        if saga.doubts or saga.outbox or saga.owner is not None or saga.waiting_for is not None:
            return False
        if saga.replies or saga.waits_on:
            return False
        if saga.attempts is not None or saga.next_attempt_at is not None or saga.updated_at is None:
            return False
        state = saga.state
        if state is _ENDED_WELL:
            return self._completed(saga)
        if state not in _RUNNING:
            return False
        if saga.updated_at > self._horizon:
            return False
        return self._running(saga, fresh=saga.updated_at >= self._executing_limit)

    def _completed(self, saga: Saga) -> bool:
        horizon = self._horizon
        if saga.updated_at is None or saga.updated_at > horizon or not saga.steps:
            return False
        if (saga.created_at is not None and saga.created_at > horizon) or (
            saga.ended_at is not None and saga.ended_at > horizon
        ):
            return False
        for step in saga.steps:
            if (step.status is not _COMPLETED and step.status is not _SKIPPED) or step.compensated_at is not None:
                return False
            if step.executed_at is not None and step.executed_at > horizon:
                return False
            if step.started_at is not None and step.started_at > horizon:
                return False
        return True

    def _running(self, saga: Saga, *, fresh: bool) -> bool:
        """Say whether at most one step is out, and it moved just now or its own deadline is still ahead."""
        if (saga.created_at is not None and saga.created_at > self._horizon) or saga.ended_at is not None:
            return False
        if saga.deadline is not None and saga.deadline < self._now:
            return False
        if not saga.steps:
            return fresh and saga.steps is None
        out, bounded, horizon = 0, 0, self._horizon
        for step in saga.steps:
            status = step.status
            if status is _COMPLETED:
                pass
            elif status is _EXECUTING:
                out += 1
                if step.name in self._rests:
                    return False
                if step.executed_at is not None or step.attempts is not None or step.next_attempt_at is not None:
                    return False
                if step.timeout_at is not None:
                    if step.timeout_at < self._now:
                        return False
                    bounded += 1
                elif step.started_at is not None and step.started_at < self._executing_limit:
                    return False
            elif status is _PENDING:
                if step.attempts is not None and step.attempts >= self._tried:
                    return False
            elif status is not _SKIPPED:
                return False
            if step.compensated_at is not None or step.next_attempt_at is not None:
                return False
            if step.executed_at is not None and step.executed_at > horizon:
                return False
            if step.started_at is not None and step.started_at > horizon:
                return False
        if (out == 0 and self._rests) or not (fresh or (out and bounded == out)):
            return False
        return out <= 1 or self._parallel
