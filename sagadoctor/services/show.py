"""One saga in full: its case, its findings, or why it has none and when it would."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Store
from sagadoctor.diagnosis.assemble import assemble
from sagadoctor.diagnosis.examine import examine
from sagadoctor.diagnosis.fingerprint import fingerprint
from sagadoctor.diagnosis.prognosis import Prognosis, prognosis
from sagadoctor.errors import BackendError, LedgerError
from sagadoctor.model.capability import Capability
from sagadoctor.model.case import Case
from sagadoctor.model.finding import Finding, Severity
from sagadoctor.model.observation import Observation
from sagadoctor.model.report import BlindSpot
from sagadoctor.model.saga import Saga

from .backends import Backends
from .guard import GRACE, guarded
from .link import linked_sagas
from .scan import seen_of
from .veil import veiled


@dataclass(frozen=True, slots=True)
class ShowRequest:
    """Which saga: by id (also a finding's id, `f-…`), or by business key; in one store, or in any."""

    saga_id: str | None = None
    key: str | None = None
    store: str | None = None
    as_of: datetime | None = None
    timeout: float | None = 60.0


@dataclass(frozen=True, slots=True)
class ShownCase:
    """A case with everything that was concluded; `prognosis` only where nothing is wrong with it."""

    case: Case
    now: datetime
    findings: tuple[Finding, ...]
    prognosis: Prognosis | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What was found, and which stores could not be asked."""

    cases: tuple[ShownCase, ...]
    blind_spots: tuple[BlindSpot, ...]
    by_id: bool = True
    """The saga was asked for by its id, which must be in one store only."""
    gone: str | None = None
    """A finding id whose saga was known, but whose row isn't there any more."""


async def show(backends: Backends, request: ShowRequest) -> Shown:
    """Return every row with this id or key, judged; a store that fails becomes a blind spot."""
    deadline = Deadline.after(backends.clock, request.timeout)
    wanted, store_name, gone = request.saga_id, request.store, None
    if wanted is not None and wanted.startswith("f-"):
        known = await _known(backends, wanted)
        if known is not None:
            store_name, wanted = known
            gone = wanted
    stores = backends.named(frozenset((store_name,)) if store_name else None)
    told = await asyncio.gather(*(_look(backends, store, wanted, request, deadline) for store in stores))
    cases = tuple(case for each in told if not isinstance(each, BlindSpot) for case in each)
    blind = tuple(each for each in told if isinstance(each, BlindSpot))
    return Shown(cases, blind, wanted is not None, gone if not cases and not blind else None)


async def _look(
    backends: Backends, store: Store, saga_id: str | None, request: ShowRequest, deadline: Deadline
) -> list[ShownCase] | BlindSpot:
    """Ask one store; whatever goes wrong is a blind spot, and no store waits for another."""
    remaining = deadline.remaining()
    try:
        async with guarded(backends.redactor, None if remaining is None else remaining + GRACE):
            return await _cases(backends, store, saga_id, request, deadline)
    except BackendError as error:
        return BlindSpot(store.name, error.reason, hint=error.hint)


async def _known(backends: Backends, finding_id: str) -> tuple[str, str] | None:
    if backends.ledger is None:
        return None
    try:
        seen = (await backends.ledger.known([finding_id])).get(finding_id)
    except LedgerError:
        return None
    return (seen.store, seen.saga_id) if seen is not None and seen.saga_id is not None else None


async def _cases(
    backends: Backends, store: Store, saga_id: str | None, request: ShowRequest, deadline: Deadline
) -> list[ShownCase]:
    now = request.as_of or await store.now(deadline)
    if saga_id is not None:
        sagas = await store.fetch([saga_id], deadline, detail=True)
    elif request.key is not None:
        ids = [saga.saga_id for saga in await store.find(request.key, deadline)]
        sagas = await store.fetch(ids, deadline, detail=True) if ids else ()
    else:
        sagas = ()
    rows = [veiled(saga, backends.redactor) for saga in sagas]
    others = [other for other in backends.stores if other is not store]
    links = await linked_sagas(rows, store, others, deadline, set()) if rows else {}
    observed = await _observed(backends, store, rows, now) if request.as_of is None else {}
    shown: list[ShownCase] = []
    for row in rows:
        policy = backends.policy.of(row.saga_type)
        case = assemble(
            row,
            policy,
            now,
            observed=observed.get(row.saga_id),
            linked=links.get(row.saga_id, ()),
            repeated=sum(other.saga_id == row.saga_id for other in rows) > 1,
        )
        findings = await _acknowledged(backends, examine(case, policy, now), now)
        well = all(finding.severity is Severity.INFO for finding in findings)
        shown.append(ShownCase(case, now, findings, prognosis(case, policy, now) if well else None))
    return shown


async def _observed(backends: Backends, store: Store, rows: Sequence[Saga], now: datetime) -> dict[str, Observation]:
    """Look up since when rows have looked the same, where the store doesn't tell."""
    if backends.ledger is None or Capability.TIMES in store.capabilities or not rows:
        return {}
    try:
        pairs = [(row.saga_id, fingerprint(row)) for row in rows if row.is_live]
        return dict(await backends.ledger.observe(store.name, pairs, now))
    except LedgerError:
        return {}


async def _acknowledged(backends: Backends, findings: tuple[Finding, ...], now: datetime) -> tuple[Finding, ...]:
    if backends.ledger is None or not findings:
        return findings
    try:
        quiet = await backends.ledger.acknowledged([seen_of(finding) for finding in findings], now)
    except LedgerError:
        return findings
    return tuple(msgspec.structs.replace(finding, acknowledged_until=quiet.get(finding.id)) for finding in findings)
