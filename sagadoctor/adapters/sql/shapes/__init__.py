"""One file per shape of steps; a new shape is a new file and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagadoctor.api.v1.sql import Table

from ..mapping.steps import ChildTable, JsonList, StepWords
from .child_table import ChildTableSteps
from .json_list import JsonListSteps
from .none import UnknownSteps

if TYPE_CHECKING:
    from ..selection import Selection
    from ..source import Source

InRow = JsonListSteps | UnknownSteps
"""Shapes whose steps stand in the saga's own row."""
Shape = InRow | ChildTableSteps


def shape(words: StepWords, source: Source, selection: Selection, child: Table | None, *, detail: bool) -> Shape:
    """Return the reader for the shape that a mapping says."""
    if isinstance(words, JsonList):
        return JsonListSteps(words, source, selection, detail=detail)
    if isinstance(words, ChildTable) and child is not None:
        return ChildTableSteps(words, child, source.engine, source.zone, source.missing, detail=detail)
    return UnknownSteps()


__all__ = ["ChildTableSteps", "InRow", "JsonListSteps", "Shape", "UnknownSteps", "shape"]
