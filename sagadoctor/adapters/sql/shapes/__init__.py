"""One file per shape of steps; a new shape is a new file and a line here.

Only the file of the shape that a store has is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from .port import About, Around, InRowSteps, TableSteps, Told

if TYPE_CHECKING:
    from ..mapping.step_words import StepWords

Shape = InRowSteps | TableSteps

_READERS: Final = {
    "json_list": "JsonListSteps",
    "json_object": "JsonObjectSteps",
    "child_table": "ChildTableSteps",
    "op_table": "OperationSteps",
    "log_table": "LoggedSteps",
    "columns": "FlagSteps",
    "counters": "CountedSteps",
    "arrays": "ListedSteps",
    "cursor_only": "CursorSteps",
    "none": "UnknownSteps",
}
"""The reader of each shape, in the module of its name."""


def shape(words: StepWords, around: Around) -> Shape:
    """Return the reader for the shape that a mapping says."""
    made: Shape = getattr(import_module(f".{words.shape}", __package__), _READERS[words.shape])(words, around)
    return made


__all__ = ["About", "Around", "InRowSteps", "Shape", "TableSteps", "Told", "shape"]
