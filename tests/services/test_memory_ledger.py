"""The ledger in memory does what the real ones do: it is held to the same tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sagadoctor.testing.memory import MemoryLedger
from tests.ledger import behaviour


@pytest.fixture
def open_here() -> Callable[[], MemoryLedger]:
    """One memory, however often it is opened."""
    ledger = MemoryLedger()
    return lambda: ledger


class TestTrying(behaviour.Trying):
    """How often a saga was tried, as on every other ledger."""


class TestComparison(behaviour.Comparison):
    """New, ongoing and resolved, as on every other ledger."""
