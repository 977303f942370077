"""`columns`: each step told by flags or times in columns of the saga's own row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from sagadoctor.api.v1 import Step, StepStatus
from sagadoctor.api.v1.sql import Kind

from ..cells import DETAIL_BOUND, ERROR_BOUND, NAME_BOUND
from ..fields import found_in, text_reader, translator
from ..mapping.columns import TextColumn
from ..mapping.shapes.columns import ColumnStep, ColumnSteps, FlagColumn
from ..times import time_reader
from ..values import Unreadable, raw_text, truth, word
from ..words import step_status
from .port import About, Around, InRowSteps
from .reading import Odd, result_reader
from .row_cells import Cell, cell_of, column_of, moment_of

_TIMES = (Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.DATE)
_FLAGS = (
    ("undone", StepStatus.COMPENSATED),
    ("failed", StepStatus.FAILED),
    ("done", StepStatus.COMPLETED),
)
"""In the order in which they count: what is undone was done before, and may have failed in between."""
_MOMENTS = ("started_at", "done_at", "undone_at", "timeout_at")
_TEXTS = ("error", "action", "compensation")

Told = tuple[StepStatus, str | None]
"""What a flag says, and the store's own word where it is one."""


class _One(msgspec.Struct, frozen=True):
    """The cells of one step."""

    name: str
    flags: tuple[Cell, ...]
    cells: dict[str, Cell]
    constants: dict[str, str]


class FlagSteps(InRowSteps):
    """Reads the flags and times of every step that the mapping names."""

    def __init__(self, words: ColumnSteps, around: Around) -> None:
        """Find and select all columns."""
        self._steps = [_one(step, index, around) for index, step in enumerate(words.steps)]
        self.has_times = any(name in one.cells for one in self._steps for name in _MOMENTS[:3])

    def steps(self, row: Any, about: About, odd: Odd) -> tuple[Step, ...] | None:
        """Return the steps in the mapping's order."""
        del about
        return tuple(_step(index, one, row, odd) for index, one in enumerate(self._steps))


def _one(words: ColumnStep, index: int, around: Around) -> _One:
    flags = [
        cell
        for name, meant in _FLAGS
        if (spec := getattr(words, name)) is not None and (cell := _flag(spec, meant, around)) is not None
    ]
    cells: dict[str, Cell] = {}
    for name in _MOMENTS:
        cell = moment_of(around, getattr(words, name), f"steps.steps[{index}].{name}")
        if cell is not None:
            cells[name] = cell
    constants: dict[str, str] = {}
    for name in _TEXTS:
        text: TextColumn | None = getattr(words, name)
        if text is not None and text.const is not None:
            constants[name] = word(text.const) or ""
        elif text is not None:
            most = (DETAIL_BOUND if around.detail else ERROR_BOUND) if name == "error" else NAME_BOUND
            cell = cell_of(around, text, text_reader(text), most)
            if cell is not None:
                cells[name] = cell
    if words.result is not None:
        cell = cell_of(around, words.result, result_reader(words.result), DETAIL_BOUND)
        if cell is not None:
            cells["result"] = cell
    return _One(words.name, tuple(flags), cells, constants)


def _flag(spec: FlagColumn, meant: StepStatus, around: Around) -> Cell | None:
    column = column_of(around, spec)
    is_time = column is not None and column.kind in _TIMES and not spec.path and not spec.pattern
    return cell_of(around, spec, _saying(spec, meant, around, is_time=is_time))


def _saying(spec: FlagColumn, meant: StepStatus, around: Around, *, is_time: bool) -> Callable[[Any], Told | None]:
    """Return what reads a flag: the status that its value names, the flag's own one for yes, None for no."""
    values = {key: step_status(status) for key, status in (spec.values or {}).items()}
    names = {key: key for key in values}
    translate = translator(spec.model_copy(update={"values": None}))
    as_time = time_reader(None, around.source.zone)

    def read(value: Any) -> Told | None:
        value = translate(value)
        if value is None:
            return None
        named = found_in(names, value)
        if named is not None:
            return values[named], word(value)
        if is_time:
            return (meant, None)
        try:
            return (meant, None) if truth(value) else None
        except Unreadable:
            if _is_moment(as_time, value):
                return (meant, None)
            reason = "neither yes nor no, no time, and no word that the mapping knows"
            raise Unreadable(raw_text(value), reason, (StepStatus.UNKNOWN, word(value))) from None

    return read


def _is_moment(read: Callable[[Any], datetime | None], value: Any) -> bool:
    try:
        return isinstance(value, str) and read(value) is not None
    except Unreadable:
        return False


def _step(index: int, one: _One, row: Any, odd: Odd) -> Step:
    at = f"steps[{index}]"
    found: dict[str, Any] = {name: cell.value(row, f"{at}.{name}", odd) for name, cell in one.cells.items()}
    told = next((said for cell in one.flags if (said := cell.value(row, f"{at}.status", odd)) is not None), None)
    status, raw = told if told is not None else _by_times(found)
    return Step(
        name=one.name,
        index=index,
        status=status,
        raw_status=raw,
        action=found.get("action") or one.constants.get("action"),
        compensation=found.get("compensation") or one.constants.get("compensation"),
        started_at=found.get("started_at"),
        executed_at=found.get("done_at"),
        compensated_at=found.get("undone_at"),
        timeout_at=found.get("timeout_at"),
        error=found.get("error") or one.constants.get("error"),
        result=found.get("result"),
    )


def _by_times(found: dict[str, Any]) -> Told:
    """Return what the times say of a step whose flags say nothing."""
    if found.get("undone_at") is not None:
        return StepStatus.COMPENSATED, None
    if found.get("done_at") is not None:
        return StepStatus.COMPLETED, None
    return (StepStatus.EXECUTING if found.get("started_at") is not None else StepStatus.PENDING), None
