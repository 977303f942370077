"""The connections to one address: at most two, each with a thread of its own, and how to get out of one that hangs."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.worker import Worker
from sagadoctor.errors import (
    AccessDenied,
    BackendError,
    Busy,
    DeadlineExceeded,
    Lost,
    SchemaMismatch,
)

from .address import MARIADB
from .driver import Driver, Limits, Link
from .session import Session
from .troubles import CellUnreadable, changed

T = TypeVar("T")

CONNECTIONS: Final = 2
"""Per server address and user, shared by all stores that name them."""
_NATURAL_END: Final = 0.05
"""Seconds in which a statement that nobody waits for any more may end by itself."""
_CANCEL_SECONDS: Final = 1.0
_CANCEL_WAIT: Final = 0.5
"""Seconds that an awaiting caller gives the server to hear of a cancellation."""
_HARMLESS: Final = (AccessDenied, Busy, CellUnreadable, DeadlineExceeded, SchemaMismatch)
"""Answers of a healthy server: the connection can be used on."""


class Lane:
    """One connection and the thread that alone uses it."""

    def __init__(self, driver: Driver, password: str | None, name: str) -> None:
        """Start nothing: the first call connects."""
        self._driver, self._password = driver, password
        self._worker = Worker(f"sagadoctor-{name}")
        self._idle = threading.Event()
        self._idle.set()
        self.link: Link | None = None
        self.gone = False

    async def call(self, work: Callable[[Session], T], limits: Limits, timeout: float | None) -> T:
        """Run one unit of work; raises TimeoutError while the work goes on in the thread."""
        self._idle.clear()
        return await self._worker.call(self._step, work, limits, timeout=timeout)

    def _step(self, work: Callable[[Session], T], limits: Limits) -> T:
        try:
            return self._guarded(work, limits)
        finally:
            if self.gone:
                self.drop()
            self._idle.set()

    def _guarded(self, work: Callable[[Session], T], limits: Limits) -> T:
        try:
            if self.link is not None and self._driver.moved(self.link):
                self.drop()
            if self.link is None:
                self.link = self._driver.connect(self._password, limits)
            self._driver.limit(self.link, limits)
            with self._transaction(self.link):
                answer = work(Session(self._driver, self.link))
            if self._driver.moved(self.link):
                raise changed()
        except Exception as error:
            told = error if isinstance(error, BackendError) else self._driver.translate(error)
            if not isinstance(told, Lost) and self.link is not None and self._driver.moved(self.link):
                told = changed()  # what was read was half of one state and half of another
            if not isinstance(told, _HARMLESS):
                self.drop()
            if told is None or told is error:
                raise
            raise told from None
        else:
            return answer

    @contextlib.contextmanager
    def _transaction(self, link: Link) -> Iterator[None]:
        """Behind a pooler every unit of work is a transaction that sets its own limits."""
        if not link.wrapped:
            yield
            return
        self._driver.begin(link, snapshot=True)
        try:
            yield
        finally:
            self._driver.end(link)

    def drop(self) -> None:
        """Close the connection; only in the lane's own thread, or when it is idle."""
        link, self.link = self.link, None
        if link is not None:
            self._driver.close(link)

    def reap(self, helper: Lane | None, limits: Limits) -> None:
        """Get the thread out of what it is doing: wait, cancel on the server, close the socket. Blocks."""
        if self._idle.wait(_NATURAL_END):
            return
        link = self.link
        if link is None:  # still connecting: it ends by its own timeout
            self.gone = not self._idle.wait(limits.connect + 1)
            return
        began = time.monotonic()
        heard = self._driver.cancel(link, helper.link if helper is not None else None, _CANCEL_SECONDS)
        if self._idle.wait(_CANCEL_SECONDS):
            return
        self._driver.cut(link)
        self.gone = not self._idle.wait(_CANCEL_SECONDS)
        if not heard and self._driver.engine == MARIADB:  # it goes on until its own limit, and counts until then
            time.sleep(max(0.0, limits.statement - (time.monotonic() - began)))

    def part(self) -> None:
        """Let go of the connection and the thread without waiting for either."""
        self.gone = True
        if self.link is not None:
            threading.Thread(target=self.drop, name="sagadoctor-closer", daemon=True).start()
        self._worker.stop()

    async def close(self) -> None:
        """Let go of the connection; a thread that hangs is left behind."""
        self.gone = True
        with contextlib.suppress(TimeoutError):
            await self._worker.call(self.drop, timeout=_CANCEL_SECONDS)
        if (link := self.link) is not None:
            self._driver.cut(link)
        self._worker.stop()


class _Places:
    """How many connections there may be; like a semaphore, and also takes a place without waiting."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take_now(self) -> bool:
        """Take a place if one is free."""
        if self._left == 0:
            return False
        self._left -= 1
        return True

    async def take(self) -> None:
        """Wait for a place; first come, first served."""
        if not self._waiting and self.take_now():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()
            else:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
            raise

    def give(self) -> None:
        """Give a place to whoever waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._left += 1


class Lanes:
    """Hands out the two connections, one unit of work at a time."""

    def __init__(self, driver: Driver, password: str | None, name: str) -> None:
        """Make no connection yet."""
        self.driver, self._password, self._name = driver, password, name
        self._free = _Places(CONNECTIONS)
        self._idle: list[Lane] = []
        self._closed = False
        self.guests: set[int] = set()

    async def run(self, work: Callable[[Session], T], limits: Limits, deadline: Deadline) -> T:
        """Run one unit of work on one of the connections; raises BackendError, or what a bug in `work` raises."""
        lane = await self._take(deadline)
        try:
            answer = await lane.call(work, limits, deadline.remaining())
        except TimeoutError:
            await asyncio.wait((self._leave(lane, limits),), timeout=_CANCEL_WAIT)
            raise DeadlineExceeded(
                "not finished within the time it was given", hint="raise --timeout, or see `sagadoctor check`"
            ) from None
        except asyncio.CancelledError:
            self._leave(lane, limits)
            raise
        except BaseException:
            self._give_back(lane)
            raise
        self._give_back(lane)
        return answer

    async def _take(self, deadline: Deadline) -> Lane:
        try:
            async with asyncio.timeout(deadline.remaining()):
                await self._free.take()
        except TimeoutError:
            raise DeadlineExceeded("waited for one of our own two connections until the time was over") from None
        return self._idle.pop() if self._idle else Lane(self.driver, self._password, self._name)

    def _leave(self, lane: Lane, limits: Limits) -> asyncio.Future[None]:
        """Have a thread free the lane; its place is free again only when the server has let go of it."""
        loop = asyncio.get_running_loop()
        helper = self._idle.pop() if self._idle and self._free.take_now() else None
        over: asyncio.Future[None] = loop.create_future()

        def end() -> None:
            self._give_back(lane)
            if helper is not None:
                self._give_back(helper)
            if not over.done():
                over.set_result(None)

        def reap() -> None:
            lane.reap(helper, limits)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody counts any more
                loop.call_soon_threadsafe(end)

        threading.Thread(target=reap, name="sagadoctor-reaper", daemon=True).start()

        return over

    def _give_back(self, lane: Lane) -> None:
        if lane.link is not None and not lane.gone and not self._closed:
            self._idle.append(lane)
        else:
            lane.part()
        self._free.give()

    async def close(self) -> None:
        """Close what is idle now, and what is busy when it comes back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()
