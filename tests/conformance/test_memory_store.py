"""The store that lives in memory keeps every promise: what tests lean on is what plugins are held to."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence

import msgspec

from sagadoctor.api.v1 import Capability, Saga, Store, Unreachable
from sagadoctor.testing.memory import EVERYTHING, Hangs, MemoryStore, Raises
from sagadoctor.testing.promises.questions import QUESTIONS
from sagadoctor.testing.store_suite import StoreSuite


class InMemory(StoreSuite):
    """How to hold a `MemoryStore` in the suite's hands."""

    capabilities = EVERYTHING
    many = 250
    short = 0.1
    patience = 10.0
    store: MemoryStore | None = None

    def make(self, sagas: Sequence[Saga]) -> MemoryStore:
        return MemoryStore("memory", sourced(sagas), capabilities=self.capabilities, page_size=100)

    def open(self, sagas: Sequence[Saga]) -> Store:
        self.store = self.make(sagas)
        return self.store

    def connections(self) -> int | None:
        if self.store is None:
            return 0
        peak, self.store.most_connections = self.store.most_connections, self.store.connections
        return peak

    @contextlib.contextmanager
    def hanging(self, store: Store) -> Iterator[None]:
        assert isinstance(store, MemoryStore)
        store.faults = dict.fromkeys(QUESTIONS, Hangs(heeds_deadline=True))
        yield
        store.faults = {}

    @contextlib.contextmanager
    def broken(self, store: Store) -> Iterator[None]:
        assert isinstance(store, MemoryStore)
        store.faults = dict.fromkeys(QUESTIONS, Raises(Unreachable("nobody is there")))
        yield

    async def write(self, store: Store) -> None:
        assert isinstance(store, MemoryStore)
        await store.write(self.plain(1, error="changed"))


def sourced(sagas: Sequence[Saga]) -> list[Saga]:
    return [msgspec.structs.replace(saga, source="memory.sagas") for saga in sagas]


class TestMemoryStore(InMemory):
    """With everything a store can have."""


class TestWithoutTimes(InMemory):
    """Rows that don't tell when they moved."""

    capabilities = EVERYTHING - {Capability.TIMES}
    tells = frozenset(Saga.__struct_fields__) - {"created_at", "updated_at", "ended_at"}
    step_tells = frozenset(("action", "compensation", "timeout_at", "attempts", "next_attempt_at", "error", "result"))


class TestWithAlmostNothing(InMemory):
    """Ids, types and states of sagas that disappear when they end; ids are UUIDs."""

    capabilities = frozenset[Capability]()
    tells = (
        TestWithoutTimes.tells
        - {"steps", "business_key", "parent_id", "outbox", "payload"}
        - {"received", "replies", "waits_on"}
    )

    def saga_id(self, number: int) -> str:
        return f"0198a0c2-{number * 7919 % 10_007:04x}-7abc-8def-0123456789ab"


class TestTenLines(StoreSuite):
    """As little as an author has to say: what can't be tested without more is skipped."""

    many = 1_200

    def open(self, sagas: Sequence[Saga]) -> Store:
        return MemoryStore("memory", sourced(sagas))


def test_the_suite_needs_no_pytest() -> None:
    script = "import sys, sagadoctor.testing.store_suite; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
