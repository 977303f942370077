"""One saga in full: its case, its findings, or why it has none and when it would."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Store
from sagadoctor.diagnosis.assemble import assemble
from sagadoctor.diagnosis.examine import Told, examine, survey_signs
from sagadoctor.diagnosis.fingerprint import fingerprint
from sagadoctor.diagnosis.prognosis import Prognosis, prognosis
from sagadoctor.errors import BackendError, LedgerError
from sagadoctor.model.capability import Capability
from sagadoctor.model.case import Case
from sagadoctor.model.finding import Finding, Severity
from sagadoctor.model.observation import Observation
from sagadoctor.model.policy import Policy
from sagadoctor.model.report import BlindSpot
from sagadoctor.model.saga import Saga
from sagadoctor.model.survey import SharedKey, Survey

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
    seen = await asyncio.gather(*(_look(backends, store, wanted, request, deadline) for store in stores))
    cases = tuple(case for each in seen for case in each.cases)
    blind = {spot.source: spot for each in seen for spot in each.blind_spots}
    return Shown(cases, tuple(blind.values()), wanted is not None, gone if not cases and not blind else None)


@dataclass(slots=True)
class _Seen:
    """What one store told, and what could not be seen."""

    cases: list[ShownCase] = field(default_factory=list)
    blind_spots: list[BlindSpot] = field(default_factory=list)


async def _look(
    backends: Backends, store: Store, saga_id: str | None, request: ShowRequest, deadline: Deadline
) -> _Seen:
    """Ask one store; whatever goes wrong is a blind spot, and no store waits for another."""
    seen = _Seen()
    remaining = deadline.remaining()
    try:
        async with guarded(backends.redactor, None if remaining is None else remaining + GRACE):
            await _fill(seen, backends, store, saga_id, request, deadline)
    except BackendError as error:
        seen.blind_spots.append(BlindSpot(store.name, error.reason, hint=error.hint))
    return seen


async def _known(backends: Backends, finding_id: str) -> tuple[str, str] | None:
    if backends.ledger is None:
        return None
    try:
        seen = (await backends.ledger.known([finding_id])).get(finding_id)
    except LedgerError:
        return None
    return (seen.store, seen.saga_id) if seen is not None and seen.saga_id is not None else None


async def _fill(
    seen: _Seen, backends: Backends, store: Store, saga_id: str | None, request: ShowRequest, deadline: Deadline
) -> None:
    now = request.as_of or await store.now(deadline)
    rows = [veiled(saga, backends.redactor) for saga in await _rows(store, saga_id, request.key, deadline)]
    others = [other for other in backends.stores if other is not store]
    silent: set[str] = set()
    links = await linked_sagas(rows, store, others, deadline, silent) if rows else {}
    seen.blind_spots += [BlindSpot(name, f"could not be asked about this saga of {store.name}") for name in silent]
    observed = await _observed(backends, store, rows, now) if request.as_of is None else {}
    told: dict[str, list[Told]] = {}
    try:
        told = await _shared(store, rows, backends.policy, now, deadline)
    except BackendError as error:
        reason = f"sagas with the same business key could not be looked for: {backends.redactor.text(error.reason)}"
        seen.blind_spots.append(BlindSpot(store.name, reason, hint=backends.redactor.text(error.hint)))
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
        findings = await _acknowledged(backends, examine(case, policy, now, told.get(row.saga_id, ())))
        well = all(finding.severity is Severity.INFO for finding in findings)
        seen.cases.append(ShownCase(case, now, findings, prognosis(case, policy, now) if well else None))


async def _rows(store: Store, saga_id: str | None, key: str | None, deadline: Deadline) -> Sequence[Saga]:
    if saga_id is not None:
        return await store.fetch([saga_id], deadline, detail=True)
    if key is None:
        return ()
    ids = [saga.saga_id for saga in await store.find(key, deadline)]
    return await store.fetch(ids, deadline, detail=True) if ids else ()


async def _shared(
    store: Store, rows: Sequence[Saga], policy: Policy, now: datetime, deadline: Deadline
) -> dict[str, list[Told]]:
    """Say of live rows who else works on their business key, as the survey of a scan does."""
    told: dict[str, list[Told]] = {}
    if Capability.BUSINESS_KEYS not in store.capabilities:
        return told
    for key in {row.business_key for row in rows if row.is_live and row.business_key}:
        live = [saga for saga in await store.find(key, deadline) if saga.is_live]
        for saga_type in {row.saga_type for row in rows}:
            ids = tuple(dict.fromkeys(saga.saga_id for saga in live if saga.saga_type == saga_type))
            survey = Survey(store.name, rows[0].source, (SharedKey(saga_type, key, len(ids), ids),))
            for rule, spoken in survey_signs(survey, policy, now):
                for each in spoken.saga_ids:
                    told.setdefault(each, []).append((rule, spoken.sign))
    return told


async def _observed(backends: Backends, store: Store, rows: Sequence[Saga], now: datetime) -> dict[str, Observation]:
    """Look up since when rows have looked the same, where the store doesn't tell."""
    if backends.ledger is None or Capability.TIMES in store.capabilities or not rows:
        return {}
    try:
        pairs = [(row.saga_id, fingerprint(row)) for row in rows if row.is_live]
        return dict(await backends.ledger.observe(store.name, pairs, now))
    except LedgerError:
        return {}


async def _acknowledged(backends: Backends, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    if backends.ledger is None or not findings:
        return findings
    seen = [seen_of(finding) for finding in findings]
    try:
        quiet = await backends.ledger.acknowledged(seen, backends.clock.now())
    except LedgerError:
        return findings
    return tuple(msgspec.structs.replace(finding, acknowledged_until=quiet.get(finding.id)) for finding in findings)
