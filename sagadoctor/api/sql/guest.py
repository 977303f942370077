"""A guest on a database server: at most two connections, a deadline that really ends the work, no trace left."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakKeyDictionary

from sagadoctor import __version__
from sagadoctor.api.deadline import Deadline
from sagadoctor.api.worker import Worker
from sagadoctor.clock import Clock
from sagadoctor.errors import BackendError, DeadlineExceeded, Lost, Unreachable

from .address import MARIADB, POSTGRESQL, Address
from .driver import Driver, Limits, Link, Row
from .statement import compiled

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import ClauseElement

    from .catalog import Catalog

T = TypeVar("T")

CONNECTIONS: Final = 2
"""Per server address and user, shared by all stores that name them."""
_CANCEL_SECONDS: Final = 1.0
_CANCEL_WAIT: Final = 0.5
_RECONNECT: Final = (0.1, 0.3, 0.6, 1.0, 1.5)
"""Pauses before each try to come back after a connection was lost; together they are the one reconnect."""


def make_driver(address: Address, application: str) -> Driver:
    """Return the driver for an address; the library behind it is loaded here and not before."""
    if address.engine == POSTGRESQL:
        from .postgresql import Postgresql

        return Postgresql(address, application)
    if address.engine == MARIADB:
        from .mariadb import Mariadb

        return Mariadb(address, application)
    from .sqlite import Sqlite

    return Sqlite(address, application)


class Session:
    """One connection for one unit of work, inside the worker's thread; every call blocks."""

    def __init__(self, driver: Driver, link: Link) -> None:
        """Keep the connection for as long as the unit of work runs."""
        self._driver, self._link = driver, link

    @property
    def engine(self) -> str:
        """Return `postgresql`, `mariadb` or `sqlite`."""
        return self._driver.engine

    @property
    def product(self) -> str:
        """Return what the server calls itself, such as `PostgreSQL`, `MariaDB`, `MySQL`, `SQLite`."""
        return self._link.product

    @property
    def version(self) -> str:
        """Return the server's version as it says it."""
        return self._link.version

    @property
    def version_number(self) -> int:
        """Return the version as a number: 150018 (PostgreSQL), 101106 (MariaDB), 34001 (SQLite)."""
        return self._link.version_number

    def rows(self, statement: ClauseElement) -> list[Row]:
        """Run a small statement and return ordinary Python values."""
        text, parameters = compiled(statement, self._driver.dialect)
        return self._driver.rows(self._link, text, parameters)

    def ask(self, text: str) -> list[Row]:
        """Run a fixed text of ours without parameters."""
        return self._driver.rows(self._link, text, {} if self.engine == POSTGRESQL else ())

    def stream(self, statement: ClauseElement, size: int = 500) -> Iterator[Row]:
        """Yield rows with raw cells: bytes for texts, PostgreSQL's times as µs since 2000 (see each driver)."""
        text, parameters = compiled(statement, self._driver.dialect)
        return self._driver.stream(self._link, text, parameters, size)

    def explain(self, statement: ClauseElement) -> list[Row]:
        """Return the engine's plan for a statement (see `plans`)."""
        text, parameters = compiled(statement, self._driver.dialect)
        return self._driver.explain(self._link, text, parameters)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all statements inside see one moment; keep it short."""
        if self._link.wrapped:
            yield  # already inside a transaction of its own
            return
        self._driver.begin(self._link, snapshot=True)
        try:
            yield
        finally:
            self._driver.end(self._link)

    def now(self) -> datetime:
        """Return the server's present."""
        return self._driver.now(self._link)

    @property
    def catalog(self) -> Catalog:
        """Return the reader of the server's tables about tables."""
        return self._driver.catalog(self._link)


class _Lane:
    """One connection and the thread that alone uses it."""

    def __init__(self, driver: Driver, password: str | None, name: str) -> None:
        self._driver, self._password = driver, password
        self._worker = Worker(f"sagadoctor-{name}")
        self._link: Link | None = None
        self._idle = threading.Event()
        self._idle.set()
        self.gone = False

    @property
    def connected(self) -> bool:
        return self._link is not None

    async def do(self, work: Callable[[Session], T], limits: Limits, deadline: Deadline) -> T:
        """Run one unit of work; raises BackendError, or whatever a bug in `work` raises."""
        try:
            return await self._worker.call(self._step, work, limits, timeout=deadline.remaining())
        except TimeoutError:
            self.gone = True
            with contextlib.suppress(TimeoutError):
                await Worker("sagadoctor-reaper").call(self._reap, timeout=_CANCEL_WAIT)
            raise DeadlineExceeded(
                "not finished within the time it was given", hint="raise --timeout, or see `sagadoctor check`"
            ) from None
        except asyncio.CancelledError:
            self.gone = True
            threading.Thread(target=self._reap, name="sagadoctor-reaper", daemon=True).start()
            raise

    def _step(self, work: Callable[[Session], T], limits: Limits) -> T:
        self._idle.clear()
        try:
            return self._guarded(work, limits)
        finally:
            if self.gone:
                self._drop()
            self._idle.set()

    def _guarded(self, work: Callable[[Session], T], limits: Limits) -> T:
        driver = self._driver
        try:
            link = self._link
            if link is None:
                link = self._link = driver.connect(self._password, limits)
            driver.limit(link, limits)
            if not link.wrapped:
                return work(Session(driver, link))
            driver.begin(link, snapshot=True)
            try:
                return work(Session(driver, link))
            finally:
                driver.end(link)
        except BackendError as error:
            if isinstance(error, Lost | Unreachable | DeadlineExceeded):
                self._drop()
            raise
        except Exception as error:
            translated = driver.translate(error)
            if translated is None:
                self._drop()
                raise
            self._drop()
            raise translated from None

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            self._driver.close(link)

    def _reap(self) -> None:
        """Cancel on the server, and close the socket where that doesn't free the thread."""
        link = self._link
        if link is not None:
            self._driver.cancel(link, self._password, _CANCEL_SECONDS)
            if not self._idle.wait(_CANCEL_SECONDS):
                self._driver.cut(link)
        self._worker.stop()

    async def close(self) -> None:
        """Let go of the connection; a thread that hangs is left behind."""
        self.gone = True
        with contextlib.suppress(TimeoutError):
            await self._worker.call(self._drop, timeout=_CANCEL_SECONDS)
        if (link := self._link) is not None:
            self._driver.cut(link)
        self._worker.stop()


class _Lanes:
    """The connections to one address: two, handed out one unit of work at a time."""

    def __init__(self, driver: Driver, password: str | None, name: str) -> None:
        self.driver, self._password, self._name = driver, password, name
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[_Lane] = []
        self.guests: set[int] = set()

    async def take(self, deadline: Deadline) -> _Lane:
        try:
            async with asyncio.timeout(deadline.remaining()):
                await self._free.acquire()
        except TimeoutError:
            raise DeadlineExceeded("waited for one of our own two connections until the time was over") from None
        return self._idle.pop() if self._idle else _Lane(self.driver, self._password, self._name)

    def give_back(self, lane: _Lane) -> None:
        if not lane.gone and lane.connected:
            self._idle.append(lane)
        elif not lane.gone:
            lane.gone = True
            lane._worker.stop()
        self._free.release()

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str | None], _Lanes]] = WeakKeyDictionary()
"""Per event loop: who names the same URL and password shares the same connections."""


class Guest:
    """A read-only guest on one database; makes no connection before the first question."""

    def __init__(
        self,
        address: Address,
        *,
        source: str,
        clock: Clock,
        password: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Keep where to go and how long a server may work for us; `source` is the name that errors carry."""
        self.address = address
        self.source = source
        self._clock = clock
        self._password = password
        self._limits = limits or Limits()
        self._lanes: _Lanes | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def _open(self) -> _Lanes:
        loop = asyncio.get_running_loop()
        if self._lanes is None or self._loop is not loop:
            known = _shared.setdefault(loop, {})
            key = (self.address.url, self._password)
            if key not in known:
                application = f"sagadoctor/{__version__}"
                known[key] = _Lanes(make_driver(self.address, application), self._password, self.source)
            self._lanes, self._loop = known[key], loop
            self._lanes.guests.add(id(self))
        return self._lanes

    async def run(self, work: Callable[[Session], T], deadline: Deadline) -> T:
        """Run `work` with a session in a worker's thread; on a lost connection once more from the start.

        Raises BackendError. `work` must be repeatable: a lost connection is made anew within the deadline and the
        whole of `work` runs again.
        """
        try:
            try:
                return await self._once(work, deadline)
            except Lost as lost:
                return await self._again(work, deadline, lost)
        except BackendError as error:
            error.source = error.source or self.source
            raise

    async def _again(self, work: Callable[[Session], T], deadline: Deadline, lost: Lost) -> T:
        for pause in _RECONNECT:
            remaining = deadline.remaining()
            if remaining is not None and remaining <= pause:
                break
            await asyncio.sleep(pause)
            try:
                return await self._once(work, deadline)
            except Unreachable:
                continue
            except Lost as again:
                lost = again
        raise lost

    async def _once(self, work: Callable[[Session], T], deadline: Deadline) -> T:
        deadline.check(self.source)
        lanes = self._open()
        lane = await lanes.take(deadline)
        try:
            return await lane.do(work, self._limits, deadline)
        finally:
            lanes.give_back(lane)

    async def rows(self, statement: ClauseElement, deadline: Deadline) -> list[Row]:
        """Run one small statement."""
        return await self.run(lambda session: session.rows(statement), deadline)

    async def now(self, deadline: Deadline) -> datetime:
        """Return the server's present; SQLite's is that of the clock we were given."""
        if self._open().driver.trusts_own_clock:
            await self.run(lambda session: session.engine, deadline)
            return self._clock.now()
        return await self.run(lambda session: session.now(), deadline)

    async def close(self) -> None:
        """Let go; the last guest of an address closes its connections."""
        lanes, self._lanes = self._lanes, None
        if lanes is None or self._loop is not asyncio.get_running_loop():
            return
        lanes.guests.discard(id(self))
        if not lanes.guests:
            known = _shared.get(asyncio.get_running_loop(), {})
            for key in [key for key, value in known.items() if value is lanes]:
                del known[key]
            await lanes.close()
