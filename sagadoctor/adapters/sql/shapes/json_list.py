"""`json_list`: steps as a list of objects in a JSON column of the saga's row.

Rows that are as they should be are decoded by a decoder made for the mapping's own field names; a row with
anything odd in it is read again, tolerantly, field by field.
"""

from __future__ import annotations

import json
from typing import Any

from sagadoctor.api.v1 import Step

from ..mapping.shapes.json_list import JsonList
from .decoding import kind_of
from .document import Document
from .port import About, Around, InRowSteps
from .reading import MOST_STEPS, Odd, StepReader, bounded, has_times
from .typed import short_road, typed_steps


class JsonListSteps(InRowSteps):
    """Reads the steps column of one mapping."""

    def __init__(self, words: JsonList, around: Around) -> None:
        """Find the column, select it and make its decoders."""
        self.reader = StepReader(words.fields, words, around.source.zone, detail=around.detail)
        self.has_times = has_times(words.fields)
        self._document = document = Document(words.column, words.format, words.path, around)
        self.document_at = document.at
        self.plain = short_road(typed_steps(words, self.reader, document.column), document.at, document.skip)

    def steps(self, row: Any, about: About, odd: Odd) -> tuple[Step, ...] | None:
        """Return a row's steps, None where they can't be read; what is odd is noted."""
        del about
        value = self._document.read(row, list, odd)
        if value is None:
            return None
        count = len(value)
        items = list(enumerate(value))
        if count > MOST_STEPS:
            items = items[: MOST_STEPS // 2] + items[-(MOST_STEPS // 2) :]
        steps: list[Step] = []
        for index, entry in items:
            if isinstance(entry, dict):
                step = self.reader.step(index, entry, odd, entry)
            else:
                odd.say(
                    f"steps[{index}]",
                    json.dumps(entry, default=str),
                    f"a JSON {kind_of(entry)} where an object was expected",
                )
                step = Step(name=f"step {index}", index=index)
            if not self.reader.is_ignored(step.name):
                steps.append(step)
        return bounded(steps, count, odd)
