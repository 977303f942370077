"""Since when each row of a store has had its fingerprint, and which ended sagas were judged.

Both would grow for ever, so what nobody asked about for long is forgotten: it isn't in the store any more, or out of
what is scanned. The time of the last look is written again only when the written one is old, because nearly every
row of nearly every page is as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sagadoctor.model.observation import Observation

from .database import Database, Sort, Table, Value
from .shape import Moment, Shape
from .shelf import Shelf
from .text import key, moment, safe, ticks, unsafe

_OBSERVATIONS = Table(
    "sagadoctor_observations",
    3,
    (
        ("environment", Sort.KEY),
        ("store", Sort.KEY),
        ("saga_id", Sort.KEY),
        ("fingerprint", Sort.TEXT),
        ("since", Sort.WHOLE),
        ("seen_at", Sort.WHOLE),
    ),
)
_EARLIER_WHEN_SAME = {
    "since": "CASE WHEN kept.fingerprint = excluded.fingerprint AND kept.since < excluded.since "
    "THEN kept.since ELSE excluded.since END"
}
_JUDGED = Table(
    "sagadoctor_judged",
    3,
    (("environment", Sort.KEY), ("store", Sort.KEY), ("saga_id", Sort.KEY), ("seen_at", Sort.WHOLE)),
)
_OBSERVED = Shape(_OBSERVATIONS.name, saga_id=str, fingerprint=str, since=Moment, seen_at=Moment)
_SETTLED = Shape(_JUDGED.name, saga_id=str, seen_at=Moment)
_OF_PAGE = "WHERE environment = ? AND store = ? AND saga_id IN ?"
_STALE = timedelta(days=1) // timedelta(microseconds=1)


def observe(
    database: Database, shelf: Shelf, store: str, rows: Sequence[tuple[str, str]], now: datetime
) -> dict[str, Observation]:
    """Record the fingerprints of a page and say since when each row has had its own."""
    slot, at = (shelf.name, shelf.slot(store)), ticks(now)
    asked = {key(saga_id): (saga_id, fingerprint) for saga_id, fingerprint in rows}
    known = {row[0]: row[1:] for row in _OBSERVED.read(database, _OF_PAGE, *slot, list(asked))}
    found: dict[str, Observation] = {}
    changed: list[Sequence[Value]] = []
    for row_key, (saga_id, fingerprint) in asked.items():
        kept = known.get(row_key)
        since = at
        if kept is not None and unsafe(kept[0]) == fingerprint:
            since = min(kept[1], at)
        if kept is None or unsafe(kept[0]) != fingerprint or since != kept[1] or abs(at - kept[2]) > _STALE:
            changed.append((*slot, row_key, safe(fingerprint), since, at))
        found[saga_id] = Observation(fingerprint, now if since == at else moment(since), now, first_look=kept is None)
    record(database, changed)
    return found


def record(database: Database, rows: Sequence[Sequence[Value]]) -> None:
    """Write observations; of two who saw the same change at once, the one who saw it earlier is right."""
    database.put(_OBSERVATIONS, rows, _EARLIER_WHEN_SAME)


def has_observed(database: Database, shelf: Shelf, store: str) -> bool:
    """Say whether any row of this store is remembered."""
    sql = "SELECT 1 FROM sagadoctor_observations WHERE environment = ? AND store = ? LIMIT 1"
    return bool(database.rows(sql, shelf.name, shelf.slot(store)))


def unjudged(database: Database, shelf: Shelf, store: str, saga_ids: Sequence[str], now: datetime) -> list[str]:
    """Return those that were not judged; what was judged and is still asked for is kept from being forgotten."""
    slot, at = (shelf.name, shelf.slot(store)), ticks(now)
    keys = [key(saga_id) for saga_id in saga_ids]
    known = {row[0]: row[1] for row in _SETTLED.read(database, _OF_PAGE, *slot, keys)}
    database.put(_JUDGED, [(*slot, row_key, at) for row_key, seen_at in known.items() if abs(at - seen_at) > _STALE])
    return [saga_id for saga_id, row_key in zip(saga_ids, keys, strict=True) if row_key not in known]


def judged(database: Database, shelf: Shelf, store: str, saga_ids: Sequence[str], now: datetime) -> None:
    """Remember that these ended sagas were judged."""
    slot, at = (shelf.name, shelf.slot(store)), ticks(now)
    database.put(_JUDGED, [(*slot, row_key, at) for row_key in {key(saga_id) for saga_id in saga_ids}])
