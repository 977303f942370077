"""Both ledgers, so that what holds for the one in memory holds for the one on disk; and short patience."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagadoctor.api.v1 import StillClock
from sagadoctor.ledger import open_ledger
from sagadoctor.services import check, gather, show
from sagadoctor.services.ports import Ledger
from sagadoctor.testing.builders import NOW
from sagadoctor.testing.memory import MemoryLedger


@pytest.fixture
def clock() -> StillClock:
    """The one clock of a test."""
    return StillClock(NOW)


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path, clock: StillClock) -> Iterator[Ledger]:
    """An empty ledger of each kind in turn."""
    opened: Ledger = MemoryLedger() if request.param == "memory" else open_ledger(tmp_path / "ledger.db", None, clock)
    yield opened
    asyncio.run(opened.close())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend that doesn't heed its deadline is left a moment later."""
    for service in (gather, show, check):
        monkeypatch.setattr(service, "GRACE", 0.05)
