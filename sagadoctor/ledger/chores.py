"""Forgetting: what keeps the ledger bounded, at most once a day for each store, after a finished scan.

A finding is forgotten 30 days after anybody saw it. An observed row or a judged saga is forgotten 30 days after it was
last asked about, but only when its store was just scanned in full, so that a store which can't be reached keeps all.
What belongs to a store that nobody scans in full any more goes after a year.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from . import acknowledgements, seen
from .database import Database, Sort, Table
from .text import key, ticks

_UNSEEN = timedelta(days=30)
_UNSCANNED = timedelta(days=365)
_DAY = timedelta(days=1) // timedelta(microseconds=1)
_WINDOW = 50_000
_CHORES = Table("sagadoctor_chores", 1, (("chore", Sort.KEY), ("done_at", Sort.WHOLE)))
_EVERYWHERE = ""
_TABLES = ("sagadoctor_observations", "sagadoctor_judged")


@dataclass(frozen=True, slots=True)
class Walk:
    """A table's rows of one store, of which those last seen before a moment are to be forgotten."""

    table: str
    store: str
    before: datetime

    def step(self, database: Database, after: str) -> str | None:
        """Forget the old ones of the next rows; return where to go on, or None at the end."""
        [(last,)] = database.rows(
            f"SELECT max(saga_id) FROM (SELECT saga_id FROM {self.table} "  # noqa: S608 - our own names only
            "WHERE store = ? AND saga_id > ? ORDER BY saga_id LIMIT ?) AS coming",
            self.store,
            after,
            _WINDOW,
        )
        if last is None:
            return None
        database.run(
            f"DELETE FROM {self.table} WHERE store = ? AND saga_id > ? AND saga_id <= ? AND seen_at < ?",  # noqa: S608
            self.store,
            after,
            last,
            ticks(self.before),
        )
        return str(last)


def due(database: Database, complete: Sequence[str], now: datetime) -> list[Walk]:
    """Do the small chores of the day and return the long ones, one transaction a step."""
    scanned = {key(source) for source in complete}
    walks = [
        Walk(table, store, now - _UNSEEN)
        for store in sorted(scanned)
        if _once_a_day(database, f"store {store}", now)
        for table in _TABLES
    ]
    if _once_a_day(database, _EVERYWHERE, now):
        seen.prune(database, now - _UNSEEN)
        acknowledgements.prune(database, now)
        walks += [
            Walk(table, store, now - _UNSCANNED)
            for table in _TABLES
            for store in _stores(database, table)
            if store not in scanned
        ]
    return walks


def _once_a_day(database: Database, chore: str, now: datetime) -> bool:
    at = ticks(now)
    done = database.rows("SELECT done_at FROM sagadoctor_chores WHERE chore = ?", chore)
    if done and abs(at - done[0][0]) < _DAY:
        return False
    database.put(_CHORES, [(chore, at)])
    return True


def _stores(database: Database, table: str) -> Iterator[str]:
    store = ""
    while True:
        [(store,)] = database.rows(f"SELECT min(store) FROM {table} WHERE store > ?", store)  # noqa: S608
        if store is None:
            return
        yield store
