"""How often a saga had been tried when its error was first seen, and how often it was tried since.

Only sagas that are tried and fail are remembered, and a row is written again only where its count, its error or what
was reached has changed. What nobody asked about for long is forgotten, as observations are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from sagadoctor.model.observation import Trial, Tries

from .database import Database, Row, Sort, Table, Value
from .shape import Moment, Shape
from .shelf import Shelf
from .text import key, moment, safe, ticks, unsafe

_TRIES = Table(
    "sagadoctor_tries",
    3,
    (
        ("environment", Sort.KEY),
        ("store", Sort.KEY),
        ("saga_id", Sort.KEY),
        ("mark", Sort.TEXT),
        ("since", Sort.WHOLE),
        ("first_count", Sort.WHOLE),
        ("latest_count", Sort.WHOLE),
        ("seen_at", Sort.WHOLE),
    ),
)
_EARLIER = "kept.mark = excluded.mark AND kept.latest_count <= excluded.latest_count AND kept.since < excluded.since"
_EARLIER_WHEN_SAME = {
    column: f"CASE WHEN {_EARLIER} THEN kept.{column} ELSE excluded.{column} END" for column in ("since", "first_count")
}
_Count = Annotated[int, msgspec.Meta(ge=1)]
_TRIED = Shape(
    _TRIES.name, saga_id=str, mark=str, since=Moment, first_count=_Count, latest_count=_Count, seen_at=Moment
)
_OF_PAGE = "WHERE environment = ? AND store = ? AND saga_id IN ?"
_STALE = timedelta(days=1)


def observe(database: Database, shelf: Shelf, store: str, trials: Sequence[Trial], now: datetime) -> dict[str, Tries]:
    """Record how often the sagas of a page were tried, and say since when each has failed as it does."""
    slot = (shelf.name, shelf.slot(store))
    asked = {key(trial.saga_id): trial for trial in trials}
    known = {row[0]: _tries(row[1:]) for row in _TRIED.read(database, _OF_PAGE, *slot, list(asked))}
    found: dict[str, Tries] = {}
    changed: list[Sequence[Value]] = []
    for row_key, trial in asked.items():
        kept = known.get(row_key)
        tries = found[trial.saga_id] = Tries.begun(trial, now) if kept is None else kept.then(trial, now)
        if kept is None or _differs(kept, tries):
            changed.append((*slot, row_key, *_row(tries)))
    record(database, changed)
    return found


def record(database: Database, rows: Sequence[Sequence[Value]]) -> None:
    """Write what is known; of two who saw the same trial for the first time, the one who saw it earlier is right."""
    database.put(_TRIES, rows, _EARLIER_WHEN_SAME)


def _differs(kept: Tries, tries: Tries) -> bool:
    if (kept.mark, kept.since, kept.first, kept.latest) != (tries.mark, tries.since, tries.first, tries.latest):
        return True
    return abs(tries.seen_at - kept.seen_at) > _STALE


def _row(tries: Tries) -> tuple[Value, ...]:
    return safe(tries.mark), ticks(tries.since), tries.first, tries.latest, ticks(tries.seen_at)


def _tries(row: Row) -> Tries:
    mark, since, first, latest, seen_at = row
    return Tries(unsafe(mark), moment(since), first, latest, moment(seen_at))
