"""Rows that tell of a step's way forward and of its undo: which is which, and both of them joined."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from sagadoctor.api.v1 import Doubt, Step, StepStatus

from ..course import AS_UNDO, undone
from ..mapping.shapes.directed import DirectedRows, Direction, fields_of
from ..truths import Wanted, matches
from ..values import Unreadable
from .port import Around
from .reading import Odd, StepReader, moment_of_row
from .rows import Field, StepRows
from .short_rows import short_row

REMEMBERED: Final = 2000
FEW_ROWS: Final = 100
"""The rows of a saga of so many are arranged as those of another one were that say the same words."""


class Way(msgspec.Struct, frozen=True):
    """One direction: which rows it has and how they are read."""

    reader: StepReader
    match: Mapping[str, Wanted]
    is_undo: bool

    def has(self, values: Mapping[str, Any]) -> bool:
        """Say whether a row is of this direction."""
        return all(matches(values.get(name), wanted) for name, wanted in self.match.items())


class Glance(msgspec.Struct, frozen=True):
    """What has to be known of every row: its direction, its step, its word, when it was written."""

    way: Way
    name: str | None
    status: StepStatus
    at: datetime | None


class DirectedSteps(StepRows):
    """Tells the rows of both directions apart."""

    def __init__(self, words: DirectedRows, around: Around) -> None:
        """Make the reader of each direction."""
        self._ways = [
            _way(words, direction, around, is_undo=is_undo)
            for direction, is_undo in ((words.undo, True), (words.forward, False))
            if direction is not None or not is_undo
        ]
        self._ways.sort(key=lambda way: not way.match)
        conditions = dict.fromkeys(name for way in self._ways for name in way.match)
        super().__init__(words, around, [way.reader for way in self._ways], conditions)
        named = {field.name: field for field in self.fields}
        self._short = [short_row(way.reader, self.source, named) for way in self._ways]
        told_by = [field.at for field in self.fields if field.name in conditions]
        self._told_by: Callable[[Any], Any] = operator.itemgetter(*told_by) if told_by else lambda row: None
        self._way_of: dict[Any, int] = {}
        at_a_glance = {*conditions, *(name for way in self._ways for name in _told_by(way.reader))}
        self._seen: list[Field] = [field for field in self.fields if field.name in at_a_glance]
        told = {*conditions, *(name for way in self._ways for name in _worded_by(way.reader))}
        cells = [field.at for field in self.fields if field.name in told]
        self.words: Callable[[Any], Any] = operator.itemgetter(*cells) if cells else lambda row: None
        """The raw cells by which a row's direction, name and status are known."""

    def glance(self, row: Any) -> Glance | None:
        """Return what has to be known of a row at once; None for one that is of no direction."""
        key = self._told_by(row)
        place = self._way_of.get(key)
        short = self._short[place] if place is not None else None
        if place is not None and short is not None:
            try:
                name, status = short.name_and_status(row)
                return Glance(self._ways[place], name, status, short.moment(row))
            except Unreadable:
                pass  # then it is read tolerantly
        found = self._tolerant_glance(row)
        if found is not None and len(self._way_of) < REMEMBERED:
            self._way_of[key] = self._ways.index(found.way)
        return found

    def _tolerant_glance(self, row: Any) -> Glance | None:
        values: dict[str, Any] = {}
        for field in self._seen:
            raw = row[field.at]
            try:
                values[field.name] = None if raw is None else field.opened(raw)
            except Unreadable as unreadable:
                values[field.name] = unreadable.value
        way = next((way for way in self._ways if way.has(values)), None)
        if way is None:
            return None
        return Glance(way, _name(way.reader, values), _status(way.reader, values), moment_of_row(way.reader, values))

    def moment(self, way: Way, row: Any) -> datetime | None:
        """Return when a row was written."""
        short = self._short[0 if way is self._ways[0] else 1]
        if short is not None:
            try:
                return short.moment(row)
            except Unreadable:
                pass  # then it is read tolerantly
        found = self._tolerant_glance(row)
        return None if found is None else found.at

    def read(self, way: Way, index: int, row: Any, odd: Odd) -> Step:
        """Return the step as a row tells it; of an undo's row that is how the undo went."""
        short = self._short[0 if way is self._ways[0] else 1]
        if short is not None:
            try:
                step = short.step(row, index)
            except Unreadable:
                step = None
            if step is not None:
                return step
        own = Odd()
        values = self.values(row, f"steps[{index}]", own)
        step = way.reader.step(index, values, own, values)
        of = " (in the row of its undo)" if way.is_undo else ""
        odd.doubts.extend(Doubt(doubt.field, doubt.raw, doubt.reason + of) for doubt in own.doubts)
        return step

    def say_strangers(self, count: int, rows: Sequence[Any], odd: Odd) -> None:
        """Note how many rows are of no direction, with what the first of them says of its own."""
        for row in rows[:1]:
            names = {name for way in self._ways for name in way.match}
            cells = (f"{field.name} = {_cell(field, row)}" for field in self.fields if field.name in names)
            rest = "" if count == 1 else f", nor are {count - 1} more"
            reason = f"a row that is neither forward nor an undo{rest}; `where` leaves out what tells of no step"
            odd.say("steps", ", ".join(cells), reason)


def joined(step: Step | None, undo: Step | None, index: int) -> Step:
    """Return a step as the rows of both directions tell it; without one of its way forward it never went."""
    if undo is None:
        assert step is not None
        return step
    named = undo.compensation or undo.action  # it is out, or was: what it says itself counts before what was announced
    if step is not None and undo.status not in AS_UNDO:  # its turn has not come
        return step if step.compensation is not None else replace(step, compensation=named or undo.name)
    base = step if step is not None else Step(undo.name, index, StepStatus.PENDING)
    whole = undone(base, undo, index)
    return replace(whole, compensation=named or base.compensation or undo.name)


def _way(words: DirectedRows, direction: Direction | None, around: Around, *, is_undo: bool) -> Way:
    reader = StepReader(fields_of(words, direction), words, around.source.zone, detail=around.detail)
    return Way(reader, direction.match if direction is not None else {}, is_undo)


def _told_by(reader: StepReader) -> Sequence[str]:
    at = reader.fields.at
    return [*_worded_by(reader), *((at.column,) if at is not None and at.column else ())]


def _worded_by(reader: StepReader) -> Sequence[str]:
    """Return the columns that tell a row's name and status."""
    name, status = reader.fields.name or reader.words.name, reader.status
    sources = (status.source, status.error_source) if status is not None else ()
    return [each for each in (name.column if name is not None else None, *sources) if each]


def _name(reader: StepReader, values: Mapping[str, Any]) -> str | None:
    try:
        return reader.told("name", values) or None
    except Unreadable:
        return None


def _status(reader: StepReader, values: Mapping[str, Any]) -> StepStatus:
    if reader.status is None:
        return StepStatus.UNKNOWN
    try:
        return reader.status.read(values, values)[0]
    except Unreadable:
        return StepStatus.UNKNOWN


def _cell(field: Field, row: Any) -> str:
    raw = row[field.at]
    try:
        return "NULL" if raw is None else str(field.opened(raw))
    except Unreadable as unreadable:
        return unreadable.raw
