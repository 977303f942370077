"""`json_object`: a JSON object of step names to words or to objects, in a column of the saga's row."""

from __future__ import annotations

import json
from typing import Any

from sagadoctor.api.v1 import Step, StepStatus

from ..mapping.columns import TextColumn
from ..mapping.shapes.json_object import JsonObject
from ..mapping.step_words import StatusWords
from ..values import Unreadable, word
from .decoding import kind_of
from .document import Document
from .port import About, Around, InRowSteps
from .reading import MOST_STEPS, Odd, StatusReader, StepReader, has_times

_WORD = "word"


class JsonObjectSteps(InRowSteps):
    """Reads names and words; steps that only [sagas] knows have not begun, for the object holds those that have."""

    def __init__(self, words: JsonObject, around: Around) -> None:
        """Find the column, select it and make its readers."""
        self.reader = StepReader(words.fields, words, around.source.zone, detail=around.detail)
        self.has_times = has_times(words.fields)
        self._document = Document(words.column, words.format, words.path, around)
        self.document_at = self._document.at
        self._status = StatusReader(StatusWords(column=_WORD, values=words.values))
        self._policy = around.policy
        self._action, self._compensation = _constant(words.fields.action), _constant(words.fields.compensation)

    def steps(self, row: Any, about: About, odd: Odd) -> tuple[Step, ...] | None:
        """Return a row's steps in the order of [sagas], the others behind them; None where they can't be read."""
        value: dict[str, Any] | None = self._document.read(row, dict, odd)
        if value is None:
            return None
        defined = [step.name for step in self._policy.of(about.saga_type).steps]
        names = [*defined, *(name for name in value if name not in defined)]
        kept = [name for name in names if not self.reader.is_ignored(name)]
        if len(kept) > MOST_STEPS:
            odd.say("steps", len(kept), f"{len(kept)} steps; only the first {MOST_STEPS} were kept")
        return tuple(self._step(index, name, value, odd) for index, name in enumerate(kept[:MOST_STEPS]))

    def _step(self, index: int, name: str, value: dict[str, Any], odd: Odd) -> Step:
        told = value.get(name)
        if told is None:
            return self._bare(name, index, StepStatus.PENDING, derived=True)
        if isinstance(told, dict):
            return self.reader.step(index, told, odd, told, name=name)
        if isinstance(told, list):
            odd.say(
                f"steps[{index}]", json.dumps(told, default=str), f"a JSON {kind_of(told)} where a word was expected"
            )
            return Step(name=name, index=index)
        try:
            status, raw = self._status.read({_WORD: told}, None)
        except Unreadable as unreadable:
            status, raw = odd.note(f"steps[{index}].status", unreadable) or (StepStatus.UNKNOWN, None)
        return self._bare(name, index, status, raw)

    def _bare(
        self, name: str, index: int, status: StepStatus, raw: str | None = None, *, derived: bool = False
    ) -> Step:
        """Return a step that a word tells of, or nothing: what the mapping says of all steps holds of it too."""
        return Step(
            name=name,
            index=index,
            status=status,
            raw_status=raw,
            action=self._action,
            compensation=self._compensation,
            derived=derived,
        )


def _constant(words: TextColumn | None) -> str | None:
    return None if words is None else word(words.const)
