"""What the tests of the ledger say over and over: findings, moments, a ledger that is closed at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sagadoctor.ledger import SqlLedger
from sagadoctor.ledger.database import Database
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
