"""Following sagas from one to the next, to whoever they wait for: what isn't known is asked for, all of a step at once.

Circles are looked for in what was climbed: of parents, and of sagas that hold each other's locks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from sagadoctor.model.saga import Saga

from .by_id import plain

HIGHEST: Final = 16
"""Questions, one behind the other, by which sagas are followed; a longer circle is not seen."""

Above = Callable[[Saga], Iterable[str]]
"""Returns the ids of the sagas that a saga waits for."""


def parents_of(saga: Saga) -> list[str]:
    """Return the parent of a saga; what has ended waits for nobody."""
    return [saga.parent_id] if saga.parent_id is not None and saga.is_live else []


def holders_of(saga: Saga) -> list[str]:
    """Return the ids of the other sagas that hold what this live one waits for."""
    named = {wait.holder_id for wait in saga.waits_on if wait.holder_id is not None} if saga.is_live else set()
    return sorted(name for name in named if plain(name) != plain(saga.saga_id))


async def climb(
    start: Iterable[Saga],
    known: dict[str, Saga],
    above: Above,
    ask: Callable[[Sequence[str]], Awaitable[Sequence[Saga]]],
) -> None:
    """Add to `known`, by the plain form of their ids, all sagas above these ones; raises what `ask` raises."""
    edge = list(start)
    seen = {plain(saga.saga_id) for saga in edge}
    for _ in range(HIGHEST):
        strangers: dict[str, str] = {}
        while edge:
            name_of = {plain(name): name for saga in edge for name in above(saga)}
            fresh = {name: spelt for name, spelt in name_of.items() if name not in seen}
            seen |= fresh.keys()
            strangers.update((name, spelt) for name, spelt in fresh.items() if name not in known)
            edge = [known[name] for name in fresh if name in known]
        if not strangers:
            return
        found = {plain(saga.saga_id): saga for saga in await ask(list(strangers.values()))}
        known.update(found)
        edge = [saga for name, saga in found.items() if name in strangers]


def circle(saga: Saga, known: Mapping[str, Saga], above: Above) -> list[Saga]:
    """Return the others in the shortest circle that leads from a saga back to itself; empty where there is none."""
    start = plain(saga.saga_id)
    before: dict[str, str] = {}
    edge = [start]
    while edge:
        reached: list[str] = []
        for name in edge:
            for other in map(plain, above(known[name]) if name in known else ()):
                if other == start:
                    return _way_back(name, start, before, known)
                if other not in before:
                    before[other] = name
                    reached.append(other)
        edge = reached
    return []


def _way_back(name: str, start: str, before: Mapping[str, str], known: Mapping[str, Saga]) -> list[Saga]:
    others: list[Saga] = []
    while name != start:
        others.append(known[name])
        name = before[name]
    return others[::-1]


def lineage(saga: Saga, known: Mapping[str, Saga], above: Above) -> frozenset[str]:
    """Return the plain ids of all that are above a saga, as far as is known; in a circle it is above itself."""
    found: set[str] = set()
    edge = [saga]
    while edge:
        fresh = {plain(name) for one in edge for name in above(one)} - found
        found |= fresh
        edge = [known[name] for name in fresh if name in known]
    return frozenset(found)
