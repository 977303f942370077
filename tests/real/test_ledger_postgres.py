"""Every promise of a ledger, on a real PostgreSQL."""

from __future__ import annotations

import pytest

from sagadoctor.clock import StillClock
from sagadoctor.ledger import open_ledger
from tests.ledger.behaviour import LedgerBehaviour, Open, clock  # noqa: F401 - a fixture


class TestOnPostgres(LedgerBehaviour):
    """The suite on a server."""

    @pytest.fixture
    def open_here(self, postgres_url: str, clock: StillClock) -> Open:
        """Open ledgers on one new database."""
        return lambda: open_ledger(postgres_url, None, clock)
