"""Steps in the saga's own row: JSON lists and objects, arrays, counters, flags, or nothing but a cursor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from sagadoctor.api.v1.proposing import Setting
from sagadoctor.api.v1.sql import Kind

from ..words import step_synonym
from .names import is_mappable, plain, tokens
from .sagas import SagaTable
from .seen import SeenColumn
from .step_fields import Fields, fields_of, keys_as_columns, step_word, time_words
from .steps import Occurrence, Steps, field_settings, is_undoing, status_words, words_told

_COUNTERS: Final = {
    "total": "totalsteps stepstotal stepcount numsteps totalstepcount stepscount stepnum numberofsteps",
    "done": "completedsteps stepscompleted stepsdone donesteps executedsteps finishedsteps succeededsteps",
    "compensated": "compensatedsteps stepscompensated undonesteps stepsundone rolledbacksteps revertedsteps",
    "failed": "failedstep failedsteps failedstepindex failedstepno errorstep failedatstep",
}
_DONE: Final = (
    "doneat",
    "completedat",
    "finishedat",
    "executedat",
    "done",
    "completed",
    "finished",
    "executed",
    "succeeded",
    "ok",
)
_UNDONE: Final = (
    "undoneat",
    "compensatedat",
    "rolledbackat",
    "revertedat",
    "undone",
    "compensated",
    "rolledback",
    "reverted",
)
_FAILED: Final = ("failed", "failedat", "error")


def steps_in_row(saga: SagaTable) -> Steps | None:
    """Return the steps that the saga's row tells of, None where it doesn't."""
    found = [each for each in (_json(saga), _arrays(saga), _flags(saga)) if each is not None]
    return max(found, key=lambda each: each.weight, default=None)


def cursor_alone(saga: SagaTable) -> Steps | None:
    """Return the shape in which only the current step is known."""
    cursor = saga.roles.get("current_step")
    if cursor is None:
        return None
    why = (f"no steps were found, only where a saga is: {cursor.name}",)
    return Steps("cursor_only", (Setting("shape", "cursor_only"),), why, 0.0, needs_names=True)


class _Place(msgspec.Struct, frozen=True):
    """Where in a column's documents the steps lie."""

    column: SeenColumn
    path: str | None
    values: tuple[Any, ...]


def _places(saga: SagaTable) -> Iterable[_Place]:
    for column in saga.seen.columns:
        if not column.decoded:
            continue
        yield _Place(column, None, column.decoded)
        nested: dict[str, list[Any]] = {}
        for document in column.decoded:
            if isinstance(document, dict):
                for key, value in list(document.items())[:60]:
                    if isinstance(value, list | dict) and _is_path_key(key):
                        nested.setdefault(key, []).append(value)
        for key, values in nested.items():
            yield _Place(column, f"$.{key}", tuple(values))


def _is_path_key(key: str) -> bool:
    return bool(key) and key.isidentifier()


def _json(saga: SagaTable) -> Steps | None:
    best: Steps | None = None
    for place in _places(saga):
        for read in (_list, _words_by_name, _dicts_by_name):
            found = read(place)
            if found is not None and (best is None or found.weight > best.weight):
                best = found
    return best


def _start(place: _Place, shape: str) -> list[Setting]:
    settings = [Setting("shape", shape), Setting("column", place.column.name)]
    if place.column.documents and place.column.documents[0].lstrip()[:1] == '"':
        settings.append(Setting("format", "json_double"))
    if place.path is not None:
        settings.append(Setting("path", place.path))
    return settings


def _where(place: _Place) -> str:
    return place.column.name if place.path is None else f"{place.column.name}, at {place.path}"


def _list(place: _Place) -> Steps | None:
    lists = [value for value in place.values if isinstance(value, list)]
    steps = [step for value in lists for step in value if isinstance(step, dict)]
    if not steps or len(lists) < len(place.values) / 2:
        return None
    fields = fields_of(keys_as_columns(steps), ("step",))
    if "name" not in fields.parts or "status" not in fields.parts or (fields.words and fields.known < 0.34):
        return None
    name, status = fields.parts["name"].name, fields.parts["status"].name
    why = (
        f"{_where(place)} holds lists of steps: {len(steps):,} in {len(lists):,} rows looked at",
        *words_told(fields.words),
    )
    settings = (*_start(place, "json_list"), *field_settings(fields))
    weight = 4.0 + fields.known
    met = _met(
        (step.get(name), step.get(status))
        for value in sorted(lists, key=len, reverse=True)
        for step in value
        if isinstance(step, dict)
    )
    return Steps("json_list", settings, why, weight, met=met, compensable=_says_undo(fields))


def _says_undo(fields: Fields) -> bool:
    return "compensation" in fields.parts


def _met(told: Iterable[tuple[Any, Any]]) -> tuple[Occurrence, ...]:
    """Return the steps that were met, by name and word, each once."""
    return tuple(
        dict.fromkeys(
            Occurrence(name, isinstance(word, str) and is_undoing(word)) for name, word in told if isinstance(name, str)
        )
    )


def _words_by_name(place: _Place) -> Steps | None:
    dicts = [value for value in place.values if isinstance(value, dict) and value]
    words = [word for value in dicts for word in value.values()]
    if not words or not all(isinstance(word, str) for word in words):
        return None
    known = [word for word in words if step_word(word).means is not None]
    if len(known) < 0.7 * len(words):
        return None
    told = tuple(step_word(word) for word in dict.fromkeys(words))
    settings = [*_start(place, "json_object")]
    values = {word.word: word.means.value for word in told if word.guessed and word.means is not None}
    if values:
        settings.append(Setting("values", values, ("guessed from the words themselves",)))
    why = (f"{_where(place)} holds names of steps and their words, in {len(dicts):,} rows looked at", *words_told(told))
    met = _met(pair for value in sorted(dicts, key=len, reverse=True) for pair in value.items())
    return Steps("json_object", tuple(settings), why, 4.0 + len(known) / len(words), met=met)


def _dicts_by_name(place: _Place) -> Steps | None:
    dicts = [value for value in place.values if isinstance(value, dict) and value]
    inner = [step for value in dicts for step in value.values()]
    if not inner or not all(isinstance(step, dict) for step in inner):
        return None
    fields = fields_of(keys_as_columns(inner), ("step",))
    if "status" not in fields.parts or fields.known < 0.5:
        return None
    without = Fields({role: column for role, column in fields.parts.items() if role != "name"}, fields.words)
    why = (f"{_where(place)} holds steps by name, in {len(dicts):,} rows looked at", *words_told(fields.words))
    key = fields.parts["status"].name
    met = _met((name, step.get(key)) for value in sorted(dicts, key=len, reverse=True) for name, step in value.items())
    settings = (*_start(place, "json_object"), *field_settings(without))
    return Steps("json_object", settings, why, 4.0 + fields.known, met=met, compensable=_says_undo(fields))


def _arrays(saga: SagaTable) -> Steps | None:
    found: dict[str, SeenColumn] = {}
    for role, names in _COUNTERS.items():
        for column in saga.seen.columns:
            if plain(column.name) in names.split():
                found[role] = column
                break
    lists = {role for role, column in found.items() if role != "total" and _is_list(column)}
    if not found or not ({"done", "compensated", "failed"} & set(found)):
        return None
    why = [f"columns that count or list steps: {', '.join(column.name for column in found.values())}"]
    if lists:
        settings = [Setting("shape", "arrays")]
        settings += [Setting(role, column.name) for role, column in found.items()]
        if "current_step" in saga.roles and "done" not in found:
            settings.append(Setting("current", "next"))
        return Steps("arrays", tuple(settings), tuple(why), 3.0, needs_names=True)
    if "done" not in found:
        return None
    settings = [Setting("shape", "counters"), Setting("done", found["done"].name)]
    for role, key in (("compensated", "undone"), ("total", "total"), ("failed", "failed")):
        if role in found:
            settings.append(Setting(key, found[role].name))
    return Steps("counters", tuple(settings), tuple(why), 3.0, needs_names=True)


def _is_list(column: SeenColumn) -> bool:
    if column.kind is Kind.ARRAY:
        return True
    return bool(column.decoded) and all(isinstance(value, list) for value in column.decoded)


def _flags(saga: SagaTable) -> Steps | None:
    """Find columns such as `payment_done_at` and `payment_undone`, or `payment_status`, two steps or more."""
    taken = {column.name for column in saga.roles.values()}
    if saga.state is not None:
        taken |= {column.name for column, _ in saga.state.flags}
        taken |= {saga.state.column.name} if saga.state.column is not None else set()
    steps: dict[str, dict[str, Any]] = {}
    for column in saga.seen.columns:
        if column.name in taken or not is_mappable(column.name):
            continue
        named = _flag_of(column)
        if named is not None:
            step, key, value = named
            steps.setdefault(step, {}).setdefault(key, value)
    told = {name: keys for name, keys in steps.items() if "done" in keys or "done_at" in keys}
    if len(told) < 2:
        return None
    listed = [{"name": name, **keys} for name, keys in told.items()]
    why = (f"{len(told)} steps told by columns of the row itself: {', '.join(told)}",)
    settings = (Setting("shape", "columns"), Setting("steps", listed))
    met = tuple(Occurrence(name, bool({"undone", "undone_at"} & set(keys))) for name, keys in told.items())
    return Steps("columns", settings, why, 3.0, met=met)


def _flag_of(column: SeenColumn) -> tuple[str, str, Any] | None:
    parts = tokens(column.name)
    for size in (2, 1):
        step, ending = "_".join(parts[:-size]), "".join(parts[-size:])
        if not step:
            continue
        is_moment = column.kind in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ) or (ending.endswith("at") and column.is_time())
        is_flag = column.kind is Kind.BOOL or (column.kind is Kind.INT and set(column.counted) <= {"0", "1"})
        if ending in _DONE and (is_moment or is_flag):
            return step, "done_at" if is_moment else "done", time_words(column) if is_moment else column.name
        if ending in _UNDONE and (is_moment or is_flag):
            return step, "undone_at" if is_moment else "undone", time_words(column) if is_moment else column.name
        if ending in _FAILED and (is_moment or is_flag):
            return step, "failed", column.name
        if ending in ("status", "state") and size == 1 and column.counted and _all_known(column.counted):
            return step, "done", {"column": column.name, "values": status_words(column)}
    return None


def _all_known(words: Mapping[str, int]) -> bool:
    return all(step_synonym(word) is not None for word in words)
