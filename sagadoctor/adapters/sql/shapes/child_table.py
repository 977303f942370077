"""`child_table`: one row a step in a table of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sagadoctor.api.v1 import Step

from ..mapping.shapes.child_table import ChildTable
from ..values import Unreadable
from .port import Around, Told
from .reading import MOST_STEPS, Odd, StepReader, moment_of_row
from .rows import BothEnds, Gathering, StepRows
from .short_rows import short_row


class ChildTableSteps(StepRows):
    """Reads every row as a step."""

    def __init__(self, words: ChildTable, around: Around) -> None:
        """Make the step's reader."""
        self.reader = StepReader(words.fields, words, around.source.zone, detail=around.detail)
        super().__init__(words, around, [self.reader])
        self.short = short_row(self.reader, self.source, {field.name: field for field in self.fields})

    def gathering(self) -> Gathering:
        """Return what takes the rows of one saga."""
        return _Children(self)


class _Children:
    def __init__(self, shape: ChildTableSteps) -> None:
        self._shape = shape
        self._rows = BothEnds()
        self.take = self._rows.take

    def told(self) -> Told:
        odd = Odd()
        steps: list[Step] = []
        moments: list[datetime] = []
        reader, short = self._shape.reader, self._shape.short
        for index, row in self._rows:
            step: Step | None = None
            at: datetime | None = None
            if short is not None:
                try:
                    step = short.step(row, index)
                    at = short.moment(row) if short.tells_moments else None
                except Unreadable:
                    step = None
            if step is None:
                step, at = self._tolerant(index, row, odd)
            if not reader.ignores or not reader.is_ignored(step.name):
                steps.append(step)
                if at is not None:
                    moments.append(at)
        if self._rows.count > MOST_STEPS:
            half, count = MOST_STEPS // 2, self._rows.count
            odd.say("steps", count, f"{count} steps; only the first and the last {half} were kept")
        return Told(tuple(steps), odd, max(moments, default=None))

    def _tolerant(self, index: int, row: Any, odd: Odd) -> tuple[Step, datetime | None]:
        reader = self._shape.reader
        values = self._shape.values(row, f"steps[{index}]", odd)
        return reader.step(index, values, odd, values), moment_of_row(reader, values)
