"""`op_table`: one row a step and direction, which may be there before its turn."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from sagadoctor.api.v1 import Step

from .directed import DirectedSteps, Glance, joined
from .port import Told
from .reading import MOST_STEPS, Odd, bounded
from .rows import BothEnds, Gathering


class OperationSteps(DirectedSteps):
    """Joins the row of a step with the row of its undo."""

    def gathering(self) -> Gathering:
        """Return what takes the rows of one saga."""
        return _Operations(self)


class _Pair(msgspec.Struct):
    """The rows of one step; `place` is that of its first one."""

    place: int
    name: str | None
    forward: tuple[Glance, Any] | None = None
    undo: tuple[Glance, Any] | None = None
    guessed: bool = False
    """Several rows of this name and direction: only their order says which belong together."""


class _Operations:
    def __init__(self, shape: OperationSteps) -> None:
        self._shape = shape
        self._rows = BothEnds(2 * MOST_STEPS)
        self.take = self._rows.take

    def told(self) -> Told:
        odd = Odd()
        seen: list[tuple[int, Glance, Any]] = []
        strangers: list[Any] = []
        moments: list[datetime] = []
        for place, row in self._rows:
            glance = self._shape.glance(row)
            if glance is None:
                strangers.append(row)
            elif glance.name is None or not glance.way.reader.is_ignored(glance.name):
                seen.append((place, glance, row))
                moments += [glance.at] if glance.at is not None else []
        pairs = paired(seen)
        steps = [self._step(index, pair, odd) for index, pair in enumerate(pairs)]
        if self._rows.count > 2 * MOST_STEPS:
            count = self._rows.count
            odd.say("steps", count, f"{count} rows; only the first and the last {MOST_STEPS} were kept")
        self._shape.say_strangers(len(strangers), strangers[:1], odd)
        return Told(bounded(steps, len(steps), odd), odd, max(moments, default=None))

    def _step(self, index: int, pair: _Pair, odd: Odd) -> Step:
        forward, undo = (
            None if told is None else self._shape.read(told[0].way, index, told[1], odd)
            for told in (pair.forward, pair.undo)
        )
        if pair.guessed:
            reason = "several rows of one step and direction: which undo belongs to which is a guess"
            odd.say(f"steps[{index}]", pair.name, reason)
        return joined(forward, undo, index)


def paired(seen: list[tuple[int, Glance, Any]]) -> list[_Pair]:
    """Return the rows by their steps, in the order of the way forward: undos belong to the step of their name."""
    pairs: list[_Pair] = []
    by_name: dict[str, list[_Pair]] = {}
    for place, glance, row in seen:
        if not glance.way.is_undo:
            pairs.append(_Pair(place, glance.name, forward=(glance, row)))
            if glance.name is not None:
                by_name.setdefault(glance.name, []).append(pairs[-1])
    for place, glance, row in seen:
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
        pair.undo = (glance, row)
    return sorted(pairs, key=lambda each: each.place)
