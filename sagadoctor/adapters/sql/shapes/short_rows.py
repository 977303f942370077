"""The short road through rows of steps: a reader for each column's raw cells, and no notes on the way.

It answers None, or raises Unreadable, for whatever is not plainly right; such a row is then read tolerantly, field by
field.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from sagadoctor.api.v1 import Step, StepStatus

from ..mapping.columns import TimeColumn
from ..moments import short_moment
from ..source import Source
from ..values import Unreadable
from .reading import BY_STATUS, MOMENTS, TEXTS, WHOLE, StepReader
from .rows import Field

_AT: Final = {name: place for place, name in enumerate(Step.__struct_fields__)}
_NAME, _INDEX, _STATUS, _RAW = _AT["name"], _AT["index"], _AT["status"], _AT["raw_status"]
_STARTED, _LIMIT = _AT["started_at"], _AT["timeout_at"]
_DEFAULTS: Final = (None,) * (len(_AT) - len(Step.__struct_defaults__)) + Step.__struct_defaults__
_PLACE_OF_MOMENT: Final = {status: _AT[name] for status, name in BY_STATUS.items()}
_OF_FEW_WORDS: Final = ("name", "action", "compensation")
_REMEMBERED: Final = 2000

Cell = Callable[[Any], Any]
Said = tuple[StepStatus, str | None]


class ShortRow:
    """Reads rows by one reader's words; every method may raise Unreadable."""

    def __init__(self, reader: StepReader, source: Source, fields: Mapping[str, Field]) -> None:
        """Make the readers; `short_row` says for which."""
        self._words: list[tuple[int, int, Cell]] = []
        """What is one of few words: place in the step, place in the row, reader."""
        self._cells: list[tuple[int, int, Cell]] = []
        self._template: list[Any] = list(_DEFAULTS)
        for name, value in reader.constants.items():
            self._template[_AT[name]] = value
        self._moment: tuple[int, Cell] | None = None
        for name, key, read in reader.readers:
            field = fields[key or WHOLE]
            cell = _cell(name, read, field, reader, source)
            if name == "at":
                self._moment = (field.at, cell)
            else:
                (self._words if name in _OF_FEW_WORDS else self._cells).append((_AT[name], field.at, cell))
        self.tells_moments = self._moment is not None
        self._status, status_at = _statuses(reader, fields)
        told_by = sorted({*status_at, *(at for _, at, _ in self._words)})
        self._key: Callable[[Any], Any] = operator.itemgetter(*told_by) if told_by else lambda row: None
        self._known: dict[Any, list[Any]] = {}

    def _said(self, row: Any) -> list[Any]:
        """Return a step's fields as far as its words tell them, the same list for the same words."""
        key = self._key(row)
        found = self._known.get(key)
        if found is None:
            found = self._template.copy()
            for place, at, read in self._words:
                raw = row[at]
                if raw is not None:
                    found[place] = read(raw)
            found[_STATUS], found[_RAW] = self._status(row)
            if len(self._known) < _REMEMBERED:
                self._known[key] = found
        return found

    def step(self, row: Any, index: int) -> Step | None:
        """Return the step that a row tells; None where it is to be read tolerantly."""
        args = self._said(row).copy()
        if not args[_NAME]:
            return None
        args[_INDEX] = index
        for place, at, read in self._cells:
            raw = row[at]
            if raw is not None:
                args[place] = read(raw)
        if self._moment is not None:
            place_of_moment = _PLACE_OF_MOMENT.get(args[_STATUS])
            if place_of_moment is not None and args[place_of_moment] is None:
                args[place_of_moment] = self.moment(row)
        limit, started = args[_LIMIT], args[_STARTED]
        if limit is not None and started is not None and limit < started:
            return None
        return Step(*args)

    def name_and_status(self, row: Any) -> tuple[str | None, StepStatus]:
        """Return the step's name and status alone."""
        said = self._said(row)
        return said[_NAME] or None, said[_STATUS]

    def moment(self, row: Any) -> datetime | None:
        """Return when the row was written, None where it doesn't tell."""
        if self._moment is None:
            return None
        at, read = self._moment
        raw = row[at]
        moment: datetime | None = None if raw is None else read(raw)
        return moment


def short_row(reader: StepReader, source: Source, fields: Mapping[str, Field]) -> ShortRow | None:
    """Return the short road for a reader; None where a field is read out of the row as a whole, or lacks its column."""
    wanted: list[str | None] = [key for _, key, _ in reader.readers]
    status = reader.status
    if status is not None and status.const is None:
        wanted += [key for key in (status.source, status.error_source) if key is not None]
    if any(key is None or key == WHOLE or key not in fields for key in wanted):
        return None
    bounds = reader.bounds
    if any(name not in bounds or not _fits(text, bounds[name]) for name, text in reader.constants.items()):
        return None
    return ShortRow(reader, source, fields)


def _cell(name: str, read: Cell, field: Field, reader: StepReader, source: Source) -> Cell:
    opened = field.opened
    if name in TEXTS:
        return _text(read, opened, reader.bounds[name])
    if name in MOMENTS or name == "at":
        spec = getattr(reader.fields, name)
        short = short_moment(spec, field.column, source) if isinstance(spec, TimeColumn) else None
        if short is not None:
            return short

    def value(raw: Any) -> Any:
        return read(opened(raw))

    return value


def _text(read: Cell, opened: Cell, most: int) -> Cell:
    def text(raw: Any) -> Any:
        value = read(opened(raw))
        if value is not None and not _fits(value, most):
            raise Unreadable("", "has to be cut or mended")
        return value

    return text


def _fits(text: str | None, most: int) -> bool:
    """Say whether a text may stay as it is: short enough, and without half a character."""
    if text is None or (len(text) <= most and text.isascii()):
        return True
    if len(text) > most:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _statuses(reader: StepReader, fields: Mapping[str, Field]) -> tuple[Callable[[Any], Said], list[int]]:
    """Return what reads a row's status, and the places in the row by which it does."""
    status = reader.status
    if status is None:
        return lambda row: (StepStatus.UNKNOWN, None), []
    names = [key for key in (status.source, status.error_source) if key is not None] if status.const is None else []
    cells = [fields[name] for name in names]

    def read(row: Any) -> Said:
        values = {each.name: None if row[each.at] is None else each.opened(row[each.at]) for each in cells}
        return status.read(values, None)

    return read, [each.at for each in cells]
