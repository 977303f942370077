"""The ledger as the services know it: every method one transaction in a thread that may hang without harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeVar

from sagadoctor.clock import Clock
from sagadoctor.errors import LedgerError
from sagadoctor.model.observation import Observation, Trial, Tries
from sagadoctor.model.seen import Acknowledgement, ScanTicket, SeenFinding, Standing

from . import acknowledgements as words
from . import chores, observations, readers, seen, tries
from .asker import Asker, Run
from .database import Connector, Database
from .line import GivenUp, Line, Work
from .shelf import Shelf

T = TypeVar("T")
CALL_SECONDS = 10.0
_CLOSE_SECONDS = 1.0


class SqlLedger:
    """Remembers what was seen and acknowledged, in SQLite or PostgreSQL; raises LedgerError and nothing else."""

    def __init__(
        self, connector: Connector, clock: Clock, call_seconds: float = CALL_SECONDS, shelf: Shelf | None = None
    ) -> None:
        """Connect with the first call only; none lasts longer than `call_seconds`, and all are about one `shelf`."""
        self._shelf = shelf or Shelf()
        self._connector = connector
        self._clock = clock
        self._seconds = call_seconds
        self._line: Line | None = None
        self._closed = False
        self._runs: dict[tuple[str, int], Run] = {}

    @property
    def place(self) -> str:
        """Say where the ledger is, without its password."""
        return self._connector.place

    async def begin(self, reader: str, now: datetime, lease_seconds: float) -> ScanTicket:
        """Start this reader's scan; raises LedgerLocked while another one runs and its lease lasts."""
        shelf, asker, run = self._shelf, Asker(self._clock), Run(self.place, self._shelf.name, reader)
        try:
            ticket = await self._call(lambda database: readers.begin(database, shelf, run, now, lease_seconds, asker))
        except BaseException:
            run.end()
            raise
        self._runs[reader, ticket.number] = run
        return ticket

    async def compare(
        self, ticket: ScanTicket, findings: Sequence[SeenFinding], now: datetime
    ) -> Mapping[str, Standing]:
        """Record the findings of one page, prolong the lease, and say how each stands with this reader."""
        shelf, asker = self._shelf, Asker(self._clock)

        def work(database: Database) -> dict[str, Standing]:
            readers.hold(database, shelf, ticket, now, asker)
            acknowledged = words.acknowledged(database, shelf, findings, now)
            return seen.compare(database, shelf, ticket, findings, acknowledged, now)

        return await self._call(work)

    async def finish(
        self,
        ticket: ScanTicket,
        now: datetime,
        complete: Iterable[str],
        in_scope: Callable[[SeenFinding], bool],
        *,
        remember: bool = True,
    ) -> tuple[str, ...]:
        """End the scan; return (and forget) the ids of in-scope findings of `complete` sources not seen again.

        With `remember` this scan becomes the reader's last complete one of those sources.
        """
        sources, shelf, asker = tuple(complete), self._shelf, Asker(self._clock)
        whole = sources if remember else ()

        def work(database: Database) -> tuple[str, ...]:
            readers.hold(database, shelf, ticket, now, asker)
            resolved = seen.resolve(database, shelf, ticket, sources, in_scope)
            readers.conclude(database, shelf, ticket, whole)
            return resolved

        try:
            resolved = await self._call(work)
        finally:
            self._let_go(ticket)
        with suppress(LedgerError):  # what is not forgotten today is forgotten tomorrow
            await self._forget(whole, now)
        return resolved

    async def abandon(self, ticket: ScanTicket) -> None:
        """End the scan without concluding anything from it."""
        try:
            await self._call(lambda database: readers.abandon(database, self._shelf, ticket))
        finally:
            self._let_go(ticket)

    async def observe(self, store: str, rows: Sequence[tuple[str, str]], now: datetime) -> Mapping[str, Observation]:
        """Record (saga id, fingerprint) pairs and say since when each row has had its fingerprint."""
        return await self._call(lambda database: observations.observe(database, self._shelf, store, rows, now))

    async def observe_tries(self, store: str, trials: Sequence[Trial], now: datetime) -> Mapping[str, Tries]:
        """Record how often sagas were tried; say, by saga id, since when each has failed as it does."""
        return await self._call(lambda database: tries.observe(database, self._shelf, store, trials, now))

    async def has_observed(self, store: str) -> bool:
        """Say whether any row of this store was ever observed."""
        return await self._call(lambda database: observations.has_observed(database, self._shelf, store))

    async def unjudged(self, store: str, saga_ids: Sequence[str]) -> Sequence[str]:
        """Return those of the ended sagas that were not judged yet, in the order given."""
        now = self._clock.now()
        return await self._call(lambda database: observations.unjudged(database, self._shelf, store, saga_ids, now))

    async def judged(self, store: str, saga_ids: Sequence[str]) -> None:
        """Remember that these ended sagas were judged."""
        now = self._clock.now()
        await self._call(lambda database: observations.judged(database, self._shelf, store, saga_ids, now))

    async def known(self, finding_ids: Sequence[str]) -> Mapping[str, SeenFinding]:
        """Return what is remembered of these findings, of any reader."""
        return await self._call(lambda database: seen.known(database, self._shelf, finding_ids))

    async def known_groups(self, groups: Sequence[str]) -> frozenset[str]:
        """Return those of the groups of which any reader saw a finding."""
        return await self._call(lambda database: seen.known_groups(database, self._shelf, groups))

    async def acknowledge(self, acknowledgements: Sequence[Acknowledgement]) -> None:
        """Record acknowledgements by finding id or group id; a later one replaces an earlier."""
        await self._call(lambda database: words.acknowledge(database, self._shelf, acknowledgements))

    async def acknowledged(self, findings: Sequence[SeenFinding], now: datetime) -> Mapping[str, datetime]:
        """Return, by finding id, until when each is acknowledged by itself or through its group."""
        return await self._call(lambda database: words.acknowledged(database, self._shelf, findings, now))

    async def words(self, findings: Sequence[SeenFinding], now: datetime) -> Mapping[str, Acknowledgement]:
        """Return, by finding id, the word by which each is acknowledged: who said it, why, and until when."""
        return await self._call(lambda database: words.words(database, self._shelf, findings, now))

    async def close(self) -> None:
        """Let go of the database; never waits for a thread that hangs."""
        self._closed = True
        while self._runs:
            self._runs.popitem()[1].end()
        line, self._line = self._line, None
        if line is not None:
            with suppress(TimeoutError):
                await line.close(_CLOSE_SECONDS)

    def _let_go(self, ticket: ScanTicket) -> None:
        run = self._runs.pop((ticket.reader, ticket.number), None)
        if run is not None:
            run.end()

    async def _forget(self, sources: Sequence[str], now: datetime) -> None:
        for walk in await self._call(lambda database: chores.due(database, self._shelf, sources, now)):
            after: str | None = ""
            while after is not None:
                after = await self._call(partial(walk.step, after=after))

    async def _call(self, do: Callable[[Database], T]) -> T:
        """Do it in the thread, within the time for a call; a line that hangs is given up for a new one."""
        work = Work(do)
        try:
            async with asyncio.timeout(self._seconds) as limit:
                while True:
                    if self._closed:
                        raise LedgerError(f"the ledger {self.place} was closed")
                    line = self._line = self._line or Line(self._connector)
                    try:
                        return await line.run(work)
                    except GivenUp:
                        continue
                    except asyncio.CancelledError:
                        self._stop_waiting(line, work)
                        raise
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise LedgerError(f"the ledger {self.place} did not answer within {self._seconds:g} s") from error

    def _stop_waiting(self, line: Line, work: Work[T]) -> None:
        work.unwanted = True
        if work.begun:
            line.give_up()
            if self._line is line:
                self._line = None
