"""A thread with a connection to the ledger: runs transactions, again if need be, and can be given up when it hangs."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from sagadoctor.api.worker import Worker
from sagadoctor.errors import LedgerError, LedgerLocked

from .database import Connector, Contended, Database, Dropped

T = TypeVar("T")
_PAUSES = (0.02, 0.1, 0.3)


class GivenUp(Exception):
    """The line was given up before this work began: another line may take it."""


class Work(Generic[T]):
    """What one call wants done in one transaction; nobody may want it any more by the time it would begin."""

    def __init__(self, do: Callable[[Database], T]) -> None:
        """Take a function that may be run several times, each time in a fresh transaction."""
        self.do = do
        self.begun = False
        self.unwanted = False


class Line:
    """One thread, one connection, and the work that waits for them in the order it came."""

    def __init__(self, connector: Connector) -> None:
        """Connect with the first work only."""
        self._connector = connector
        self._worker = Worker("sagadoctor-ledger")
        self._database: Database | None = None
        self._given_up = threading.Event()

    async def run(self, work: Work[T]) -> T:
        """Do the work in the thread; whoever stops waiting for it gives the line up."""
        return await self._worker.call(self._begin, work)

    def give_up(self) -> None:
        """Break the connection under a call that hangs; the thread ends when it notices."""
        self._given_up.set()
        if (database := self._database) is not None:
            database.interrupt()
        self._worker.stop()

    async def close(self, seconds: float) -> None:
        """Let the connection go, and the thread after at most `seconds`."""
        try:
            await self._worker.call(self._disconnect, timeout=seconds)
            self._worker.stop()
        except BaseException:
            self.give_up()
            raise

    def _begin(self, work: Work[T]) -> T:
        if self._given_up.is_set() or work.unwanted:
            raise GivenUp
        work.begun = True
        try:
            return self._persist(work)
        except LedgerLocked:
            raise
        except BaseException:
            self._disconnect()
            raise
        finally:
            if self._given_up.is_set():
                self._disconnect()

    def _persist(self, work: Work[T]) -> T:
        for pause in _PAUSES:
            try:
                return self._once(work)
            except (Contended, Dropped) as error:
                if self._given_up.is_set():
                    raise
                if isinstance(error, Dropped):
                    self._disconnect()
                time.sleep(pause * (0.5 + random.random()))  # noqa: S311 - so that two who collided part
        return self._once(work)

    def _once(self, work: Work[T]) -> T:
        database = self._connected()
        with database.transaction():
            return work.do(database)

    def _connected(self) -> Database:
        if self._database is None:
            self._database = self._connector.connect()
        if self._given_up.is_set():
            raise LedgerError(f"the ledger {self._connector.place} answered too late")
        return self._database

    def _disconnect(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(LedgerError):
                database.close()
