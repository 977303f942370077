"""Steps in rows of another table: which one, whose rows they are, and whether a row is a step or an event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from sagadoctor.api.v1.proposing import Setting
from sagadoctor.api.v1.sql import Kind

from .meanings import tells_of_undoing
from .names import ORDER_NAMES, STEP_ROLES, plain, ranked, tokens
from .sagas import id_of, refers_to
from .seen import NUMBERS, TEXTS, Seen, SeenColumn
from .step_fields import Fields, fields_of
from .steps import Occurrence, Steps, field_settings, is_undoing, words_told

_EVENTS: Final = frozenset(
    ["log", "logs", "event", "events", "history", "histories", "journal", "transition", "transitions", "audit", "trail"]
)
_STEPS: Final = frozenset(
    [
        "step",
        "steps",
        "activity",
        "activities",
        "branch",
        "branches",
        "node",
        "nodes",
        "task",
        "tasks",
        "op",
        "ops",
        "operation",
        "operations",
    ]
)
_NOT_STEPS: Final = frozenset(
    [
        "outbox",
        "inbox",
        "message",
        "messages",
        "lock",
        "locks",
        "stash",
        "participant",
        "participants",
        "timeout",
        "timeouts",
        "letter",
    ]
)


class Tie(msgspec.Struct, frozen=True):
    """Whose rows they are: `own` is this table's column, `parent` the one of the sagas that it holds the value of."""

    own: str
    parent: str
    by_key: bool = False


def tie_of(child: Seen, parent: Seen) -> Tie | None:
    """Return how a table's rows belong to sagas: by a foreign key, else by a column's name and what it holds."""
    for key in child.listed.foreign_keys:
        if key.table == parent.name and key.schema in (None, parent.listed.table.schema) and len(key.columns) == 1:
            others = key.others or parent.listed.table.primary_key
            if len(others) == 1 and parent.get(others[0]) is not None:
                return Tie(key.columns[0], others[0], by_key=True)
    identity = id_of(parent, None, (parent.name,))
    if identity is None:
        return None
    for column in child.columns:
        if column.kind not in (*TEXTS, *NUMBERS, Kind.UUID, Kind.BYTES) or child.listed.table.primary_key == (
            column.name,
        ):
            continue
        same = plain(column.name) == plain(identity) and plain(identity) != "id"
        if not same and not refers_to(column.name, parent.listed.table) and plain(column.name) not in ("sagaid", "gid"):
            continue
        for other in _candidates(parent, identity):
            if _agree(child, column.name, parent, other):
                return Tie(column.name, other)
    return None


def _candidates(parent: Seen, identity: str) -> Iterable[str]:
    """Return the parent's columns that others may refer to, the likeliest first."""
    yield identity
    table = parent.listed.table
    for column in parent.columns:
        if column.name != identity and table.is_unique([column.name]):
            yield column.name


def _agree(child: Seen, own: str, parent: Seen, other: str) -> bool:
    """Say whether a column's values may be those of the other: they meet, or too little was seen to say no."""
    mine, theirs = child.by_name[own], parent.by_name[other]
    if (mine.kind in NUMBERS) != (theirs.kind in NUMBERS) and Kind.OTHER not in (mine.kind, theirs.kind):
        return False
    if not mine.counted or not theirs.counted:
        return True
    if set(mine.counted) & set(theirs.counted):
        return True
    return (
        not (child.whole and parent.whole)
        and mine.kind == theirs.kind
        and not _looks_otherwise(mine.counted, theirs.counted)
    )


def _looks_otherwise(mine: Iterable[str], theirs: Iterable[str]) -> bool:
    return max(map(len, mine)) != max(map(len, theirs)) and min(map(len, theirs)) > 20


def steps_in_rows(child: Seen, tie: Tie) -> Steps | None:
    """Return the steps that a table's rows tell of, None where they tell of something else."""
    words = set(tokens(child.name))
    if words & _NOT_STEPS and not words & _STEPS:
        return None
    table = child.listed.table
    order = _order(child, tie)
    taken = {tie.own, *([order] if order is not None else ())}
    if len(table.primary_key) == 1:
        taken.add(table.primary_key[0])
    fields = fields_of(child.columns, (child.name, "step"), taken)
    if "status" not in fields.parts:
        return None
    todo: list[str] = []
    if "name" not in fields.parts:
        named = child.get(order) or fields.parts.get("action") or _numbered(child, taken)
        if named is None:
            return None
        fields = msgspec.structs.replace(fields, parts={"name": named, **fields.parts})
        todo.append(f"no column of {child.place} names a step: {named.name} stands in for it")
    shape = _shape(child, tie, fields)
    settings: list[Setting] = [
        Setting("shape", shape),
        Setting("table", _table(child)),
        Setting("foreign_key", tie.own, () if tie.by_key else ("by its name: no foreign key says so",)),
    ]
    ordered = _order_by(child, order, fields, shape)
    if ordered:
        settings.append(Setting("order_by", ordered if len(ordered) > 1 else ordered[0]))
    settings += field_settings(_for_shape(fields, shape, child))
    why = [f"{child.place}: {child.counted}, {_said(shape)}", *words_told(fields.words)]
    directed = fields.direction
    if directed is not None and shape != "child_table":
        forward, undo = fields.forward, fields.undo
        if forward is not None:
            settings.append(Setting("forward", {"match": {directed.name: forward}}))
        if undo is not None:
            settings.append(Setting("undo", {"match": {directed.name: undo}}))
        else:
            settings.append(
                Setting(
                    "undo", {"match": {directed.name: "…"}}, ("TODO: which word marks the row of an undo?",), said=False
                )
            )
        why.append(f"{directed.name} says whether a row goes forward or back: {', '.join(directed.counted)}")
    return Steps(
        shape,
        tuple(settings),
        tuple(why),
        _weight(child, fields, words),
        tuple(todo),
        _met(child, tie, fields, order),
        tie.parent,
        compensable="compensation" in fields.parts or (directed is not None and "action" in fields.parts),
        place=child.place,
    )


def _numbered(child: Seen, taken: set[str]) -> SeenColumn | None:
    """Return the column that says by a number which step a row is of."""
    found = [
        (rank, column.name)
        for column in child.columns
        if column.name not in taken
        and column.kind in NUMBERS
        and (rank := ranked(column.name, STEP_ROLES["name"], (child.name,))) is not None
    ]
    return child.by_name[min(found)[1]] if found else None


def _weight(child: Seen, fields: Fields, words: set[str]) -> float:
    weight = 1.0 + fields.known
    if words & _STEPS:
        weight += 2
    elif words & _EVENTS:
        weight += 1
    if fields.direction is not None or any(tells_of_undoing(word.word) for word in fields.words):
        weight += 2
    if any("step" in tokens(column.name) for column in child.columns):
        weight += 1
    return weight


def _table(child: Seen) -> Any:
    parts = child.listed.parts
    plainly = all("." not in part for part in parts)
    return ".".join(parts) if plainly else list(parts) if len(parts) == 2 else [parts[0]]


def _order(child: Seen, tie: Tie) -> str | None:
    found = [
        (rank, column.name)
        for column in child.columns
        if column.name != tie.own
        and column.kind in (*NUMBERS, Kind.OTHER)
        and (rank := ranked(column.name, ORDER_NAMES, (child.name, "step"))) is not None
    ]
    return min(found)[1] if found else None


def _order_by(child: Seen, order: str | None, fields: Fields, shape: str) -> list[str]:
    key = child.listed.table.primary_key
    counted = len(key) == 1 and (column := child.get(key[0])) is not None and column.kind in NUMBERS
    if shape == "log_table":
        if counted:
            return [key[0]]
        times = [fields.parts[role].name for role in ("at", "started_at", "executed_at") if role in fields.parts]
        return [*times[:1], *([order] if order is not None else ())] or list(key)
    if order is not None:
        return [order]
    if counted:
        return [key[0]]
    times = [fields.parts[role].name for role in ("started_at", "at", "executed_at") if role in fields.parts]
    return times[:1] or ([key[-1]] if len(key) > 1 and key[-1] != "" else [])


def _shape(child: Seen, tie: Tie, fields: Fields) -> str:
    """Say what a row is: an event where a step (and direction) has several of them, else a step."""
    keys = [tie.own, fields.parts["name"].name]
    if fields.direction is not None:
        keys.append(fields.direction.name)
    table = child.listed.table
    rowwise = "op_table" if fields.direction is not None else "child_table"
    if table.is_unique(keys):
        return rowwise
    cells = [child.by_name[key].cells for key in keys]
    often = Counter(zip(*cells, strict=False))
    if any(count > 1 for count in often.values()):
        return "log_table"
    by_event = _EVENTS & set(tokens(child.name)) or "event" in tokens(fields.parts["status"].name)
    return "log_table" if by_event and not _is_filled_later(fields) else rowwise


def _is_filled_later(fields: Fields) -> bool:
    """Say whether a row seems to be written once more when its step has ended."""
    return "started_at" in fields.parts and "executed_at" in fields.parts and fields.direction is None


def _for_shape(fields: Fields, shape: str, child: Seen) -> Fields:
    """Return the fields as the shape wants them: an event's row says when it was written."""
    parts = dict(fields.parts)
    if shape == "log_table" and "at" not in parts:
        for role in ("executed_at", "started_at"):
            if role in parts:
                parts["at"] = parts.pop(role)
                break
    if shape == "child_table":
        # when a row was made is no progress of its step, where better times are there
        if {"started_at", "executed_at"} & set(parts):
            parts.pop("at", None)
        elif "at" in parts and not plain(parts["at"].name).startswith(("updat", "modif", "chang")):
            parts.pop("at")
    del child
    return msgspec.structs.replace(fields, parts=parts)


def _said(shape: str) -> str:
    return {"log_table": "a row is an event", "op_table": "a row is a step and a direction"}.get(
        shape, "a row is a step"
    )


def _met(child: Seen, tie: Tie, fields: Fields, order: str | None) -> tuple[Occurrence, ...]:
    """Return the steps of the sample with whose they were, in their usual order, each once."""
    names = _named(child, fields)
    owners = child.by_name[tie.own].cells
    words = child.by_name[fields.parts["status"].name].cells
    ways = fields.direction.cells if fields.direction is not None else ()
    places = child.by_name[order].cells if order is not None else ()
    found: dict[Occurrence, tuple[float, int]] = {}
    for number, name in enumerate(names):
        if name is None or number >= len(owners):
            continue
        undone = number < len(words) and is_undoing(words[number])
        undone = undone or (number < len(ways) and ways[number] == fields.undo and fields.undo is not None)
        place = places[number] if number < len(places) else None
        by = float(place) if place is not None and place.lstrip("-").isdigit() else 0.0
        found.setdefault(Occurrence(name, undone, owners[number]), (by, number))
    return tuple(sorted(found, key=lambda each: found[each]))


def _named(child: Seen, fields: Fields) -> tuple[str | None, ...]:
    column = child.by_name[fields.parts["name"].name]
    if "name" in fields.paths:
        return ()  # its documents are of other rows than the words are
    return column.cells
