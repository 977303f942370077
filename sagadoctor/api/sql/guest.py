"""A guest on a database server: at most two connections, a deadline that really ends the work, no trace left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakKeyDictionary

from sagadoctor import __version__
from sagadoctor.api.deadline import Deadline
from sagadoctor.clock import Clock
from sagadoctor.errors import BackendError, Lost, Unreachable

from .address import MARIADB, POSTGRESQL, Address
from .driver import Driver, Limits, Row
from .lanes import Lanes
from .session import Session

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import ClauseElement

T = TypeVar("T")

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


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str | None], Lanes]] = WeakKeyDictionary()
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
        plain: bool = False,
    ) -> None:
        """Keep where to go and how long a server may work for us; `source` is the name that errors carry.

        `plain` promises statements of columns, comparisons, functions and casts alone, in names that are quoted: they
        are written without SQLAlchemy's dialect for the engine, which may take long to load.
        """
        self.address = address
        self.source = source
        self._clock = clock
        self._password = password
        self._limits = limits or Limits()
        self._plain = plain
        self._used: list[Lanes] = []

    def _open(self) -> Lanes:
        loop = asyncio.get_running_loop()
        key = (self.address.url, self._password)
        known = _shared.setdefault(loop, {})
        lanes = known.get(key)
        if lanes is None:
            lanes = known[key] = Lanes(self._driver(), self._password, self.source)
        if lanes not in self._used:
            lanes.guests.add(id(self))
            self._used.append(lanes)
        return lanes

    def _driver(self) -> Driver:
        return make_driver(self.address, f"sagadoctor/{__version__}")

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
        asked = (lambda session: work(session.plainly())) if self._plain else work
        return await self._open().run(asked, self._limits, deadline)

    async def rows(self, statement: ClauseElement, deadline: Deadline) -> list[Row]:
        """Run one small statement."""
        return await self.run(lambda session: session.rows(statement), deadline)

    async def now(self, deadline: Deadline) -> datetime:
        """Return the server's present; SQLite's is that of the clock we were given."""
        driver = self._open().driver
        # It comes after the lane was told to connect: what the server takes for that is not waited for, but used.
        asyncio.get_running_loop().call_soon(driver.load)
        if driver.trusts_own_clock:
            await self.run(lambda session: session.engine, deadline)
            return self._clock.now()
        return await self.run(lambda session: session.now(), deadline)

    async def close(self) -> None:
        """Let go; the last guest of an address closes its connections."""
        used, self._used = self._used, []
        for lanes in used:
            lanes.guests.discard(id(self))
            if lanes.guests:
                continue
            for known in _shared.values():
                for key in [key for key, value in known.items() if value is lanes]:
                    del known[key]
            await lanes.close()
