"""One pass over every store: findings in a stream, then the report's end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime

import msgspec
from msgspec.structs import replace

from sagadoctor.api.deadline import Deadline
from sagadoctor.errors import LedgerLocked
from sagadoctor.model.capability import Capability
from sagadoctor.model.finding import Finding, FindingStatus
from sagadoctor.model.report import BlindSpot, ReportEnd
from sagadoctor.model.seen import ScanTicket, SeenFinding, Standing

from .backends import Backends
from .by_id import told_missing
from .filters import Filters
from .gather import Batch, ScanRequest, gather
from .recall import Recall, leads, seen_of
from .tally import Tally
from .unmatched import Unmatched


async def scan(backends: Backends, request: ScanRequest) -> AsyncGenerator[Finding | ReportEnd, None]:
    """Yield every finding that was asked for, page by page, and last one ReportEnd."""
    started = backends.clock.now()
    tally = Tally(request.as_of or started)
    deadline = Deadline.after(backends.clock, request.timeout)
    recall = Recall.within(backends.ledger, deadline, request.timeout)
    ticket = await _begin(recall, request, started, tally)
    if ticket is None and tally.blind_spots:
        yield tally.end(())
        return
    before = ticket.before if ticket is not None else {}
    unmatched = Unmatched(request.filters)
    done = False
    try:
        async with aclosing(gather(backends, request, deadline, before, recall)) as batches:
            async for batch in batches:
                _take(batch, tally)
                unmatched.take(batch.words)
                wanted = [finding for finding in batch.findings if request.filters.takes(finding)]
                for finding in await _standing(recall, ticket, wanted, leads(batch.findings), started):
                    if not (request.new_only and finding.status is not FindingStatus.NEW):
                        tally.count(finding)
                        yield finding
        resolved = await _finish(backends, request, ticket, recall, started, tally)
        tally.note(*map(backends.redactor.text, unmatched.told(backends.policy)))
        done = True
        yield tally.end(resolved)
    finally:
        if not done and ticket is not None:
            await recall.abandon(ticket)


def _take(batch: Batch, tally: Tally) -> None:
    """Take into account what a batch says beside its findings."""
    tally.rows += batch.rows
    tally.truncated |= batch.truncated
    tally.unheard |= batch.silent
    tally.met |= batch.met
    if batch.window is not None:
        tally.windows[batch.store] = batch.window
    tally.note(*batch.notes)
    if batch.blind is not None:
        tally.blind(batch.blind)
    elif batch.ended and not batch.truncated:
        tally.complete_sources.add(batch.store)


async def _begin(recall: Recall, request: ScanRequest, started: datetime, tally: Tally) -> ScanTicket | None:
    if recall.ledger is None:
        tally.note("no ledger: every finding counts as new, and stores without times can't be judged")
        return None
    if request.as_of is not None:
        return None
    lease = (request.timeout or 3600.0) + 60.0
    ticket = await recall.ask(lambda ledger: ledger.begin(request.reader, started, lease))
    if isinstance(recall.failed, LedgerLocked):
        tally.blind(BlindSpot("scan", str(recall.failed), hint="let it end, or scan with another --as NAME"))
    elif ticket is not None:
        tally.note(*ticket.notes)
    return ticket


async def _standing(
    recall: Recall,
    ticket: ScanTicket | None,
    findings: Sequence[Finding],
    led: Mapping[str, Finding],
    started: datetime,
) -> Sequence[Finding]:
    """Return the findings with what the ledger remembers of them."""
    if not findings:
        return findings
    seen = [seen_of(finding, led.get(finding.id)) for finding in findings]
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
    asked = request.filters.saga_ids
    covering = request.filters if asked is None else replace(request.filters, saga_ids=asked | tally.met)

    from sagadoctor.diagnosis.rules import sources_disagree  # long loaded, by whoever judged

    def in_scope(seen: SeenFinding) -> bool:
        if seen.ended and asked is None and seen.store not in all_read:
            window = tally.windows.get(seen.store)
            if window is None or seen.since is None or seen.since < window:
                return False
        if seen.rule == sources_disagree.RULE.name and not all_heard:
            return False
        return covering.covers(seen)

    resolved: tuple[str, ...] | None = None
    if ticket is not None:
        whole = Filters(stores=request.filters.stores) == request.filters
        complete, running = sorted(tally.complete_sources), ticket
        resolved = await recall.ask(lambda ledger: ledger.finish(running, started, complete, in_scope, remember=whole))
        if resolved is None:
            await recall.abandon(ticket)
    if asked is not None and (missing := told_missing(asked, tally.met, all_answered=not tally.blind_spots)):
        tally.note(missing)
    if recall.failed is not None:
        tally.note(f"the ledger can't be used, so findings count as new and none as resolved: {recall.failed}")
    return resolved or ()


__all__ = ["ScanRequest", "scan"]
