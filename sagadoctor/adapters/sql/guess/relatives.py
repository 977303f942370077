"""Which tables may hold rows that belong to those of another one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sagadoctor.api.v1.proposing import Listed, TableKind

from .looking import place_of
from .sagas import name_weight, refers_to

CHILDREN: Final = 6
"""Tables a saga table whose rows are sampled as perhaps those of its steps."""
ORDINARY: Final = (TableKind.TABLE, TableKind.PARTITIONED)


def children(parent: Listed, there: Iterable[Listed]) -> list[Listed]:
    """Return the tables whose rows may belong to the parent's, by foreign keys and names; the likeliest first."""
    found: list[tuple[int, float, Listed]] = []
    for each in there:
        if each.kind not in ORDINARY or place_of(each) == place_of(parent):
            continue
        by_key = any(key.table == parent.table.name for key in each.foreign_keys)
        same = each.table.schema == parent.table.schema
        named = any(
            refers_to(column.name, parent.table) or column.name.lower().replace("_", "") in ("sagaid", "gid")
            for column in each.table.columns[:200]
        )
        if by_key or (named and same):
            found.append((0 if by_key else 1, -_weight(each), each))
    found.sort(key=lambda one: one[:2])
    return [each for _, _, each in found[:CHILDREN]]


def _weight(listed: Listed) -> float:
    """Return how much a table's name and columns speak for steps."""
    names = " ".join(column.name.lower() for column in listed.table.columns[:200])
    weight = 2.0 * ("step" in listed.table.name.lower() or "step" in names)
    weight += 1.0 * ("status" in names or "state" in names or "event" in names)
    return weight + max(name_weight(listed.table), 0) / 10
