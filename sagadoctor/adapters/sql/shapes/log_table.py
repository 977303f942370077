"""`log_table`: one row an event; the last row of each step and direction counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from sagadoctor.api.v1 import Step, StepStatus
from sagadoctor.api.v1.sql import Kind

from ..course import AS_UNDO
from ..mapping.shapes.directed import DirectedRows
from ..mapping.shapes.rows import RowWords
from ..values import Unreadable
from .directed import FEW_ROWS, REMEMBERED, DirectedSteps, Glance, Way, joined
from .port import Around, Told
from .reading import MOST_STEPS, Odd, bounded
from .rows import Gathering

_FAILED: Final = (StepStatus.FAILED, StepStatus.TIMED_OUT, StepStatus.COMPENSATION_FAILED)
_WELL: Final = (StepStatus.COMPLETED, StepStatus.COMPENSATED, StepStatus.SKIPPED)
_MOST_ROWS: Final = FEW_ROWS
"""Rows of one saga that are kept; from more on they are followed one by one."""
RowOf = Callable[[Any], Any]
_UNDOING: Final = (StepStatus.COMPENSATING, StepStatus.COMPENSATED, StepStatus.COMPENSATION_FAILED)


class LoggedSteps(DirectedSteps):
    """Follows the rows in their order, and keeps of each step what counts."""

    def __init__(self, words: DirectedRows, around: Around) -> None:
        """Begin with no arrangement known."""
        super().__init__(words, around)
        self.known: dict[tuple[Any, ...], Arrangement] = {}

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
    """What the rows of one step and direction told so far; rows are kept as they are, or as their places."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.row: Any = None
        self.status = StepStatus.UNKNOWN
        self.failure: Any = None
        self.counts: Counter[StepStatus] = Counter()
        self.begun: list[Any] = []
        self.completed: list[Any] = []

    def take(self, glance: Glance, row: Any, *, is_place: bool) -> None:
        status = AS_UNDO.get(glance.status, glance.status) if self.way.is_undo else glance.status
        self.row, self.status = row, status
        self.counts[status] += 1
        if status in _FAILED:
            self.failure = row
        kept = self.begun if status is StepStatus.EXECUTING else self.completed
        if status is not StepStatus.EXECUTING and status is not StepStatus.COMPLETED:
            return
        if is_place:  # of another saga the last one may be another, by its times
            kept.append(row)
        elif glance.at is not None:
            kept[:] = [row]

    @property
    def attempts(self) -> int | None:
        """Return how often it was begun; where the log has no word for that, how often it came to an end."""
        count = self.counts
        if self.status in _UNDOING:
            ends = count[StepStatus.COMPENSATED] + count[StepStatus.COMPENSATION_FAILED]
            return count[StepStatus.COMPENSATING] or ends or None
        ends = count[StepStatus.COMPLETED] + count[StepStatus.FAILED] + count[StepStatus.TIMED_OUT]
        return count[StepStatus.EXECUTING] or ends or None


class _Follower:
    """Follows rows in their order, by themselves or by their places among those of their saga."""

    def __init__(self, shape: LoggedSteps, *, places: bool) -> None:
        self._shape, self._places = shape, places
        self.steps: dict[str | int, dict[bool, _Events]] = {}
        self.rows = self.dropped = self.strange = 0
        self.strangers: list[Any] = []

    def take(self, glance: Glance | None, row: Any) -> bool:
        """Take the next row; return whether it counts."""
        self.rows += 1
        if glance is None:
            self.strange += 1
            self.strangers = self.strangers or [row]
            return False
        if glance.name is not None and glance.way.reader.is_ignored(glance.name):
            return False
        both = self.steps.setdefault(glance.name if glance.name is not None else self.rows, {})
        events = both.get(glance.way.is_undo)
        if events is None:
            events = both[glance.way.is_undo] = _Events(glance.way)
        events.take(glance, row, is_place=self._places)
        if len(self.steps) > 2 * MOST_STEPS:
            half = MOST_STEPS // 2
            for name in list(self.steps)[half:-half]:
                del self.steps[name]
                self.dropped += 1
        return True


class Arrangement(msgspec.Struct, frozen=True):
    """Which rows tell what of which step: the same for all sagas whose rows say the same words in the same order."""

    steps: tuple[dict[bool, _Events], ...]
    strange: int
    strangers: list[int]
    counted: list[tuple[Way, int]]
    """The rows that are no strangers and not ignored."""


class _Log:
    """The rows of one saga: kept until they are many, then followed one by one."""

    def __init__(self, shape: LoggedSteps) -> None:
        self._shape = shape
        self._rows: list[Any] = []
        self._follower: _Follower | None = None
        self._newest: datetime | None = None

    def take(self, row: Any) -> None:
        if self._follower is not None:
            self._follow(self._follower, row)
            return
        self._rows.append(row)
        if len(self._rows) > _MOST_ROWS:
            self._follower = _Follower(self._shape, places=False)
            for each in self._rows:
                self._follow(self._follower, each)
            self._rows = []

    def _follow(self, follower: _Follower, row: Any) -> None:
        glance = self._shape.glance(row)
        if follower.take(glance, row) and glance is not None and glance.at is not None:
            self._newest = glance.at if self._newest is None else max(self._newest, glance.at)

    def told(self) -> Told:
        shape, odd = self._shape, Odd()
        if self._follower is not None:
            done = self._follower
            steps = self._steps(done.steps.values(), lambda row: row, odd)
            shape.say_strangers(done.strange, done.strangers, odd)
            return Told(bounded(steps, len(steps) + done.dropped, odd), odd, self._newest)
        rows = self._rows
        key = tuple([shape.words(row) for row in rows])
        arranged = shape.known.get(key)
        if arranged is None:
            arranged = self._arranged(rows)
            if len(rows) <= FEW_ROWS and len(shape.known) < REMEMBERED:
                shape.known[key] = arranged
        steps = self._steps(arranged.steps, rows.__getitem__, odd)
        shape.say_strangers(arranged.strange, [rows[place] for place in arranged.strangers], odd)
        told = [shape.moment(way, rows[place]) for way, place in arranged.counted if way.reader.tells_moments]
        newest = max((moment for moment in told if moment is not None), default=None)
        return Told(bounded(steps, len(steps), odd), odd, newest)

    def _arranged(self, rows: Sequence[Any]) -> Arrangement:
        follower = _Follower(self._shape, places=True)
        counted: list[tuple[Way, int]] = []
        for place, row in enumerate(rows):
            glance = self._shape.glance(row)
            if follower.take(glance, place) and glance is not None:
                counted.append((glance.way, place))
        return Arrangement(tuple(follower.steps.values()), follower.strange, follower.strangers, counted)

    def _steps(self, told: Iterable[dict[bool, _Events]], row_of: RowOf, odd: Odd) -> list[Step]:
        steps: list[Step] = []
        for index, both in enumerate(told):
            forward, undo = both.get(False), both.get(True)
            went = self._step(forward, row_of, index, odd) if forward is not None else None
            undone = self._step(undo, row_of, index, odd) if undo is not None else None
            steps.append(joined(went, undone, index))
        return steps

    def _step(self, events: _Events, row_of: RowOf, index: int, odd: Odd) -> Step:
        step = self._shape.read(events.way, index, row_of(events.row), odd)
        said = events.way.reader.fields
        more: dict[str, Any] = {}
        if step.attempts is None and (attempts := events.attempts) is not None:
            more["attempts"] = attempts
        if said.started_at is None and (started := self._latest(events, events.begun, row_of)) is not None:
            more["started_at"] = started
        if step.executed_at is None and events.status in _UNDOING and not events.way.is_undo:
            more["executed_at"] = self._latest(events, events.completed, row_of)
        if step.error is None and events.failure is not None and events.status not in _WELL:
            more["error"] = self._error(events, row_of)
        return replace(step, **more) if more else step

    def _latest(self, events: _Events, rows: Sequence[Any], row_of: RowOf) -> datetime | None:
        """Return when the last of these rows was written that tells it."""
        for row in reversed(rows):
            moment = self._shape.moment(events.way, row_of(row))
            if moment is not None:
                return moment
        return None

    def _error(self, events: _Events, row_of: RowOf) -> str | None:
        try:
            values = self._shape.values(row_of(events.failure), "", Odd())
            told: str | None = events.way.reader.told("error", values)
        except Unreadable:
            return None
        return told
