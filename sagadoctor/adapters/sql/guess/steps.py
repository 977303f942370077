"""What was concluded about the steps of a saga, and how it is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from sagadoctor.api.v1 import StepStatus
from sagadoctor.api.v1.proposing import Setting

from ..words import step_synonym
from .names import STEP_TIMES
from .seen import SeenColumn
from .step_fields import Fields, StepWord, has_unit, step_word, time_words


class Occurrence(msgspec.Struct, frozen=True):
    """A step met in a sample: its name, whether it was being undone, and which saga's it was (None: not known)."""

    name: str
    is_undone: bool
    owner: str | None = None


class Steps(msgspec.Struct, frozen=True):
    """The steps of one saga table: `settings` of `[stores.NAME.steps]`, and why.

    `met`: steps that were seen, in their order where one is known, and `parent` the column of the sagas that holds
    their owners; `compensable`: the rows themselves say what undoes a step; `needs_names`: without [sagas] nothing can
    be said of them.
    """

    shape: str
    settings: tuple[Setting, ...]
    why: tuple[str, ...] = ()
    weight: float = 0.0
    todo: tuple[str, ...] = ()
    met: tuple[Occurrence, ...] = ()
    parent: str = ""
    compensable: bool = False
    needs_names: bool = False
    place: str = ""


_UNDOING: Final = (StepStatus.COMPENSATING, StepStatus.COMPENSATED, StepStatus.COMPENSATION_FAILED)


def is_undoing(word: str | None) -> bool:
    """Say whether a step's word says that it is, was, or should have been undone."""
    return word is not None and step_word(word).means in _UNDOING


def words_told(words: Sequence[StepWord]) -> tuple[str, ...]:
    """Return what was seen of a step's words, for a comment."""
    if not words:
        return ()
    known = [word for word in words if word.means is not None]
    unknown = [word.word for word in words if word.means is None]
    lines = [f"{len(words)} words for a step's status, {len(known)} of them known"]
    if unknown:
        lines.append(f"not known: {', '.join(unknown[:20])}")
    return tuple(lines)


def status_words(column: SeenColumn) -> dict[str, str]:
    """Return the words of a column with what they usually mean."""
    return {word: meant.value for word in column.counted if (meant := step_synonym(word)) is not None}


def field_settings(fields: Fields) -> tuple[Setting, ...]:
    """Return `fields = { … }`, and what a person must say of words that mean nothing to us."""
    said: dict[str, Any] = {}
    why: list[str] = []
    for role, column in fields.parts.items():
        if role in STEP_TIMES:
            if not has_unit(column):
                why.append(f"{column.name} may be {role}, but its numbers don't tell their unit")
                continue
            said[role] = time_words(column)
        elif role == "status":
            said[role] = _status(column, fields.words)
        elif role in fields.paths:
            said[role] = {"column": column.name, "path": f"$.{fields.paths[role]}"}
        else:
            said[role] = column.name
    settings = [Setting("fields", said, tuple(why))]
    unknown = [word.word for word in fields.words if word.means is None]
    if unknown:
        settings.append(_to_fill(fields.parts["status"].name, unknown, said))
    return tuple(settings)


def _status(column: SeenColumn, words: Sequence[StepWord]) -> Any:
    guessed = {word.word: word.means.value for word in words if word.guessed and word.means is not None}
    return {"column": column.name, "values": guessed} if guessed else column.name


def _to_fill(column: str, unknown: Sequence[str], said: Mapping[str, Any]) -> Setting:
    wanted = {
        **said,
        "status": {"column": column, "values": {**_values(said.get("status")), **dict.fromkeys(unknown[:20], "…")}},
    }
    why = (
        "TODO: these words mean nothing to us; until it is said, rows with them are told as unreadable. One of "
        "pending, executing, completed, failed, timed_out, skipped, compensating, compensated, compensation_failed:",
    )
    return Setting("fields", wanted, why, said=False)


def _values(status: Any) -> dict[str, str]:
    return dict(status["values"]) if isinstance(status, dict) else {}
