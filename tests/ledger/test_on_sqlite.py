"""Every promise of a ledger, on a SQLite file."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagadoctor.clock import StillClock
from sagadoctor.ledger import open_ledger

from .behaviour import LedgerBehaviour, Open


class TestOnSqlite(LedgerBehaviour):
    """The suite on a file."""

    @pytest.fixture
    def open_here(self, tmp_path: Path, clock: StillClock) -> Open:
        """Open ledgers on one new file."""
        return lambda: open_ledger(tmp_path / "state" / "ledger.db", None, clock)
