"""A store that lives in memory, keeps every promise of the port, and breaks in the ways a test asks for."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from sagadoctor.api.v1 import (
    AccessDenied,
    Capability,
    CheckLevel,
    CheckLine,
    Clock,
    Deadline,
    DeadlineExceeded,
    Look,
    Page,
    Saga,
    SagaState,
    SharedKey,
    StillClock,
    Survey,
)

from .builders import NOW
from .faults import NO_FAULTS, Answers, Fault, Hangs, Raises, Slow, suffer
from .memory_ledger import MemoryLedger
from .spelling import canonical

T = TypeVar("T")
Rows = Sequence[Saga] | Callable[[], Iterable[Saga]]
"""The sagas themselves, or a function that makes them one by one, for more than memory should hold."""

EVERYTHING: Final = frozenset(Capability)
CONNECTIONS: Final = 2
_MOST_BY_KEY: Final = 100
_SAMPLE: Final = 20
_MOST_CHILDREN: Final = 10
_OF_LIVE: Final = ("received", "replies", "waits_on")
"""What is told of live sagas alone."""


class MemoryStore:
    """An in-memory store; `sagas`, `faults` and `notes` may be changed between two looks.

    What `capabilities` doesn't name is taken out of the sagas, so that the store never tells more than it claims.
    Faults are named by the method they strike. `calls` lists the methods that were asked, `reads` counts the
    readers that were begun and not ended, `connections` what a server would count, `most_connections` its peak.
    """

    allowed_connections = CONNECTIONS

    def __init__(
        self,
        name: str = "orders",
        sagas: Rows = (),
        *,
        clock: Clock | None = None,
        capabilities: frozenset[Capability] = EVERYTHING,
        page_size: int = 1_000,
        faults: Mapping[str, Fault] = NO_FAULTS,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Hold these sagas; the store's own present is the clock's."""
        self.sagas = sagas
        self.faults = faults
        self.notes = notes
        self.clock: Clock = clock or StillClock(NOW)
        self.calls: list[str] = []
        self.reads = 0
        self.connections = 0
        self.most_connections = 0
        self.closed = 0
        self._name = name
        self._capabilities = capabilities
        self._page_size = page_size
        self._hidden = _hidden(capabilities)
        self._places: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None

    @property
    def name(self) -> str:
        """Return the configured name."""
        return self._name

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Return what this store was told that it can do."""
        return self._capabilities

    async def now(self, deadline: Deadline) -> datetime:
        """Return the clock's present."""
        return await self._ask("now", deadline, self.clock.now)

    async def read(self, look: Look) -> AsyncGenerator[Page, None]:
        """Yield the live rows and the ended ones that the look asks for."""
        self.reads += 1
        try:
            rows, truncated = self._chosen(look)
            for number in itertools.count():
                async with self._connected(look.deadline):
                    instead = await self._suffer("read", look.deadline, number)
                    sagas = tuple(itertools.islice(rows, self._page_size))
                if instead is not None:
                    yield instead.value
                elif sagas:
                    yield Page(sagas, truncated, self.notes)
                if not sagas:
                    return
                truncated = False
        finally:
            self.reads -= 1

    async def ended_ids(self, look: Look) -> AsyncGenerator[Sequence[str], None]:
        """Yield the ids of ended rows in the order of their bytes."""
        ids = iter(sorted(saga.saga_id for saga in self._told() if self._is_wanted(saga, look) and not saga.is_live))
        for number in itertools.count():
            async with self._connected(look.deadline):
                instead = await self._suffer("ended_ids", look.deadline, number)
            some = tuple(itertools.islice(ids, self._page_size))
            if instead is not None:
                yield instead.value
            elif some:
                yield some
            if not some:
                return

    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        """Return the rows with these ids, however they are spelt."""
        wanted = {canonical(spelt) for spelt in ids}

        def look_up() -> tuple[Saga, ...]:
            return tuple(saga for saga in self._told(detail=detail) if canonical(saga.saga_id) in wanted)

        return await self._ask("fetch", deadline, look_up)

    async def find(self, business_key: str, deadline: Deadline) -> tuple[Saga, ...]:
        """Return the rows with this business key, at most 100."""

        def look_up() -> tuple[Saga, ...]:
            found = (saga for saga in self._told() if saga.business_key == business_key)
            return tuple(itertools.islice(found, _MOST_BY_KEY))

        return await self._ask("find", deadline, look_up)

    async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
        """Return the live and the failed rows whose parent is one of these: of each, the ten that moved longest ago."""
        wanted = set(parents)

        def look_up() -> tuple[Saga, ...]:
            found: dict[str, list[Saga]] = {}
            for saga in self._told():
                if saga.parent_id in wanted and (saga.is_live or saga.state is SagaState.FAILED):
                    found.setdefault(saga.parent_id, []).append(saga)
            return tuple(saga for each in found.values() for saga in self._kept_children(each))

        return await self._ask("children", deadline, look_up)

    def _kept_children(self, sagas: list[Saga]) -> list[Saga]:
        return heapq.nsmallest(_MOST_CHILDREN, sagas, key=_moved)

    async def survey(self, look: Look) -> Survey:
        """Return which live sagas of one type share a business key."""

        def count() -> Survey:
            has_times = Capability.TIMES in self._capabilities
            return Survey(self._name, f"{self._name}.memory", self._shared(look), has_times)

        return await self._ask("survey", look.deadline, count)

    async def check(self, deadline: Deadline) -> tuple[CheckLine, ...]:
        """Say that memory was reached."""
        line = CheckLine("reached", CheckLevel.OK, "it is in memory")
        return await self._ask("check", deadline, lambda: (line,))

    async def close(self) -> None:
        """Count that it was closed."""
        self.closed += 1
        await self._suffer("close", None)

    async def write(self, saga: Saga) -> None:
        """Refuse to keep a saga, as a connection that may only read does."""
        raise AccessDenied(f"{saga.saga_id} can't be written over a connection that only reads", source=self._name)

    async def _ask(self, method: str, deadline: Deadline, answer: Callable[[], T]) -> T:
        """Answer over a connection, unless a fault strikes."""
        async with self._connected(deadline):
            instead = await self._suffer(method, deadline)
            told: T = answer() if instead is None else instead.value
            return told

    @contextlib.asynccontextmanager
    async def _connected(self, deadline: Deadline) -> AsyncIterator[None]:
        """Take one of the few connections, or wait for one until the deadline."""
        deadline.check(self._name)
        places = self._semaphore()
        try:
            async with asyncio.timeout(deadline.remaining()):
                await places.acquire()
        except TimeoutError:
            raise DeadlineExceeded("waited for a connection until the time was over", source=self._name) from None
        self.connections += 1
        self.most_connections = max(self.most_connections, self.connections)
        try:
            await asyncio.sleep(0)
            yield
        finally:
            self.connections -= 1
            places.release()

    def _semaphore(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if self._places is None or self._places[0] is not loop:
            self._places = (loop, asyncio.Semaphore(self.allowed_connections))
        return self._places[1]

    async def _suffer(self, method: str, deadline: Deadline | None, page: int = 0) -> Answers | None:
        if page == 0:
            self.calls.append(method)
        return await suffer(self.faults.get(method), page, deadline, self._name)

    def _told(self, *, detail: bool = False) -> Iterator[Saga]:
        """Yield all rows as this store can tell them."""
        hidden = self._hidden if detail else {**self._hidden, "payload": None}
        for saga in self.sagas() if callable(self.sagas) else self.sagas:
            changes = {field: value for field, value in hidden.items() if getattr(saga, field) != value}
            if saga.store != self._name:
                changes["store"] = self._name
            if "updated_at" in hidden and saga.steps:
                changes["steps"] = tuple(
                    msgspec.structs.replace(step, started_at=None, executed_at=None, compensated_at=None)
                    for step in saga.steps
                )
            if "steps" in hidden:
                changes["steps"] = None
            if not saga.is_live:
                changes.update((field, ()) for field in _OF_LIVE if getattr(saga, field))
            told = msgspec.structs.replace(saga, **changes) if changes else saga
            if told.is_live or Capability.ENDED in self._capabilities:
                yield told

    def _is_wanted(self, saga: Saga, look: Look) -> bool:
        return look.saga_types is None or saga.saga_type in look.saga_types

    def _chosen(self, look: Look) -> tuple[Iterator[Saga], bool]:
        """Return the rows to read, and whether some were left out; only rows beyond the cap are ever sorted."""
        live = sum(1 for saga in self._told() if saga.is_live and self._is_wanted(saga, look))
        if live <= look.live_cap:
            chosen = (saga for saga in self._told() if self._is_wanted(saga, look) and _is_due(saga, look))
            return chosen, False
        wanted = [saga for saga in self._told() if self._is_wanted(saga, look)]
        oldest = heapq.nsmallest(look.live_cap, (saga for saga in wanted if saga.is_live), key=_moved)
        ended = (saga for saga in wanted if not saga.is_live and _is_due(saga, look))
        return itertools.chain(oldest, ended), True

    def _shared(self, look: Look) -> tuple[SharedKey, ...]:
        if Capability.BUSINESS_KEYS not in self._capabilities:
            return ()
        groups: dict[tuple[str | None, str], list[Saga]] = {}
        for saga in self._told():
            if saga.business_key is not None and saga.is_live and self._is_wanted(saga, look):
                groups.setdefault((saga.saga_type, saga.business_key), []).append(saga)
        return tuple(_shared_key(*key, sagas) for key, sagas in groups.items() if len(sagas) > 1)


def _is_due(saga: Saga, look: Look) -> bool:
    """Say whether the look asks for this row; one that doesn't tell when it changed may have changed since."""
    if saga.is_live or look.all_ended:
        return True
    changed = saga.updated_at or saga.ended_at or saga.created_at
    return look.ended_since is not None and (changed is None or changed >= look.ended_since)


def _moved(saga: Saga) -> tuple[bool, float, str]:
    moved = saga.updated_at or saga.created_at
    return (moved is not None, moved.timestamp() if moved is not None else 0.0, saga.saga_id)


def _shared_key(saga_type: str | None, key: str, sagas: list[Saga]) -> SharedKey:
    sagas.sort(key=_moved)
    times = [saga.created_at for saga in sagas if saga.created_at is not None]
    ids = tuple(saga.saga_id for saga in sagas[:_SAMPLE])
    return SharedKey(saga_type, key, len(sagas), ids, min(times, default=None), max(times, default=None))


def _hidden(capabilities: frozenset[Capability]) -> dict[str, Any]:
    """Return the fields that a store without some capabilities has nothing to tell in."""
    told: dict[Capability, dict[str, Any]] = {
        Capability.STEPS: {"steps": None},
        Capability.TIMES: {"created_at": None, "updated_at": None, "ended_at": None},
        Capability.BUSINESS_KEYS: {"business_key": None},
        Capability.OUTBOX: {"outbox": ()},
        Capability.RECEIVED: {"received": ()},
        Capability.REPLIES: {"replies": ()},
        Capability.LOCKS: {"waits_on": ()},
        Capability.LINKS: {"parent_id": None},
        Capability.PAYLOAD: {"payload": None},
    }
    return {
        field: value
        for capability, fields in told.items()
        if capability not in capabilities
        for field, value in fields.items()
    }


__all__ = [
    "EVERYTHING",
    "Answers",
    "Fault",
    "Hangs",
    "MemoryLedger",
    "MemoryStore",
    "Raises",
    "Rows",
    "Slow",
]
