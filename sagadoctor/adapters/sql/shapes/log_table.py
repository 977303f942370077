"""`log_table`: one row an event; the last row of each step and direction counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from sagadoctor.api.v1 import Step, StepStatus
from sagadoctor.api.v1.sql import Kind

from ..course import AS_UNDO
from ..mapping.shapes.directed import DirectedRows
from ..mapping.shapes.rows import RowWords
from ..values import Unreadable
from .directed import DirectedSteps, Glance, Way, joined
from .port import Told
from .reading import MOST_STEPS, Odd, bounded
from .rows import Gathering

_FAILED: Final = (StepStatus.FAILED, StepStatus.TIMED_OUT, StepStatus.COMPENSATION_FAILED)
_WELL: Final = (StepStatus.COMPLETED, StepStatus.COMPENSATED, StepStatus.SKIPPED)
_UNDOING: Final = (StepStatus.COMPENSATING, StepStatus.COMPENSATED, StepStatus.COMPENSATION_FAILED)


class LoggedSteps(DirectedSteps):
    """Follows the rows in their order, and keeps of each step what counts."""

    def order(self, words: RowWords) -> Sequence[str]:
        """Return what the rows are in the order of: as the mapping says, else a counted key, else their times."""
        if words.order_by:
            return words.order_by
        table = self.source.table
        first = table.find(table.primary_key[0]) if table.primary_key else None
        if first is not None and first.kind is Kind.INT:
            return table.primary_key
        assert isinstance(words, DirectedRows)
        said = [words.fields, *(way.fields for way in (words.forward, words.undo) if way is not None)]
        times = [each.at.column for each in said if each.at is not None and each.at.column is not None]
        if not times:
            self.source.missing.note(f"{table.place}: say steps.order_by, for nothing tells which row came last")
        return [*dict.fromkeys(times), *table.primary_key]

    def gathering(self) -> Gathering:
        """Return what takes the rows of one saga."""
        return _Log(self)


class _Events:
    """What the rows of one step and direction told so far."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.row: Any = None
        self.status = StepStatus.UNKNOWN
        self.failure: Any = None
        self.counts: Counter[StepStatus] = Counter()
        self.moments: dict[StepStatus, datetime] = {}

    def take(self, glance: Glance, row: Any) -> None:
        status = AS_UNDO.get(glance.status, glance.status) if self.way.is_undo else glance.status
        self.row, self.status = row, status
        self.counts[status] += 1
        if glance.at is not None:
            self.moments[status] = glance.at
        if status in _FAILED:
            self.failure = row

    @property
    def attempts(self) -> int | None:
        """Return how often it was begun; where the log has no word for that, how often it came to an end."""
        count = self.counts
        if self.status in _UNDOING:
            ends = count[StepStatus.COMPENSATED] + count[StepStatus.COMPENSATION_FAILED]
            return count[StepStatus.COMPENSATING] or ends or None
        ends = count[StepStatus.COMPLETED] + count[StepStatus.FAILED] + count[StepStatus.TIMED_OUT]
        return count[StepStatus.EXECUTING] or ends or None


class _Log:
    def __init__(self, shape: LoggedSteps) -> None:
        self._shape = shape
        self._steps: dict[str | int, dict[bool, _Events]] = {}
        self._rows = self._dropped = self._strange = 0
        self._strangers: list[Any] = []
        self._newest: datetime | None = None

    def take(self, row: Any) -> None:
        self._rows += 1
        glance = self._shape.glance(row)
        if glance is None:
            self._strange += 1
            self._strangers = self._strangers or [row]
            return
        if glance.name is not None and glance.way.reader.is_ignored(glance.name):
            return
        if glance.at is not None and (self._newest is None or glance.at > self._newest):
            self._newest = glance.at
        both = self._steps.setdefault(glance.name if glance.name is not None else self._rows, {})
        if glance.way.is_undo not in both:
            both[glance.way.is_undo] = _Events(glance.way)
        both[glance.way.is_undo].take(glance, row)
        if len(self._steps) > 2 * MOST_STEPS:
            half = MOST_STEPS // 2
            for name in list(self._steps)[half:-half]:
                del self._steps[name]
                self._dropped += 1

    def told(self) -> Told:
        odd = Odd()
        steps: list[Step] = []
        for index, both in enumerate(self._steps.values()):
            forward, undo = (
                self._step(both[is_undo], index, odd) if is_undo in both else None for is_undo in (False, True)
            )
            steps.append(joined(forward, undo, index))
        self._shape.say_strangers(self._strange, self._strangers, odd)
        return Told(bounded(steps, len(steps) + self._dropped, odd), odd, self._newest)

    def _step(self, events: _Events, index: int, odd: Odd) -> Step:
        step = self._shape.read(events.way, index, events.row, odd)
        said = events.way.reader.fields
        more: dict[str, Any] = {}
        if step.attempts is None and (attempts := events.attempts) is not None:
            more["attempts"] = attempts
        if said.started_at is None and (started := events.moments.get(StepStatus.EXECUTING)) is not None:
            more["started_at"] = started
        if step.executed_at is None and events.status in _UNDOING and not events.way.is_undo:
            more["executed_at"] = events.moments.get(StepStatus.COMPLETED)
        if step.error is None and events.failure is not None and events.status not in _WELL:
            more["error"] = self._error(events)
        return replace(step, **more) if more else step

    def _error(self, events: _Events) -> str | None:
        try:
            told: str | None = events.way.reader.told("error", self._shape.values(events.failure, "", Odd()))
        except Unreadable:
            return None
        return told
