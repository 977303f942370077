"""One pass over every store: findings in a stream, then the report's end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Look, Store
from sagadoctor.diagnosis.rules import sources_disagree
from sagadoctor.errors import BackendError, LedgerError, LedgerLocked
from sagadoctor.model.capability import Capability
from sagadoctor.model.finding import Finding, FindingStatus
from sagadoctor.model.report import BlindSpot, ReportEnd
from sagadoctor.model.saga import ENDED, SagaState
from sagadoctor.model.seen import ScanTicket, SeenFinding, Standing

from .backends import Backends
from .filters import Filters
from .guard import GRACE, closing, guarded
from .judge import Judge
from .recall import Recall
from .tally import Tally

_OVERLAP = timedelta(minutes=5)
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What one scan is asked to do; `timeout` in seconds for the whole of it, None for no limit."""

    reader: str
    since: timedelta = timedelta(hours=24)
    deep: bool = False
    filters: Filters = field(default_factory=Filters)
    new_only: bool = False
    allow_full_scan: bool = False
    as_of: datetime | None = None
    timeout: float | None = 60.0


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one store's reader hands over: findings, or a blind spot, or its end."""

    store: str
    findings: Sequence[Finding] = ()
    blind: BlindSpot | None = None
    notes: tuple[str, ...] = ()
    rows: int = 0
    truncated: bool = False
    silent: frozenset[str] = frozenset()
    window: datetime | None = None
    ended: bool = False


async def scan(backends: Backends, request: ScanRequest) -> AsyncIterator[Finding | ReportEnd]:
    """Yield every finding that was asked for, page by page, and last one ReportEnd."""
    started = backends.clock.now()
    as_of = request.as_of or started
    tally = Tally(as_of)
    recall = Recall(backends.ledger)
    deadline = Deadline.after(backends.clock, request.timeout)
    ticket = await _begin(backends, request, started, tally)
    if ticket is None and tally.blind_spots:
        yield tally.end(())
        return
    stores = backends.named(request.filters.stores)
    batches: asyncio.Queue[_Batch] = asyncio.Queue(maxsize=4)
    readers = [
        asyncio.create_task(_read(store, backends, request, deadline, ticket, recall, batches)) for store in stores
    ]
    done = False
    try:
        running = len(readers)
        while running:
            batch = await batches.get()
            running -= batch.ended
            tally.rows += batch.rows
            tally.truncated |= batch.truncated
            tally.unheard |= batch.silent
            if batch.window is not None:
                tally.windows[batch.store] = batch.window
            tally.note(*batch.notes)
            if batch.blind is not None:
                tally.blind(batch.blind)
            elif batch.ended and not batch.truncated:
                tally.complete_sources.add(batch.store)
            wanted = [finding for finding in batch.findings if request.filters.takes(finding)]
            for finding in await _standing(recall, ticket, wanted, started):
                if not (request.new_only and finding.status is not FindingStatus.NEW):
                    tally.count(finding)
                    yield finding
        resolved = await _finish(backends, request, ticket, recall, started, tally)
        done = True
        yield tally.end(resolved)
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        if not done and ticket is not None:
            await _abandon(backends, ticket)


async def _read(
    store: Store,
    backends: Backends,
    request: ScanRequest,
    deadline: Deadline,
    ticket: ScanTicket | None,
    recall: Recall,
    batches: asyncio.Queue[_Batch],
) -> None:
    """Read one store to its end; whatever goes wrong becomes a blind spot, and an end always follows."""
    before = ticket.before.get(store.name) if ticket is not None else None
    truncated = False
    remaining = deadline.remaining()
    try:
        async with (
            guarded(backends.redactor, None if remaining is None else remaining + GRACE),
            aclosing(_batches_of(store, backends, request, deadline, before, recall)) as told,
        ):
            async for batch in told:
                truncated |= batch.truncated
                await batches.put(batch)
    except BackendError as error:
        spot = BlindSpot(store.name, error.reason, before, error.hint)
        await batches.put(_Batch(store.name, blind=spot, ended=True))
    else:
        await batches.put(_Batch(store.name, ended=True, truncated=truncated))


async def _batches_of(
    store: Store,
    backends: Backends,
    request: ScanRequest,
    deadline: Deadline,
    before: datetime | None,
    recall: Recall,
) -> AsyncGenerator[_Batch, None]:
    now = request.as_of or await store.now(deadline)
    ended_since = now - request.since
    if before is not None and request.as_of is None:
        elapsed = backends.clock.now() - before  # by our own clock, which needn't agree with the store's
        ended_since = min(ended_since, now - elapsed - _OVERLAP)
    look = Look(
        deadline=deadline,
        ended_since=ended_since,
        all_ended=request.deep,
        saga_types=request.filters.saga_types,
        live_cap=backends.live_cap,
        allow_full_scan=request.allow_full_scan,
    )
    others = [other for other in backends.stores if other is not store]
    if request.as_of is not None:
        recall = Recall(None)  # what a restored dump looks like says nothing about the store itself
    judge = Judge(store, others, backends.policy, now, backends.redactor, recall)
    yield _Batch(store.name, window=ended_since)
    unsurveyed: BackendError | None = None
    try:
        about_store = await _surveyed(store, backends, look, judge)
    except BackendError as error:
        unsurveyed = error
    else:
        yield _Batch(store.name, about_store)
        if Capability.TIMES not in store.capabilities:  # known now that the store was asked something
            look = replace(look, ended_since=None)
    async with closing(store.read(look)) as pages:
        async for page in pages:
            findings = await judge.judge(page.sagas, deadline)
            notes = tuple(str(note) for note in page.notes)
            yield _Batch(store.name, findings, rows=len(page.sagas), truncated=bool(page.truncated), notes=notes)
    if Capability.TIMES not in store.capabilities and Capability.ENDED in store.capabilities and not request.deep:
        async with aclosing(_ended_without_times(store, look, judge)) as batches:
            async for batch in batches:
                yield batch
    if judge.silent:
        names = ", ".join(sorted(judge.silent))
        note = f"{store.name}: its sagas were not compared with those of {names}, which could not be asked"
        yield _Batch(store.name, silent=frozenset(judge.silent), notes=(note,))
    if judge.missed:
        raise BackendError("; ".join(judge.missed))
    if unsurveyed is not None:
        raise BackendError(f"its sagas could not be counted together: {unsurveyed.reason}", hint=unsurveyed.hint)


async def _surveyed(store: Store, backends: Backends, look: Look, judge: Judge) -> Sequence[Finding]:
    """Let the judge hear what the store computed of many sagas; return what is to be said of the store itself."""
    async with guarded(backends.redactor):
        survey = await store.survey(look)
        if not survey.has_times:
            observed = await judge.recall.ask(lambda ledger: ledger.has_observed(store.name))
            survey = msgspec.structs.replace(survey, first_scan=observed is False)
        return judge.hear(survey)


async def _ended_without_times(store: Store, look: Look, judge: Judge) -> AsyncGenerator[_Batch, None]:
    """Read the ended sagas that nobody has judged yet, in key order, up to the cap."""
    if judge.recall.ledger is None:
        note = f"{store.name}: ended sagas were not read (no times to go by, and nothing is remembered)"
        yield _Batch(store.name, notes=(note,))
        return
    room = look.live_cap
    async with closing(store.ended_ids(look)) as pages:
        async for ids in pages:
            fresh = await judge.unjudged(ids)
            if fresh is None:
                note = f"{store.name}: ended sagas were not all read (the ledger can't tell which were judged before)"
                yield _Batch(store.name, truncated=True, notes=(note,))
                return
            for start in range(0, min(len(fresh), room), _BATCH):
                chunk = fresh[start : min(start + _BATCH, room)]
                sagas = [saga for saga in await store.fetch(chunk, look.deadline) if not saga.is_live]
                findings = await judge.judge(sagas, look.deadline)
                await judge.settle(sagas, findings)
                yield _Batch(store.name, findings, rows=len(sagas))
            room -= len(fresh)
            if room < 0:
                yield _Batch(store.name, truncated=True)
                return


async def _begin(backends: Backends, request: ScanRequest, started: datetime, tally: Tally) -> ScanTicket | None:
    if backends.ledger is None:
        tally.note("no ledger: every finding counts as new, and stores without times can't be judged")
        return None
    if request.as_of is not None:
        return None
    try:
        return await backends.ledger.begin(request.reader, started, (request.timeout or 3600.0) + 60.0)
    except LedgerLocked as error:
        tally.blind(BlindSpot("scan", str(error), hint="let it end, or scan with another --as NAME"))
    except LedgerError as error:
        tally.note(f"the ledger can't be used, so every finding counts as new: {error}")
    return None


async def _standing(
    recall: Recall, ticket: ScanTicket | None, findings: Sequence[Finding], started: datetime
) -> Sequence[Finding]:
    """Return the findings with what the ledger remembers of them."""
    if not findings:
        return findings
    seen = [seen_of(finding) for finding in findings]
    if ticket is not None:
        running = ticket
        standings = await recall.ask(lambda ledger: ledger.compare(running, seen, started)) or {}
    else:
        quiet = await recall.ask(lambda ledger: ledger.acknowledged(seen, started)) or {}
        standings = {each: Standing(FindingStatus.NEW, started, until) for each, until in quiet.items()}
    return [_stood(finding, standings.get(finding.id)) for finding in findings]


def _stood(finding: Finding, standing: Standing | None) -> Finding:
    if standing is None:
        return finding
    return msgspec.structs.replace(
        finding,
        status=standing.status,
        first_seen=standing.first_seen,
        acknowledged_until=standing.acknowledged_until,
    )


def seen_of(finding: Finding) -> SeenFinding:
    """Return what the ledger keeps of a finding."""
    return SeenFinding(
        id=finding.id,
        group=finding.group,
        store=finding.store,
        rule=finding.rule,
        severity=finding.severity,
        saga_type=finding.saga_type,
        saga_id=finding.saga_id,
        since=finding.since,
        ended=finding.state is not None and SagaState(finding.state) in ENDED,
    )


async def _finish(
    backends: Backends,
    request: ScanRequest,
    ticket: ScanTicket | None,
    recall: Recall,
    started: datetime,
    tally: Tally,
) -> tuple[str, ...]:
    """Conclude what is resolved, unless the ledger missed a part of the scan."""
    read = [store for store in backends.stores if store.name in tally.complete_sources]
    all_read = frozenset(store.name for store in read if request.deep or Capability.TIMES not in store.capabilities)
    all_heard = len(read) == len(backends.stores) and not tally.unheard

    def in_scope(seen: SeenFinding) -> bool:
        if seen.ended and seen.store not in all_read:
            window = tally.windows.get(seen.store)
            if window is None or seen.since is None or seen.since < window:
                return False
        if seen.rule == sources_disagree.RULE.name and not all_heard:
            return False
        return request.filters.covers(seen)

    resolved: tuple[str, ...] | None = None
    if ticket is not None:
        whole = Filters(stores=request.filters.stores) == request.filters
        complete, running = sorted(tally.complete_sources), ticket
        resolved = await recall.ask(lambda ledger: ledger.finish(running, started, complete, in_scope, remember=whole))
        if resolved is None:
            await _abandon(backends, ticket)
    if recall.failed is not None:
        tally.note(f"the ledger can't be used, so findings count as new and none as resolved: {recall.failed}")
    return resolved or ()


async def _abandon(backends: Backends, ticket: ScanTicket) -> None:
    if backends.ledger is None:
        return
    try:
        await backends.ledger.abandon(ticket)
    except LedgerError:
        return
