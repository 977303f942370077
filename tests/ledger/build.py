"""What the tests of the ledger say over and over: findings, moments, a ledger that is closed at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from unittest import mock

from sagadoctor.clock import StillClock
from sagadoctor.ledger import Shelf, SqlLedger, schema
from sagadoctor.ledger.database import Database
from sagadoctor.ledger.text import ticks
from sagadoctor.model.finding import Severity
from sagadoctor.model.seen import SeenFinding

T = TypeVar("T")
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
LEASE = 600.0
DAY = 86_400.0


def after(seconds: float) -> datetime:
    """Return the moment so many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def finding(name: str, **facts: Any) -> SeenFinding:
    """Return a finding of the store `orders`."""
    plain: dict[str, Any] = {
        "group": "g-1",
        "store": "orders",
        "rule": "compensation-stuck",
        "severity": Severity.CRITICAL,
        "saga_type": "OrderFulfillment",
        "saga_id": f"saga of {name}",
        "since": NOW,
    }
    return SeenFinding(id=name, **(plain | facts))


def using(open_here: Callable[[], SqlLedger], use: Callable[[SqlLedger], Awaitable[T]]) -> T:
    """Open the ledger, use it, and close it."""

    async def run() -> T:
        ledger = open_here()
        try:
            return await use(ledger)
        finally:
            await ledger.close()

    return asyncio.run(run())


def of(open_here: Callable[[], SqlLedger], environment: str, **places: str) -> Callable[[], SqlLedger]:
    """Return what opens the same ledger for another environment, whose stores are at these places."""

    def opened() -> SqlLedger:
        connector: Any = open_here()._connector
        connector._shelf = Shelf(environment, places)
        return SqlLedger(connector, StillClock(NOW), shelf=connector._shelf)

    return opened


def connected(open_here: Callable[[], SqlLedger]) -> Database:
    """Return a connection to the ledger's database, past the ledger."""
    return open_here()._connector.connect()


async def scan(
    ledger: SqlLedger,
    names: str | list[SeenFinding],
    at: float,
    *,
    reader: str = "cron",
    complete: tuple[str, ...] = ("orders",),
    in_scope: Callable[[SeenFinding], bool] = lambda found: True,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Scan and finish; return the status of each finding and the ids that were resolved."""
    found = [finding(name) for name in names.split()] if isinstance(names, str) else names
    ticket = await ledger.begin(reader, after(at), LEASE)
    standings = await ledger.compare(ticket, found, after(at))
    resolved = await ledger.finish(ticket, after(at), complete, in_scope)
    return {name: standing.status.value for name, standing in standings.items()}, resolved


def ledger_of(open_here: Callable[[], SqlLedger], version: int) -> Database:
    """Make an empty ledger of an earlier version; return a connection to it that must not migrate."""
    with mock.patch.object(schema, "MIGRATIONS", schema.MIGRATIONS[:version]):
        return connected(open_here)


def old_ledger(open_here: Callable[[], SqlLedger]) -> Database:
    """Make a ledger of version 1, which knew of no environments; return a connection to it that must not migrate."""
    database = ledger_of(open_here, 1)
    at, until = ticks(NOW), ticks(after(600))
    with database.transaction():
        database.run("INSERT INTO sagadoctor_readers (reader, number) VALUES ('cron', 7)")
        database.run("INSERT INTO sagadoctor_completed VALUES ('cron', 'orders', 'orders', ?)", at)
        for name in ("f-1", "f-2"):
            database.run(
                "INSERT INTO sagadoctor_seen VALUES ('cron', ?, NULL, 'g-1', 'orders', 'compensation-stuck', "
                "'critical', 'OrderFulfillment', ?, ?, 0, ?, 1, 7, ?)",
                *(name, f"saga of {name}", at, at, at),
            )
        database.run("INSERT INTO sagadoctor_observations VALUES ('orders', 's-1', 'x', ?, ?)", at, at)
        database.run("INSERT INTO sagadoctor_judged VALUES ('orders', 's-2', ?)", at)
        database.run("INSERT INTO sagadoctor_acknowledgements VALUES ('f-1', ?, 'ann', 'known', ?)", until, at)
        database.run("INSERT INTO sagadoctor_chores VALUES ('', ?)", at)
    return database
