"""`op_table`: one row a step and direction, which may be there before its turn."""

from __future__ import annotations

from typing import Any

import msgspec

from sagadoctor.api.v1 import Step

from ..mapping.shapes.directed import DirectedRows
from .directed import FEW_ROWS, REMEMBERED, DirectedSteps, Glance, Way, joined
from .port import Around, Told
from .reading import MOST_STEPS, Odd, bounded
from .rows import BothEnds, Gathering


class OperationSteps(DirectedSteps):
    """Joins the row of a step with the row of its undo."""

    def __init__(self, words: DirectedRows, around: Around) -> None:
        """Begin with no arrangement known."""
        super().__init__(words, around)
        self.known: dict[tuple[Any, ...], _Arrangement] = {}

    def gathering(self) -> Gathering:
        """Return what takes the rows of one saga."""
        return _Operations(self)


class _Pair(msgspec.Struct):
    """The rows of one step, by their directions and places; `place` is that of its first one."""

    place: int
    name: str | None
    forward: tuple[Way, int] | None = None
    undo: tuple[Way, int] | None = None
    guessed: bool = False
    """Several rows of this name and direction: only their order says which belong together."""


class _Arrangement(msgspec.Struct, frozen=True):
    """Which rows tell of which step: the same for all sagas whose rows say the same words in the same order."""

    pairs: list[_Pair]
    strangers: list[int]
    counted: list[tuple[Way, int]]
    """The rows that are no strangers and not ignored."""


class _Operations:
    def __init__(self, shape: OperationSteps) -> None:
        self._shape = shape
        self._rows = BothEnds(2 * MOST_STEPS)
        self.take = self._rows.take

    def told(self) -> Told:
        odd, shape = Odd(), self._shape
        rows = [row for _, row in self._rows]
        key = tuple([shape.words(row) for row in rows])
        arranged = shape.known.get(key)
        if arranged is None:
            arranged = self._arranged(rows)
            if len(rows) <= FEW_ROWS and len(shape.known) < REMEMBERED:
                shape.known[key] = arranged
        steps = [self._step(index, pair, rows, odd) for index, pair in enumerate(arranged.pairs)]
        if self._rows.count > 2 * MOST_STEPS:
            count = self._rows.count
            odd.say("steps", count, f"{count} rows; only the first and the last {MOST_STEPS} were kept")
        strange = arranged.strangers
        shape.say_strangers(len(strange), [rows[place] for place in strange[:1]], odd)
        told = [shape.moment(way, rows[place]) for way, place in arranged.counted if way.reader.tells_moments]
        newest = max((moment for moment in told if moment is not None), default=None)
        return Told(bounded(steps, len(steps), odd), odd, newest)

    def _arranged(self, rows: list[Any]) -> _Arrangement:
        seen: list[tuple[int, Glance]] = []
        strangers: list[int] = []
        for place, row in enumerate(rows):
            glance = self._shape.glance(row)
            if glance is None:
                strangers.append(place)
            elif glance.name is None or not glance.way.reader.is_ignored(glance.name):
                seen.append((place, glance))
        return _Arrangement(paired(seen), strangers, [(glance.way, place) for place, glance in seen])

    def _step(self, index: int, pair: _Pair, rows: list[Any], odd: Odd) -> Step:
        forward = self._read(pair.forward, index, rows, odd)
        undo = self._read(pair.undo, index, rows, odd)
        if pair.guessed:
            reason = "several rows of one step and direction: which undo belongs to which is a guess"
            odd.say(f"steps[{index}]", pair.name, reason)
        return joined(forward, undo, index)

    def _read(self, told: tuple[Way, int] | None, index: int, rows: list[Any], odd: Odd) -> Step | None:
        return None if told is None else self._shape.read(told[0], index, rows[told[1]], odd)


def paired(seen: list[tuple[int, Glance]]) -> list[_Pair]:
    """Return the rows by their steps, in the order of the way forward: undos belong to the step of their name."""
    pairs: list[_Pair] = []
    by_name: dict[str, list[_Pair]] = {}
    for place, glance in seen:
        if not glance.way.is_undo:
            pairs.append(_Pair(place, glance.name, forward=(glance.way, place)))
            if glance.name is not None:
                by_name.setdefault(glance.name, []).append(pairs[-1])
    for place, glance in seen:
        if not glance.way.is_undo:
            continue
        same = by_name.get(glance.name, []) if glance.name is not None else []
        pair = next((each for each in same if each.undo is None), same[-1] if same else None)
        if pair is None:
            pair = _Pair(place, glance.name)
            pairs.append(pair)
            if glance.name is not None:
                by_name[glance.name] = [pair]
        pair.guessed = len(same) > 1 or pair.undo is not None
        pair.undo = (glance.way, place)
    return sorted(pairs, key=lambda each: each.place)
