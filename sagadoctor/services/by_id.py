"""Sagas that somebody named by their ids: fetched some hundred at a time, each row once, however it is spelt."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Final

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Store
from sagadoctor.model.saga import Saga
from sagadoctor.untrusted import unshown

_BATCH: Final = 1_000
_NAMED: Final = 20
_LONGEST: Final = 80


async def asked_of(
    store: Store, ids: Sequence[str], deadline: Deadline
) -> AsyncGenerator[tuple[Sequence[Saga], frozenset[str]], None]:
    """Yield the rows that one store has of these ids, with the ids that found one: as spelt, and as the store does."""
    read: set[str] = set()
    for start in range(0, len(ids), _BATCH):
        asked = ids[start : start + _BATCH]
        rows = list(await store.fetch(asked, deadline))
        met = _explained(rows, asked)
        again = _same_again(rows, asked, met)
        if again:  # one saga under two spellings, or two ids that differ by case only: the store knows which
            met |= _explained(await store.fetch(again, deadline), again)
        printed = {unshown(spelt): spelt for spelt in asked if spelt not in met and unshown(spelt) != spelt}
        if printed:  # as a person copies them from a report
            found = await store.fetch(list(printed), deadline)
            rows += found
            met.update(printed[spelt] for spelt in _explained(found, list(printed)) if spelt in printed)
            met.update(saga.saga_id for saga in found)
        fresh = [saga for saga in rows if saga.saga_id not in read]
        read.update(saga.saga_id for saga in fresh)
        yield fresh, frozenset(met)


def told_missing(asked: frozenset[str], met: set[str], *, all_answered: bool) -> str:
    """Return a sentence about the ids that no store has; empty where each was found."""
    missing = sorted(asked - met)
    if not missing:
        return ""
    named = ", ".join(each if len(each) <= _LONGEST else f"{each[:_LONGEST]}…" for each in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    where = "no store has" if all_answered else "no store that answered has"
    return f"{len(missing)} of the {len(asked)} ids asked for were not found, {where} them: {named}{more}"


def _explained(rows: Iterable[Saga], asked: Sequence[str]) -> set[str]:
    """Return the ids of these rows, and what was asked for that means one of them."""
    literally = set(asked)
    loosely: dict[str, list[str]] = {}
    for spelt in asked:
        loosely.setdefault(plain(spelt), []).append(spelt)
    met: set[str] = set()
    for saga in rows:
        met.add(saga.saga_id)
        if saga.saga_id not in literally:
            met.update(loosely.get(plain(saga.saga_id), ()))
    return met


def _same_again(rows: Iterable[Saga], asked: Sequence[str], met: set[str]) -> list[str]:
    """Return what was asked for that is spelt much like a row that another one explains."""
    alike = {plain(saga.saga_id) for saga in rows}
    return [spelt for spelt in asked if spelt not in met and plain(spelt) in alike]


def plain(spelt: str) -> str:
    """Return an id without what differs from one spelling to another: case, dashes, braces, leading zeros."""
    return "/".join(_plain(part) for part in spelt.split("/"))


def _plain(part: str) -> str:
    kept = part.casefold().strip().removeprefix("urn:uuid:").removeprefix("0x")
    if kept.removeprefix("+").isdecimal():
        return kept.removeprefix("+").lstrip("0") or "0"
    return "".join(filter(str.isalnum, kept))
