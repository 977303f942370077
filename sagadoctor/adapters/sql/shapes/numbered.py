"""Steps by their numbers or their names: lists of them, and the place that the saga has reached."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from typing import Any

from sagadoctor.api.v1 import Policy
from sagadoctor.api.v1.sql import Kind

from ..fields import text_reader, translator
from ..mapping.saga import CurrentStep
from ..mapping.shapes.numbered import Numbered
from ..values import Unreadable, raw_text, whole, word
from .port import Around
from .reading import MOST_STEPS, Odd
from .row_cells import Cell, cell_of, column_of

_LONGEST = 100_000


class Members:
    """A column that names one step or several."""

    def __init__(self, words: Numbered | None, around: Around) -> None:
        """Find the column."""
        self._base = words.base if words is not None else 0
        translate = translator(words) if words is not None else None
        self._cell: Cell | None = None
        if words is not None and translate is not None:
            self._cell = cell_of(around, words, lambda value: listed(translate(value)), _LONGEST)

    @property
    def is_mapped(self) -> bool:
        """Say whether there is such a column."""
        return self._cell is not None

    def places(self, row: Any, names: Sequence[str], field: str, odd: Odd) -> list[int]:
        """Return the places of the steps that are named, from 0; what is no step is noted."""
        told = self._cell.value(row, field, odd) if self._cell is not None else None
        found: list[int] = []
        for each in told or ():
            place = self._place(each, names)
            if place is None or not 0 <= place < MOST_STEPS:
                odd.say(field, each, "no step of this name or number")
            else:
                found.append(place)
        return found

    def _place(self, told: Any, names: Sequence[str]) -> int | None:
        if isinstance(told, str) and told in names:
            return names.index(told)
        try:
            number = whole(told)
        except Unreadable:
            return None
        return None if number is None else number - self._base


def listed(value: Any) -> list[Any] | None:
    """Return a loose value as a list: JSON, PostgreSQL's `{a,b}`, words between commas, or one alone."""
    if value is None or isinstance(value, list):
        return value
    text = word(value) or ""
    text = text.strip()
    if not text:
        return None
    if text.startswith("["):
        try:
            made = json.loads(text)
        except (ValueError, RecursionError):
            raise Unreadable(raw_text(text), "no JSON list of steps") from None
        return made if isinstance(made, list) else None
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
        if not text:
            return []
        parts = next(csv.reader([text], escapechar="\\", doublequote=False))
        return [part for part in parts if part != "NULL"]
    return [part.strip() for part in text.split(",")]


class Place:
    """How far the saga's cursor says that it has come."""

    def __init__(self, words: CurrentStep | None, around: Around, policy: Policy) -> None:
        """Find the cursor's column."""
        self._policy = policy
        self._base = words.base if words is not None else 0
        column = column_of(around, words)
        self._by_place = words is not None and (
            words.by == "index" or (words.by is None and column is not None and column.kind is Kind.INT)
        )
        self._cell = cell_of(around, words, text_reader(words)) if words is not None else None

    @property
    def is_mapped(self) -> bool:
        """Say whether there is a cursor."""
        return self._cell is not None

    def of(self, row: Any, names: Sequence[str], odd: Odd) -> int | None:
        """Return the place of the current step, from 0, as many as there are behind the last; None where none tells."""
        told = self._cell.value(row, "current_step", odd) if self._cell is not None else None
        if told is None:
            return None
        if not self._by_place:
            return names.index(told) if told in names else None
        try:
            number = whole(told)
        except Unreadable:
            return None
        place = None if number is None else number - self._base
        return place if place is not None and 0 <= place <= MOST_STEPS else None
