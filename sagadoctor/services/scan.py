"""One pass over every store: findings in a stream, then the report's end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Look, Store
from sagadoctor.errors import BackendError, LedgerError, LedgerLocked
from sagadoctor.model.capability import Capability
from sagadoctor.model.finding import Finding, FindingStatus
from sagadoctor.model.report import BlindSpot, ReportEnd
from sagadoctor.model.saga import ENDED, SagaState
from sagadoctor.model.seen import ScanTicket, SeenFinding, Standing

from .backends import Backends
from .filters import Filters
from .judge import Judge
from .tally import Tally

_OVERLAP = timedelta(minutes=5)
_GRACE = 2.0
"""Seconds that a backend gets beyond its deadline to let go by itself, before it is left behind."""
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
    ended: bool = False


async def scan(backends: Backends, request: ScanRequest) -> AsyncIterator[Finding | ReportEnd]:
    """Yield every finding that was asked for, page by page, and last one ReportEnd."""
    started = backends.clock.now()
    as_of = request.as_of or started
    tally = Tally(as_of)
    deadline = Deadline.after(backends.clock, request.timeout)
    ticket = await _begin(backends, request, started, tally)
    if ticket is None and tally.blind_spots:
        yield tally.end(())
        return
    stores = backends.named(request.filters.stores)
    batches: asyncio.Queue[_Batch] = asyncio.Queue(maxsize=4)
    readers = [
        asyncio.create_task(_read(store, backends, request, deadline, ticket, batches), name=f"read {store.name}")
        for store in stores
    ]
    done = False
    try:
        running = len(readers)
        while running:
            batch = await batches.get()
            running -= batch.ended
            tally.rows += batch.rows
            tally.truncated |= batch.truncated
            tally.note(*batch.notes)
            if batch.blind is not None:
                tally.blind(batch.blind)
            elif batch.ended and not batch.truncated:
                tally.complete_sources.add(batch.store)
            for finding in await _standing(backends, ticket, batch.findings, started, tally):
                if request.filters.takes(finding) and not (
                    request.new_only and finding.status is not FindingStatus.NEW
                ):
                    tally.count(finding)
                    yield finding
        resolved = await _finish(backends, request, ticket, started, tally)
        done = True
        yield tally.end(resolved)
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        if not done and ticket is not None and backends.ledger is not None:
            await _abandon(backends, ticket)


async def _read(
    store: Store,
    backends: Backends,
    request: ScanRequest,
    deadline: Deadline,
    ticket: ScanTicket | None,
    batches: asyncio.Queue[_Batch],
) -> None:
    """Read one store to its end; whatever goes wrong becomes a blind spot, and an end always follows."""
    before = ticket.before.get(store.name) if ticket is not None else None
    truncated = False
    remaining = deadline.remaining()
    try:
        async with asyncio.timeout(None if remaining is None else remaining + _GRACE):
            async for batch in _batches_of(store, backends, request, deadline, before):
                truncated |= batch.truncated
                await batches.put(batch)
        await batches.put(_Batch(store.name, ended=True, truncated=truncated))
    except BackendError as error:
        spot = BlindSpot(store.name, error.reason, before, error.hint)
        await batches.put(_Batch(store.name, blind=spot, ended=True))
    except TimeoutError:
        spot = BlindSpot(store.name, "did not end within its time and was left behind", before, "raise --timeout")
        await batches.put(_Batch(store.name, blind=spot, ended=True))
    except Exception as error:  # noqa: BLE001 - a plugin's own mistake must not stop the other stores
        reason = f"the store's plugin failed: {type(error).__name__}: {backends.redactor.text(str(error))}"
        await batches.put(_Batch(store.name, blind=BlindSpot(store.name, reason, before), ended=True))


async def _batches_of(
    store: Store, backends: Backends, request: ScanRequest, deadline: Deadline, before: datetime | None
) -> AsyncIterator[_Batch]:
    now = request.as_of or await store.now(deadline)
    ended_since = now - request.since
    if before is not None and request.as_of is None:
        ended_since = min(ended_since, before - _OVERLAP)
    look = Look(
        deadline=deadline,
        ended_since=ended_since,
        all_ended=request.deep,
        saga_types=request.filters.saga_types,
        live_cap=backends.live_cap,
        allow_full_scan=request.allow_full_scan,
    )
    others = [other for other in backends.stores if other is not store]
    judge = Judge(store, others, backends.policy, now, backends.redactor, backends.ledger)
    survey = await store.survey(look)
    if not survey.has_times and backends.ledger is not None:
        survey = msgspec.structs.replace(survey, first_scan=not await _observed_before(backends, store))
    about_store = judge.hear(survey)
    if about_store:
        yield _Batch(store.name, about_store)
    async for page in store.read(look):
        findings = await judge.judge(page.sagas, deadline)
        yield _Batch(store.name, findings, rows=len(page.sagas), truncated=page.truncated, notes=page.notes)
    if Capability.TIMES not in store.capabilities and Capability.ENDED in store.capabilities and not request.deep:
        async for batch in _ended_without_times(store, backends, look, judge):
            yield batch


async def _ended_without_times(store: Store, backends: Backends, look: Look, judge: Judge) -> AsyncIterator[_Batch]:
    """Read the ended sagas that nobody has judged yet, in key order, up to the cap."""
    if backends.ledger is None:
        yield _Batch(store.name, notes=(f"{store.name}: ended sagas were not read (no ledger, and no times to go by)",))
        return
    read = 0
    async for ids in store.ended_ids(look):
        fresh = await backends.ledger.unjudged(store.name, ids)
        room = look.live_cap - read
        if len(fresh) > room:
            yield _Batch(store.name, truncated=True)
            fresh = fresh[:room]
        for start in range(0, len(fresh), _BATCH):
            chunk = fresh[start : start + _BATCH]
            sagas = [saga for saga in await store.fetch(chunk, look.deadline) if not saga.is_live]
            findings = await judge.judge(sagas, look.deadline)
            sick = {finding.saga_id for finding in findings}
            await backends.ledger.judged(store.name, [saga.saga_id for saga in sagas if saga.saga_id not in sick])
            yield _Batch(store.name, findings, rows=len(sagas))
        read += len(fresh)
        if read >= look.live_cap:
            return


async def _observed_before(backends: Backends, store: Store) -> bool:
    try:
        return backends.ledger is not None and await backends.ledger.has_observed(store.name)
    except LedgerError:
        return False


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
    backends: Backends,
    ticket: ScanTicket | None,
    findings: Sequence[Finding],
    started: datetime,
    tally: Tally,
) -> Sequence[Finding]:
    """Return the findings with what the ledger remembers of them."""
    ledger = backends.ledger
    if ledger is None or not findings:
        return findings
    seen = [seen_of(finding) for finding in findings]
    try:
        if ticket is not None:
            standings = await ledger.compare(ticket, seen, started)
        else:
            quiet = await ledger.acknowledged(seen, started)
            standings = {each: Standing(FindingStatus.NEW, started, until) for each, until in quiet.items()}
    except LedgerError as error:
        tally.note(f"the ledger can't be used, so findings count as new: {error}")
        return findings
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
    backends: Backends, request: ScanRequest, ticket: ScanTicket | None, started: datetime, tally: Tally
) -> tuple[str, ...]:
    if backends.ledger is None or ticket is None:
        return ()

    def in_scope(seen: SeenFinding) -> bool:
        if seen.ended and not request.deep and (seen.since is None or seen.since < started - request.since):
            return False
        return request.filters.covers(seen)

    try:
        whole = Filters(stores=request.filters.stores) == request.filters
        complete = sorted(tally.complete_sources)
        return await backends.ledger.finish(ticket, started, complete, in_scope, remember=whole)
    except LedgerError as error:
        tally.note(f"the ledger could not be written at the end of the scan: {error}")
        return ()


async def _abandon(backends: Backends, ticket: ScanTicket) -> None:
    if backends.ledger is None:
        return
    try:
        await backends.ledger.abandon(ticket)
    except LedgerError:
        return
