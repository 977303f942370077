"""Forgetting: what keeps the ledger bounded, at most once a day for each store, after a finished scan.

A finding is forgotten 30 days after anybody saw it. An observed row, a saga's attempts or a judged saga is forgotten
30 days after it was last asked about, but only when its store was just scanned in full, so that a store which can't be
reached keeps all. What belongs to a store that nobody scans in full any more goes after a year, whichever environment
it is of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from . import acknowledgements, seen
from .database import Database, Sort, Table
from .shape import Moment, Shape
from .shelf import Shelf
from .text import ticks

Slot = tuple[str, str]
"""An environment, and what stands for a store of it."""
_UNSEEN = timedelta(days=30)
_UNSCANNED = timedelta(days=365)
_DAY = timedelta(days=1) // timedelta(microseconds=1)
_WINDOW = 50_000
_CHORES = Table("sagadoctor_chores", 2, (("environment", Sort.KEY), ("chore", Sort.KEY), ("done_at", Sort.WHOLE)))
_DONE = Shape(_CHORES.name, done_at=Moment)
_EVERYWHERE = ("", "")  # the name of an environment is never empty
_TABLES = ("sagadoctor_observations", "sagadoctor_tries", "sagadoctor_judged")
_LAST = {table: Shape(table, saga_id=str | None) for table in _TABLES}
_NEXT = {table: Shape(table, environment=str, store=str) for table in _TABLES}


class Walk(msgspec.Struct, frozen=True):
    """A table's rows of one store, of which those last seen before a moment are to be forgotten."""

    table: str
    slot: Slot
    before: datetime

    def step(self, database: Database, after: str) -> str | None:
        """Forget the old ones of the next rows; return where to go on, or None at the end."""
        rows = database.rows(
            f"SELECT max(saga_id) FROM (SELECT saga_id FROM {self.table} "  # noqa: S608 - our own names only
            "WHERE environment = ? AND store = ? AND saga_id > ? ORDER BY saga_id LIMIT ?) AS coming",
            *self.slot,
            after,
            _WINDOW,
        )
        last: str | None = _LAST[self.table].checked(database, rows)[0][0]
        if last is None:
            return None
        database.run(
            f"DELETE FROM {self.table} WHERE environment = ? AND store = ? "  # noqa: S608 - our own names only
            "AND saga_id > ? AND saga_id <= ? AND seen_at < ?",
            *self.slot,
            after,
            last,
            ticks(self.before),
        )
        return last


def due(database: Database, shelf: Shelf, complete: Sequence[str], now: datetime) -> list[Walk]:
    """Do the small chores of the day and return the long ones, one transaction a step."""
    scanned = {(shelf.name, shelf.slot(source)) for source in complete}
    walks = [
        Walk(table, (environment, store), now - _UNSEEN)
        for environment, store in sorted(scanned)
        if _once_a_day(database, (environment, f"store {store}"), now)
        for table in _TABLES
    ]
    if _once_a_day(database, _EVERYWHERE, now):
        seen.prune(database, now - _UNSEEN)
        acknowledgements.prune(database, now)
        walks += [
            Walk(table, slot, now - _UNSCANNED)
            for table in _TABLES
            for slot in _slots(database, table)
            if slot not in scanned
        ]
    return walks


def _once_a_day(database: Database, chore: tuple[str, str], now: datetime) -> bool:
    at = ticks(now)
    done = _DONE.read(database, "WHERE environment = ? AND chore = ?", *chore)
    if done and abs(at - done[0][0]) < _DAY:
        return False
    database.put(_CHORES, [(*chore, at)])
    return True


def _slots(database: Database, table: str) -> Iterator[Slot]:
    last: Slot = ("", "")
    while True:
        rows = _NEXT[table].read(
            database, "WHERE (environment, store) > (?, ?) ORDER BY environment, store LIMIT 1", *last
        )
        if not rows:
            return
        last = (rows[0][0], rows[0][1])
        yield last
