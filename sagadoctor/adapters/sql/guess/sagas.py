"""Which table holds sagas, and what its columns are: scored by names, types and words, with the signs written down."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from sagadoctor.api.v1.sql import Kind, Table

from .meanings import Meanings, state_of, tells_of_undoing
from .names import ID_NAMES, SAGA_ROLES, STEPS_NAMES, TIMES, plain, ranked, singular, spellings, tokens
from .seen import DOCUMENTS, NUMBERS, TEXTS, Seen, SeenColumn

ENOUGH: Final = 4.5
"""Weight of signs from which on a table is taken for one of sagas."""
_SAGA: Final = frozenset(("saga", "sagas"))
_LIKE: Final = frozenset(
    [
        "workflow",
        "workflows",
        "orchestration",
        "orchestrations",
        "orchestrator",
        "compensation",
        "compensations",
        "choreography",
    ]
)
_PAIRS: Final = (
    ("process", "instance"), ("process", "instances"), ("global", "transaction"), ("distributed", "transaction"),
    ("trans", "global"), ("global", "table"), ("long", "running"), ("flow", "instance"), ("global", "transactions"),
)  # fmt: skip
OTHER_THINGS: Final = frozenset(
    [
        "log",
        "logs",
        "event",
        "events",
        "history",
        "histories",
        "outbox",
        "inbox",
        "message",
        "messages",
        "lock",
        "locks",
        "stash",
        "timeout",
        "timeouts",
        "participant",
        "participants",
        "step",
        "steps",
        "audit",
        "branch",
        "branches",
        "dead",
        "letter",
        "letters",
        "snapshot",
        "snapshots",
        "node",
        "nodes",
        "op",
        "ops",
        "task",
        "tasks",
        "activity",
        "activities",
        "transition",
        "transitions",
        "schedule",
        "schedules",
        "token",
        "tokens",
        "definition",
        "definitions",
    ]
)
"""Words in the names of tables that lie around sagas."""
OLD_THINGS: Final = frozenset(["archive", "archived", "backup", "bak", "old", "tmp", "temp", "copy", "test", "deleted"])
_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\Z")


class SagaTable(msgspec.Struct, frozen=True):
    """A table with what its columns may be; `weight` says how much speaks for sagas, `signs` what does."""

    seen: Seen
    weight: float
    signs: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    id: str | None = None
    state: Meanings | None = None
    roles: Mapping[str, SeenColumn] = msgspec.field(default_factory=dict)

    @property
    def is_one(self) -> bool:
        """Say whether it is taken for a table of sagas."""
        return self.weight >= ENOUGH and not self.lacks


def name_weight(table: Table) -> float:
    """Return how much a table's name and those of its columns speak for sagas, before anything of it is read."""
    words = tokens(table.name)
    schema = tokens(table.schema or "")
    weight = 0.0
    if _SAGA & set(words) or any(word.startswith("saga") or word.endswith("saga") for word in words):
        weight += 4
    elif _LIKE & set(words) or any(set(pair) <= set(words) for pair in _PAIRS):
        weight += 2
    elif _SAGA & set(schema):
        weight += 1
    if any(_SAGA & set(tokens(column.name)) for column in table.columns[:200]):
        weight += 2
    if OTHER_THINGS & set(words):
        weight -= 3
    if OLD_THINGS & set(words):
        weight -= 4
    return weight


def promise(table: Table) -> float:
    """Return how worthwhile a look into a table is, by its catalogue alone; below zero it isn't."""
    told = {spelt for column in table.columns[:500] for spelt in spellings(column.name, (table.name,))}
    weight = name_weight(table)
    labels = [label for column in table.columns[:500] for label in column.labels]
    if any(tells_of_undoing(label) for label in labels):
        weight += 3
    for role, weigh in (("current_step", 1.5), ("attempts", 0.5), ("type", 0.5), ("version", 0.2)):
        if not told.isdisjoint(SAGA_ROLES[role]):
            weight += weigh
    if not told.isdisjoint(STEPS_NAMES):
        weight += 2
    weight += 0.3 * sum(not told.isdisjoint(listed) for listed in TIMES.values())
    has_state = not told.isdisjoint(_STATE_LIKE)
    if has_state:
        weight += 1.5
    elif weight < 4:
        return -1.0
    return weight


_STATE_LIKE: Final = ("state", "status", "sagastate", "sagastatus", "currentstate", "currentstatus", "phase",
                      "endstate", "completed", "iscompleted")  # fmt: skip


def saga_table(seen: Seen, *, referred: str | None = None, steps: float = 0.0, step_sign: str = "") -> SagaTable:
    """Judge a table; `referred` is the column that others point to, `steps` how much its steps speak for sagas."""
    owners = (seen.name,)
    signs: list[str] = []
    lacks: list[str] = []
    weight = name_weight(seen.listed.table)
    if weight > 0:
        signs.append("its name, or a column's, speaks of sagas")
    identity = id_of(seen, referred, owners)
    if identity is None:
        lacks.append("a column that could be a saga's id (a primary key or a unique column)")
    state, against = state_of(seen, owners)
    if state is None:
        lacks.append(
            "; ".join(against) or "a column that says where a saga stands (named like state or status, with few words)"
        )
    else:
        weight += _state_weight(state, signs)
    taken = {identity, state.column.name if state is not None and state.column is not None else None}
    taken |= {column.name for column, _ in (state.flags if state is not None else ())}
    roles = roles_of(seen, owners, {name for name in taken if name is not None})
    for role, weigh in (("current_step", 2.0), ("attempts", 0.5), ("next_attempt_at", 0.5), ("lease_until", 0.5),
                        ("version", 0.3), ("created_at", 0.3), ("updated_at", 0.3), ("type", 0.3)):  # fmt: skip
        if role in roles:
            weight += weigh
    if "current_step" in roles:
        signs.append(f"{roles['current_step'].name} may be the step that a saga is at")
    if steps:
        weight += steps
        signs.append(step_sign)
    return SagaTable(seen, weight, tuple(signs), tuple(lacks), identity, state, roles)


def _state_weight(state: Meanings, signs: list[str]) -> float:
    if state.goes_back:
        signs.append(f"its states tell of undoing ({', '.join(state.undoing[:3])})")
        return 4.0
    return min(len(state.known), 2) / 2


def id_of(seen: Seen, referred: str | None, owners: Sequence[str]) -> str | None:
    """Return the column that a saga is known by: what others refer to, a unique one called so, or the primary key."""
    table = seen.listed.table
    if referred is not None and seen.get(referred) is not None:
        return referred
    unique = [column for column in seen.columns if table.is_unique([column.name])]
    named = sorted(
        ((rank, column.name) for column in unique if (rank := ranked(column.name, ID_NAMES, owners)) is not None),
        key=lambda pair: pair[0],
    )
    if named:
        return named[0][1]
    key = table.primary_key
    if len(key) == 1 and seen.get(key[0]) is not None:
        return key[0]
    if unique:
        return unique[0].name
    for name in ID_NAMES:  # a view, or a table without keys: what is called so, and differs in each row
        for column in seen.columns:
            if ranked(column.name, (name,), owners) is not None and len(column.counted) == column.filled == seen.rows:
                return column.name
    return None


def roles_of(seen: Seen, owners: Sequence[str], taken: set[str]) -> dict[str, SeenColumn]:
    """Return which column plays which part; each plays one, the likeliest first."""
    found: dict[str, SeenColumn] = {}
    used = set(taken)
    for role, names in (*TIMES.items(), *SAGA_ROLES.items()):
        fitting = [
            (rank, place, column)
            for place, column in enumerate(seen.columns)
            if column.name not in used
            and (rank := ranked(column.name, names, owners)) is not None
            and _fits(role, column)
        ]
        if fitting:
            column = min(fitting, key=lambda each: each[:2])[2]
            found[role] = column
            used.add(column.name)
    return found


def _fits(role: str, column: SeenColumn) -> bool:
    """Say whether a column's type and values allow it to play a part."""
    if role in TIMES:
        return column.is_time()
    if role == "attempts":
        return column.kind in NUMBERS and all(0 <= number < 10**6 for number in column.numbers)
    if role == "version":
        return column.kind in (*NUMBERS, Kind.TEXT, Kind.OTHER, Kind.BYTES)
    if role == "current_step":
        return column.kind in (*TEXTS, Kind.INT) and not column.decoded
    if role in ("type", "owner", "waiting_for"):
        return column.kind in TEXTS and not column.decoded
    if role == "error":
        return column.kind in (*DOCUMENTS, Kind.ENUM)
    if role == "payload":
        return column.kind in DOCUMENTS and (bool(column.decoded) or not column.filled)
    return column.kind in (*TEXTS, *NUMBERS, Kind.UUID)


def refers_to(column: str, table: Table) -> bool:
    """Say whether a column's name says that it holds the id of a row of this table: `saga_instance_id`."""
    return plain(column) in _references(table.name)


@lru_cache(maxsize=1000)
def _references(table: str) -> frozenset[str]:
    """Return how columns may be called that refer to a table's rows."""
    words = [singular(word) for word in tokens(table)]
    own = {"".join(words[start:]) for start in range(len(words))} | {plain(table)}
    return frozenset(f"{name}{ending}" for name in own if name for ending in ("id", "uuid", "key", "ref"))


def is_uuid(column: SeenColumn) -> bool:
    """Say whether its texts are all UUIDs."""
    words = list(column.counted)
    return bool(words) and all(_UUID.match(word) for word in words)
