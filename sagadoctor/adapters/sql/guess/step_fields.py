"""What the columns of a step's row, or the keys of its JSON object, tell: names, words, moments."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from sagadoctor.api.v1 import StepStatus
from sagadoctor.api.v1.sql import Kind

from ..units import unit_of
from ..words import step_synonym
from .meanings import tells_of_undoing
from .names import FORWARD_WORDS, STEP_ROLES, STEP_TIMES, UNDO_WORDS, is_mappable, plain, ranked, tokens
from .seen import DOCUMENTS, NUMBERS, TEXTS, SeenColumn

_ENDS: Final = {
    "fail": StepStatus.COMPENSATION_FAILED,
    "error": StepStatus.COMPENSATION_FAILED,
    "done": StepStatus.COMPENSATED,
    "finish": StepStatus.COMPENSATED,
    "complete": StepStatus.COMPENSATED,
    "succe": StepStatus.COMPENSATED,
    "start": StepStatus.COMPENSATING,
    "progress": StepStatus.COMPENSATING,
    "running": StepStatus.COMPENSATING,
    "pending": StepStatus.COMPENSATING,
}
_PREFIXES: Final = ("step", "node", "task", "activity", "branch", "event", "action", "tx", "status", "stat")


_MOST_KEYS: Final = 60


class StepWord(msgspec.Struct, frozen=True):
    """A word for a step's status and what it means, None for nothing known; `guessed` when only its parts say so."""

    word: str
    means: StepStatus | None
    guessed: bool = False


def step_word(word: str) -> StepWord:
    """Return what a word means: a usual one, else by its parts (`undo_started`, `StepSucceeded`)."""
    known = step_synonym(word)
    if known is not None:
        return StepWord(word, known)
    parts = list(tokens(word))
    while len(parts) > 1 and parts[0] in _PREFIXES:
        parts = parts[1:]
    while len(parts) > 1 and parts[-1] in ("event", "step"):
        parts = parts[:-1]
    rest = step_synonym("".join(parts)) if parts else None
    if rest is not None:
        return StepWord(word, rest, guessed=True)
    if tells_of_undoing(word):
        for begin, status in _ENDS.items():
            if any(part.startswith(begin) for part in parts):
                return StepWord(word, status, guessed=True)
    return StepWord(word, None)


class Fields(msgspec.Struct, frozen=True):
    """Which column or key plays which part; `words` those of the status, `direction` what tells an undo's row."""

    parts: Mapping[str, SeenColumn]
    words: tuple[StepWord, ...] = ()
    direction: SeenColumn | None = None
    forward: str | None = None
    undo: str | None = None
    paths: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The key that stands for a part within its column's documents."""

    @property
    def known(self) -> float:
        """Return the share of status words that mean something; 0 where there are none."""
        return sum(word.means is not None for word in self.words) / len(self.words) if self.words else 0.0


def fields_of(columns: Sequence[SeenColumn], owners: Sequence[str], taken: Collection[str] = ()) -> Fields:
    """Return the parts that columns play in a step's row; each plays one."""
    free = [column for column in columns if column.name not in taken]
    direction = next((column for column in free if _is_direction(column)), None)
    if direction is not None:
        free.remove(direction)
    parts: dict[str, SeenColumn] = {}
    status = _status(free, owners)
    if status is not None:
        parts["status"] = status
    for role, names in (*STEP_TIMES.items(), *STEP_ROLES.items()):
        used = {column.name for column in parts.values()}
        fitting = [
            (rank, place, column)
            for place, column in enumerate(free)
            if column.name not in used
            and (rank := ranked(column.name, names, owners)) is not None
            and _fits(role, column)
        ]
        if role not in parts and fitting:
            parts[role] = min(fitting, key=lambda each: each[:2])[2]
    _settle(parts, free, owners)
    forward, undo = _ways(direction) if direction is not None else (None, None)
    words = tuple(step_word(word) for word in status.counted) if status is not None else ()
    paths: dict[str, str] = {}
    for role in ("action", "compensation"):
        within = named_within(parts[role]) if role in parts else None
        if within is not None:
            paths[role] = within
    if "name" not in parts and "action" in paths:
        parts["name"], paths["name"] = parts["action"], paths["action"]
    order = ("name", "status", "action", "compensation", "error", "result", "started_at", "executed_at",
             "compensated_at", "timeout_at", "attempts", "next_attempt_at", "at")  # fmt: skip
    return Fields({role: parts[role] for role in order if role in parts}, words, direction, forward, undo, paths)


def _settle(parts: dict[str, SeenColumn], free: Sequence[SeenColumn], owners: Sequence[str]) -> None:
    """Mend what names alone say wrongly: beside a time of completion, `executed_at` is when the step was sent."""
    ended = parts.get("executed_at")
    if "started_at" not in parts and ended is not None and "executed" in plain(ended.name):
        for column in free:
            if plain(column.name) in ("completedat", "finishedat", "endedat", "doneat") and column.is_time():
                parts["started_at"], parts["executed_at"] = ended, column
    at = parts.get("at")
    if at is not None and ("started_at" in parts or "executed_at" in parts) and at.name in ("created_at", "updated_at"):
        del parts["at"]
    del owners


def _status(columns: Sequence[SeenColumn], owners: Sequence[str]) -> SeenColumn | None:
    best: tuple[float, SeenColumn] | None = None
    for column in columns:
        rank = ranked(column.name, STEP_ROLES["status"], owners)
        if rank is None or column.kind not in (*TEXTS, Kind.INT, Kind.BOOL) or not column.has_few_words:
            continue
        words = [step_word(word) for word in column.counted]
        known = sum(word.means is not None for word in words) / len(words) if words else 0.4
        if plain(column.name) in ("type", "event", "phase", "result", "outcome", "eventtype") and known < 0.5:
            continue
        score = known * 5 - rank / 5 - (2 if column.kind in (Kind.INT, Kind.BOOL) else 0)
        if best is None or score > best[0]:
            best = (score, column)
    return best[1] if best is not None else None


def _is_direction(column: SeenColumn) -> bool:
    """Say whether a column's words are those of going forward and back, and nothing else."""
    words = [plain(word) for word in column.counted]
    if column.kind not in TEXTS or not words or len(words) > 4:
        return False
    if any(word not in FORWARD_WORDS and word not in UNDO_WORDS for word in words):
        return False
    return any(word in UNDO_WORDS for word in words) or plain(column.name) in ("direction", "op", "action")


def _ways(direction: SeenColumn) -> tuple[str | None, str | None]:
    forward = next((word for word in direction.counted if plain(word) in FORWARD_WORDS), None)
    undo = next((word for word in direction.counted if plain(word) in UNDO_WORDS), None)
    return forward, undo


def _fits(role: str, column: SeenColumn) -> bool:
    if role in STEP_TIMES:
        return column.is_time()
    if role == "name":
        return column.kind in TEXTS and not column.decoded and not column.numbers
    if role == "attempts":
        return column.kind in NUMBERS
    if role in ("action", "compensation"):
        return (column.kind in TEXTS and not column.decoded) or named_within(column) is not None
    if role == "error":
        return column.kind in DOCUMENTS
    return True


def named_within(column: SeenColumn) -> str | None:
    """Return the key by which a column's documents name what they are, such as `{"type": "ReserveStock", …}`."""
    documents = [document for document in column.decoded if isinstance(document, dict)]
    if not documents or len(documents) < len(column.decoded):
        return None
    for key in ("type", "name", "command", "action", "step"):
        if all(isinstance(document.get(key), str) for document in documents):
            return key
    return None


def time_words(column: SeenColumn, named: str | None = None) -> Any:
    """Return how a column's moments are said in a mapping: its name, or with the unit where it holds numbers."""
    name = column.name if named is None else named
    unit = None
    if column.kind in NUMBERS or (column.numbers and column.kind not in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ)):
        unit = next((unit for number in column.numbers if (unit := unit_of(number)) is not None), None)
    return name if unit is None else {"column": name, "format": unit.value}


def has_unit(column: SeenColumn) -> bool:
    """Say whether a column of moments tells its unit, by its type or by the size of its numbers."""
    return column.kind not in NUMBERS or isinstance(time_words(column), dict)


def keys_as_columns(documents: Sequence[Mapping[str, Any]]) -> tuple[SeenColumn, ...]:
    """Return the keys of JSON objects as columns, so that they are judged like them."""
    from sagadoctor.api.v1.sql import Column

    names: dict[str, list[Any]] = {}
    for document in documents:
        for key in document:
            if is_mappable(key):
                names.setdefault(key, [])
    found: list[SeenColumn] = []
    for key in list(names)[:_MOST_KEYS]:
        values = [document.get(key) for document in documents]
        given = [value for value in values if value is not None]
        kind = Kind.TEXT
        if given and all(isinstance(value, bool) for value in given):
            kind = Kind.BOOL
        elif given and all(isinstance(value, int | float) for value in given):
            kind = Kind.INT
        elif any(isinstance(value, dict | list) for value in given):
            kind = Kind.JSON
        cells = tuple(None if value is None else _spelt(value) for value in values)
        found.append(SeenColumn(Column(key, kind, "JSON"), cells))
    return tuple(found)


def _spelt(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:200]
