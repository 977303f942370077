"""Asking every store at once: what each one tells, judged page by page; whatever fails becomes a blind spot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Look, Page, Store
from sagadoctor.diagnosis import deadlines
from sagadoctor.errors import BackendError
from sagadoctor.model.capability import Capability
from sagadoctor.model.finding import Finding
from sagadoctor.model.report import BlindSpot
from sagadoctor.model.saga import Saga

from .ahead import OneAhead
from .backends import Backends
from .by_id import asked_of
from .filters import Filters
from .guard import GRACE, closing, guarded
from .recall import Recall
from .unmatched import Words, words_of

if TYPE_CHECKING:
    from .judge import Judge

_OVERLAP = timedelta(minutes=5)
_BATCH = 2_000
_WAITING = 4
"""Batches that may wait for whoever takes them, so that memory stays flat."""


class ScanRequest(msgspec.Struct, frozen=True):
    """What one scan is asked to do; `timeout` in seconds for the whole of it, None for no limit."""

    reader: str
    since: timedelta = timedelta(hours=24)
    deep: bool = False
    filters: Filters = msgspec.field(default_factory=Filters)
    new_only: bool = False
    allow_full_scan: bool = False
    as_of: datetime | None = None
    timeout: float | None = 60.0


class Batch(msgspec.Struct, frozen=True):
    """What one store's reader hands over: findings, or a blind spot, or its end."""

    store: str
    findings: Sequence[Finding] = ()
    blind: BlindSpot | None = None
    notes: tuple[str, ...] = ()
    rows: int = 0
    truncated: bool = False
    silent: frozenset[str] = frozenset()
    window: datetime | None = None
    met: frozenset[str] = frozenset()
    """Of sagas that were asked for by id: their ids, and how they were spelt."""
    words: Words = msgspec.field(default_factory=dict)
    """What there is of the kinds that a filter asks for."""
    ended: bool = False


async def gather(
    backends: Backends, request: ScanRequest, deadline: Deadline, before: Mapping[str, datetime], recall: Recall
) -> AsyncGenerator[Batch, None]:
    """Yield what all stores tell, as it comes; `before` is when each was last read in full."""
    stores = backends.named(request.filters.stores)
    batches: asyncio.Queue[Batch] = asyncio.Queue(maxsize=_WAITING)
    ids = request.filters.saga_ids
    asked = None if ids is None else sorted(ids)
    readers = [
        asyncio.create_task(
            _Reader(store, backends, request, deadline, before.get(store.name), recall, asked).read(batches)
        )
        for store in stores
    ]
    try:
        running = len(readers)
        while running:
            batch = await batches.get()
            running -= batch.ended
            yield batch
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


class _Reader(msgspec.Struct, frozen=True):
    """Reads one store; `before` is when it was last read in full, `asked` the ids that are asked for, None for all."""

    store: Store
    backends: Backends
    request: ScanRequest
    deadline: Deadline
    before: datetime | None
    recall: Recall
    asked: Sequence[str] | None

    async def read(self, batches: asyncio.Queue[Batch]) -> None:
        """Read the store to its end; whatever goes wrong becomes a blind spot, and an end always follows."""
        name = self.store.name
        truncated = False
        remaining = self.deadline.remaining()
        try:
            async with (
                guarded(self.backends.redactor, None if remaining is None else remaining + GRACE),
                aclosing(self._batches()) as told,
            ):
                async for batch in told:
                    truncated |= batch.truncated
                    await batches.put(batch)
        except BackendError as error:
            spot = BlindSpot(name, error.reason, self.before, error.hint)
            await batches.put(Batch(name, blind=spot, ended=True))
        else:
            await batches.put(Batch(name, ended=True, truncated=truncated))

    async def _batches(self) -> AsyncGenerator[Batch, None]:
        store, backends, request = self.store, self.backends, self.request
        present = await store.now(self.deadline)
        now = request.as_of or present
        look = self._look(now)
        yield Batch(store.name, window=look.ended_since)
        unsurveyed: BackendError | None = None
        unread: BackendError | None = None
        async with AsyncExitStack() as begun:
            pages = None
            alone = len(backends.stores) == 1  # another store may want one of this one's two connections
            if alone and self.asked is None and Capability.TIMES in store.capabilities:
                # Which rows to read doesn't hang on the survey: both are asked for at once.
                pages = await begun.enter_async_context(aclosing(OneAhead(store.read(look))))
                await asyncio.sleep(0)
            from . import judge as judging  # while the store works: loading all rules takes as long as it does

            others = [other for other in backends.stores if other is not store]
            # What a restored dump looks like says nothing about the store itself.
            recall = self.recall if request.as_of is None else Recall(None)
            judge = judging.Judge(store, others, backends.policy, now, backends.redactor, recall)
            try:
                surveyed = await self._surveyed(look, judge)
            except BackendError as error:
                unsurveyed = error
            else:
                yield surveyed
            if Capability.TIMES not in store.capabilities:  # known at the latest now that it was asked something
                look = replace(look, ended_since=None)
            if pages is None and self.asked is None:
                pages = await begun.enter_async_context(aclosing(OneAhead(store.read(look))))
            as_of = present if request.as_of else None
            told = self._named(look, judge, as_of) if pages is None else self._rows(pages, look, judge, as_of)
            try:
                async with aclosing(told) as batches:
                    async for batch in batches:
                        yield batch
            except BackendError as error:  # what is to be said of the rows that were read is said all the same
                unread = error
        notes = [f"{store.name}: {note}" for note in judge.notes]
        if judge.newer:
            rows = "row is" if judge.newer == 1 else "rows are"
            left = "left out: what they were like then is not known"
            notes.append(f"{store.name}: {judge.newer} {rows} newer than --as-of, and {left}")
        if judge.silent:
            names = ", ".join(sorted(judge.silent))
            notes.append(f"{store.name}: its sagas were not compared with those of {names}, which could not be asked")
        if notes:
            yield Batch(store.name, silent=judge.silent, notes=tuple(notes))
        if unread is not None:
            raise unread
        if judge.missed:
            raise BackendError("; ".join(judge.missed))
        if unsurveyed is not None:
            raise BackendError(f"its sagas could not be counted together: {unsurveyed.reason}", hint=unsurveyed.hint)

    def _look(self, now: datetime) -> Look:
        request = self.request
        ended_since = deadlines.before(now, request.since)
        if self.before is not None and request.as_of is None:
            elapsed = self.backends.clock.now() - self.before  # by our own clock, which needn't agree with the store's
            ended_since = min(ended_since, deadlines.before(now, elapsed + _OVERLAP))
        return Look(
            deadline=self.deadline,
            ended_since=ended_since,
            all_ended=request.deep,
            saga_types=request.filters.saga_types,
            live_cap=self.backends.live_cap,
            allow_full_scan=request.allow_full_scan,
        )

    async def _surveyed(self, look: Look, judge: Judge) -> Batch:
        """Let the judge hear what the store computed of many sagas; return what is to be said of the store itself."""
        name = self.store.name
        async with guarded(self.backends.redactor):
            survey = await self.store.survey(look)
            if survey.orphans is not None and survey.orphans.count and judge.links.others:
                from .shared_steps import claimed

                survey = await claimed(survey, judge.links.others, look.deadline)
            if not survey.has_times:
                observed = await judge.recall.ask(lambda ledger: ledger.has_observed(name))
                survey = msgspec.structs.replace(survey, first_scan=observed is False)
            notes = tuple(str(note) for note in survey.notes)
            return Batch(name, judge.hear(survey), notes=notes, truncated=bool(survey.truncated))

    async def _named(self, look: Look, judge: Judge, present: datetime | None) -> AsyncGenerator[Batch, None]:
        """Yield the findings of the rows that were asked for by id."""
        async with aclosing(asked_of(self.store, self.asked or (), look.deadline)) as found:
            async for rows, met in found:
                sagas = judge.as_of(rows, present)
                findings = await judge.judge(sagas, look.deadline)
                words = self._words(sagas, findings)
                yield Batch(self.store.name, findings, rows=len(sagas), met=met, words=words)

    async def _rows(
        self, pages: AsyncIterator[Page], look: Look, judge: Judge, present: datetime | None
    ) -> AsyncGenerator[Batch, None]:
        """Yield the findings of all rows that the look is about."""
        store = self.store
        async for page in pages:
            sagas = judge.as_of(page.sagas, present)
            findings = await judge.judge(sagas, look.deadline)
            notes = tuple(str(note) for note in page.notes)
            words = self._words(page.sagas, findings)
            cut = bool(page.truncated)
            yield Batch(store.name, findings, rows=len(sagas), truncated=cut, notes=notes, words=words)
        capabilities = store.capabilities
        if Capability.TIMES not in capabilities and Capability.ENDED in capabilities and not self.request.deep:
            async with aclosing(self._ended_without_times(look, judge)) as batches:
                async for batch in batches:
                    yield batch

    def _words(self, sagas: Sequence[Saga], findings: Sequence[Finding]) -> Words:
        return words_of(sagas, findings, self.request.filters)

    async def _ended_without_times(self, look: Look, judge: Judge) -> AsyncGenerator[Batch, None]:
        """Read the ended sagas that nobody has judged yet, in key order, up to the cap."""
        store = self.store
        if judge.recall.ledger is None:
            note = f"{store.name}: ended sagas were not read (no times to go by, and nothing is remembered)"
            yield Batch(store.name, notes=(note,))
            return
        room = look.live_cap
        async with closing(store.ended_ids(look)) as pages:
            async for ids in pages:
                fresh = await judge.unjudged(ids)
                if fresh is None:
                    why = "the ledger can't tell which were judged before"
                    note = f"{store.name}: ended sagas were not all read ({why})"
                    yield Batch(store.name, truncated=True, notes=(note,))
                    return
                for start in range(0, min(len(fresh), room), _BATCH):
                    chunk = fresh[start : min(start + _BATCH, room)]
                    sagas = [saga for saga in await store.fetch(chunk, look.deadline) if not saga.is_live]
                    findings = await judge.judge(sagas, look.deadline)
                    await judge.settle(sagas, findings)
                    yield Batch(store.name, findings, rows=len(sagas), words=self._words(sagas, findings))
                room -= len(fresh)
                if room < 0:
                    yield Batch(store.name, truncated=True)
                    return
