"""Which step is out: a column that holds its name, or its place in the order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sagadoctor.api.v1 import Doubt, Policy, Step
from sagadoctor.api.v1.sql import Kind

from .fields import text_reader
from .forms import form_of
from .mapping.saga import CurrentStep
from .payload import Payload
from .placed import placed
from .selection import Selection
from .source import Source
from .values import Unreadable, raw_text, whole


class Cursor:
    """Reads the current step; by its place when the column is a number and the mapping doesn't say otherwise."""

    def __init__(
        self, words: CurrentStep | None, source: Source, selection: Selection, policy: Policy, payload: Payload
    ) -> None:
        """Find the column."""
        self._policy = policy
        self._at = -1
        self._by_place = self._plain = False
        self._base = 0
        place = placed("current", words, source, selection, payload) if words is not None else None
        if words is None or place is None:
            return
        self._at, column = place.at, place.column
        self._by_place = words.by == "index" or (words.by is None and column.kind is Kind.INT)
        self._base = words.base
        self._plain = self._by_place and not words.values and words.pattern is None and words.path is None
        self._open: Callable[[Any], Any] = place.opened
        self._text = text_reader(place.words, form_of(words, column, source, "saga.current_step"))

    def read(self, row: Any, steps: tuple[Step, ...] | None, saga_type: str | None, doubts: list[Doubt]) -> str | None:
        """Return the current step's name; None where nothing says it, or where the cursor is behind the last step."""
        if self._at < 0:
            return None
        raw = row[self._at]
        if raw is None:
            return None
        if steps and type(raw) is int and self._plain:
            at = raw - self._base
            if 0 <= at < len(steps) and steps[at].index == at:
                return steps[at].name
        try:
            value = self._text(self._open(raw))
            if value is None or not self._by_place:
                return value if value is None else str(value)
            place = whole(value)
        except Unreadable as odd:
            doubts.append(Doubt("current_step", odd.raw, odd.reason))
            return None
        return None if place is None else self._named(place - self._base, place, steps, saga_type, doubts)

    def _named(
        self, at: int, told: int, steps: tuple[Step, ...] | None, saga_type: str | None, doubts: list[Doubt]
    ) -> str | None:
        names: list[str]
        if steps:
            names = [step.name for step in steps]
            if steps[-1].index >= len(steps):  # some in the middle were left out
                return next((step.name for step in steps if step.index == at), None)
        else:
            names = [step.name for step in self._policy.of(saga_type).steps]
        if 0 <= at < len(names):
            return names[at]
        if names and (at < 0 or at > len(names)):
            doubts.append(Doubt("current_step", raw_text(told), f"there are {len(names)} steps"))
        return None
