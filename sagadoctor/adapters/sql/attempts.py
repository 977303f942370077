"""How often a saga was tried: a number, or how often an interval was doubled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sagadoctor.api.v1 import Doubt

from .cells import ERROR_BOUND
from .fields import at_path, doublings, number_reader, translator
from .mapping.columns import DoubledFrom, NumberColumn
from .paths import parse_path
from .selection import Placed, Selection
from .source import Source
from .values import Unreadable, whole


class Attempts:
    """Reads the column of attempts; with a starting value in a column of its own it takes two."""

    def __init__(self, words: NumberColumn, place: Placed, source: Source, selection: Selection) -> None:
        """Find the column that the number is doubled from, where one is named."""
        self._at = place.at
        assert isinstance(place.words, NumberColumn)
        opened, read, translate = place.opened, number_reader(place.words), translator(place.words)
        self._read: Callable[[Any], int | None] = lambda raw: read(opened(raw))
        self._number: Callable[[Any], int | None] = lambda raw: whole(translate(opened(raw)))
        self._from: tuple[int, Callable[[Any], int | None], float] | None = None
        if isinstance(words.base, DoubledFrom):
            start = source.column(words.base.column)
            if start is not None:
                at = selection.add(f"number:{start.name}", source.text(start, ERROR_BOUND))
                self._from = (at, _start(words.base, source.opener(start)), float(words.base.default))

    def read(self, row: Any, doubts: list[Doubt]) -> int | None:
        """Return the attempts; what can't be read is noted."""
        raw = row[self._at]
        if raw is None:
            return None
        try:
            if self._from is None:
                return self._read(raw)
            at, opened, otherwise = self._from
            start = None if row[at] is None else opened(row[at])
            return doublings(self._number(raw), start or otherwise)
        except Unreadable as odd:
            doubts.append(Doubt("attempts", odd.raw, odd.reason))
            return None


def _start(words: DoubledFrom, opened: Callable[[Any], Any]) -> Callable[[Any], int | None]:
    """Return what reads where the doubling began; an empty text tells nothing."""
    follow = at_path(parse_path(words.path) if words.path is not None else None)

    def read(raw: Any) -> int | None:
        value = opened(raw)
        return None if value == "" else whole(follow(value))

    return read
