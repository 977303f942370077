"""Opening a store over sagas, asking it within a time, and the sagas that are written."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final, TypeVar

import msgspec

from sagadoctor.api.v1 import (
    LIVE,
    Deadline,
    LockWait,
    Look,
    OutboxEntry,
    Owner,
    Page,
    Receipt,
    Reply,
    ReplyOutcome,
    Saga,
    SagaState,
    Step,
    StepStatus,
    Store,
    SystemClock,
)

from .compare import checked_page
from .hooks import StoreHooks

T = TypeVar("T")
CLOCK: Final = SystemClock()
LONG: Final = 60.0


def alone(main: Callable[[], Coroutine[Any, Any, T]], within: float = LONG) -> T:
    """Run an event loop of its own to its end; one that doesn't end within the seconds is left behind, and fails."""
    told: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            told.append(asyncio.run(main()))
        except BaseException as error:  # noqa: BLE001 - handed over to whoever waits
            raised.append(error)

    thread = threading.Thread(target=run, name="conformance", daemon=True)
    thread.start()
    thread.join(within)
    assert not thread.is_alive(), f"asyncio.run has not ended after {within:g} s: something in the store hangs"
    if raised:
        raise raised[0]
    return told[0]


def later(seconds: float = LONG) -> Deadline:
    """Return a deadline that many seconds from now."""
    return Deadline.after(CLOCK, seconds)


def look(seconds: float = LONG, **asked: Any) -> Look:
    """Return what a scan wants to read within that many seconds."""
    return Look(later(seconds), **asked)


async def pages_of(store: Store, asked: Look) -> list[Page]:
    """Read to the end and return the pages, each checked for its types."""
    pages: list[Page] = []
    async for page in store.read(asked):
        checked_page(page, store.name)
        pages.append(page)
    return pages


async def rows_of(store: Store, **asked: Any) -> list[Saga]:
    """Read to the end and return the sagas."""
    return [saga for page in await pages_of(store, look(**asked)) for saga in page.sagas]


@dataclass(slots=True)
class Watch:
    """Counts connections over and over in a thread of its own, and keeps the highest count."""

    count: Callable[[], int | None]
    most: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Count while inside."""
        thread = threading.Thread(target=self._run, name="count connections", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.005):
            self.most = max(self.most, self.count() or 0)


class StoreSetting(StoreHooks):
    """What the promises are tested with."""

    @cached_property
    def now(self) -> datetime:
        """Return one moment for the whole test, no finer than the store can keep."""
        moment = datetime.now(UTC)
        return moment - (moment - datetime(1970, 1, 1, tzinfo=UTC)) % self.resolution

    @property
    def live_state(self) -> SagaState:
        """Return a live state that the store can keep."""
        return self._any("live", {state for state in self.states if state in LIVE})

    @property
    def ended_state(self) -> SagaState:
        """Return an ended state that the store can keep."""
        return self._any("ended", {state for state in self.states if state not in LIVE})

    def _any(self, kind: str, kept: set[SagaState]) -> SagaState:
        assert kept, f"say in `states` at least one {kind} state that the store can keep, with the store's word for it"
        return next(state for state in self.states if state in kept)

    def tells_of(self, name: str) -> bool:
        """Say whether the store can keep this field."""
        return self.tells is None or name in self.tells

    def ask(self, sagas: Sequence[Saga], work: Callable[[Store], Awaitable[T]], within: float = LONG) -> T:
        """Open a store over these sagas, let `work` ask it in a loop of its own, and close it."""
        store = self.open(sagas)

        async def main() -> T:
            try:
                return await work(store)
            finally:
                await store.close()

        return alone(main, within)

    def bare(self, number: int, state: SagaState | None = None, **fields: Any) -> Saga:
        """Return a saga of which only that is known which the store needs, and what is given."""
        full = self.full(number, state)
        known = {name: getattr(full, name) for name in ("store", "saga_id", "state", "raw_state", *self.needs)}
        return Saga(**{**known, **fields})

    def plain(self, number: int, state: SagaState | None = None, **fields: Any) -> Saga:
        """Return a saga with a type and times, without steps unless the store needs them."""
        full = self.full(number, state)
        known: dict[str, Any] = {name: getattr(full, name) for name in ("saga_type", "created_at", "updated_at")}
        return self.bare(number, state, **{**known, **fields})

    def full(self, number: int, state: SagaState | None = None, **fields: Any) -> Saga:
        """Return a saga in which every field says something."""
        state = state or self.live_state
        live = state in LIVE
        began = self.now - timedelta(days=2, minutes=number)
        saga = Saga(
            store="",
            saga_id=self.saga_id(number),
            state=state,
            raw_state=self.states[state],
            saga_type=self.types[0] if self.types else None,
            current_step="charge_card" if live else None,
            steps=self._steps(live=live),
            business_key=f"ORDER-{number}",
            created_at=began,
            updated_at=began + timedelta(minutes=5),
            ended_at=None if live else began + timedelta(minutes=5),
            deadline=self.now + timedelta(days=1),
            version=str(number + 3),
            attempts=2,
            next_attempt_at=self.now + timedelta(minutes=5),
            error="the card was declined: “insufficient funds”",
            owner=Owner("worker-7", lease_until=self.now + timedelta(minutes=1)),
            waiting_for="person",
            parent_id=self.saga_id(number + 1),
            repaired_by=None if live else self.saga_id(number + 2),
            correlation_id=f"corr-{number}",
            trace_id=f"{number:032x}",
            payload=json.dumps({"order_id": f"ORDER-{number}", "total": 12.5, "note": "žluťoučký"}).encode(),
            outbox=(OutboxEntry(f"message-{number}", "", "charge_card", sent=False, created_at=self.now),),
            received=(Receipt(f"message-{number}", "", "payment", self.now),) if live else (),
            replies=(self.reply(number),) if live else (),
            waits_on=(LockWait(f"card-{number}", "", self.saga_id(number + 3)),) if live else (),
        )
        return msgspec.structs.replace(saga, **fields)

    def reply(self, number: int, **fields: Any) -> Reply:
        """Return a reply to the command of a full saga, which nobody took."""
        reply = Reply(
            f"reply-{number}",
            f"message-{number}",
            "",
            ReplyOutcome.REFUSED,
            at=self.now,
            sent=True,
            taken=False,
            taken_by="orders",
        )
        return msgspec.structs.replace(reply, **fields)

    def _steps(self, *, live: bool) -> tuple[Step, ...]:
        done = self.step(
            "reserve_stock",
            0,
            StepStatus.COMPLETED,
            started_at=self.now - timedelta(hours=3),
            executed_at=self.now - timedelta(hours=2),
            attempts=1,
            result=b'{"reservation": "R-7", "lines": [1, 2]}',
        )
        out = self.step(
            "charge_card",
            1,
            StepStatus.EXECUTING if live else StepStatus.COMPLETED,
            started_at=self.now - timedelta(hours=2),
            timeout_at=self.now + timedelta(hours=1),
            attempts=2,
            next_attempt_at=self.now + timedelta(minutes=5),
            error="the bank's line was busy",
        )
        return (done, out, self.step("ship", 2, StepStatus.PENDING if live else StepStatus.COMPLETED))

    def step(self, name: str, index: int, status: StepStatus, **fields: Any) -> Step:
        """Return a step with an action and a compensation, in a status that the store can keep."""
        kept = status if status in self.statuses else next(iter(self.statuses))
        action, undo = f"Service.{name}", f"Service.undo_{name}"
        return Step(name, index, kept, self.statuses[kept], action, undo, **fields)
