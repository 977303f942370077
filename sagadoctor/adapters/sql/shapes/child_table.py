"""`child_table`: one row a step in a table of its own."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.api.v1 import Step

from ..mapping.shapes.child_table import ChildTable
from .port import Around, Told
from .reading import MOST_STEPS, Odd, StepReader, moment_of_row
from .rows import BothEnds, Gathering, StepRows


class ChildTableSteps(StepRows):
    """Reads every row as a step."""

    def __init__(self, words: ChildTable, around: Around) -> None:
        """Make the step's reader."""
        self.reader = StepReader(words.fields, words, around.source.zone, detail=around.detail)
        super().__init__(words, around, [self.reader])

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
        reader = self._shape.reader
        for index, row in self._rows:
            values = self._shape.values(row, f"steps[{index}]", odd)
            step = reader.step(index, values, odd, values)
            if not reader.is_ignored(step.name):
                steps.append(step)
                at = moment_of_row(reader, values)
                if at is not None:
                    moments.append(at)
        if self._rows.count > MOST_STEPS:
            half, count = MOST_STEPS // 2, self._rows.count
            odd.say("steps", count, f"{count} steps; only the first and the last {half} were kept")
        return Told(tuple(steps), odd, max(moments, default=None))
