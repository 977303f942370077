"""One saga in full: its case, its findings, or why it has none and when it would."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Store
from sagadoctor.diagnosis.assemble import assemble
from sagadoctor.diagnosis.examine import Told, examine, survey_signs
from sagadoctor.diagnosis.fingerprint import fingerprint
from sagadoctor.diagnosis.prognosis import Prognosis, prognosis
from sagadoctor.errors import BackendError
from sagadoctor.model.capability import Capability
from sagadoctor.model.case import Case
from sagadoctor.model.finding import Finding, Severity
from sagadoctor.model.observation import Observation
from sagadoctor.model.policy import Policy
from sagadoctor.model.report import BlindSpot
from sagadoctor.model.saga import Saga
from sagadoctor.model.seen import Acknowledgement
from sagadoctor.model.survey import SharedKey, Survey
from sagadoctor.untrusted import unshown

from .backends import Backends
from .guard import GRACE, guarded
from .judge import newer, tries_of
from .link import Links, with_sick_children
from .recall import Recall, leads, seen_of
from .veil import veiled

_NO_SEARCH: Final = "its sagas can't be searched by business key"
_NO_SEARCH_HINT: Final = "`sagadoctor check` says why; look for the saga's id"


class ShowRequest(msgspec.Struct, frozen=True):
    """Which saga: by id (also a finding's id, `f-…`), or by business key; in one store, or in any."""

    saga_id: str | None = None
    key: str | None = None
    store: str | None = None
    as_of: datetime | None = None
    timeout: float | None = 60.0


class ShownCase(msgspec.Struct, frozen=True):
    """A case with everything that was concluded; `prognosis` only where nothing is wrong with it."""

    case: Case
    now: datetime
    findings: tuple[Finding, ...]
    prognosis: Prognosis | None
    words: Mapping[str, Acknowledgement] = msgspec.field(default_factory=dict)
    """Who acknowledged which of the findings, why and until when, by finding id."""


class Shown(msgspec.Struct, frozen=True):
    """What was found, and which stores could not be asked."""

    cases: tuple[ShownCase, ...]
    blind_spots: tuple[BlindSpot, ...]
    by_id: bool = True
    """The saga was asked for by its id, which must be in one store only."""
    gone: str | None = None
    """A finding id whose saga was known, but whose row isn't there any more."""
    newer: int = 0
    """Rows that were left out because they moved after `as_of`."""


async def show(backends: Backends, request: ShowRequest) -> Shown:
    """Return every row with this id or key, judged; a store that fails becomes a blind spot."""
    deadline = Deadline.after(backends.clock, request.timeout)
    recall = Recall.within(backends.ledger, deadline, request.timeout)
    wanted, store_name, gone = request.saga_id, request.store, None
    if wanted is not None and wanted.startswith("f-"):
        known = await _known(recall, wanted)
        if known is not None:
            store_name, wanted = known
            gone = wanted
    stores = backends.named(frozenset((store_name,)) if store_name else None)
    seen = await asyncio.gather(*(_look(backends, store, wanted, request, deadline, recall) for store in stores))
    cases = tuple(case for each in seen for case in each.cases)
    blind = {spot.source: spot for each in seen for spot in each.blind_spots}
    if request.key is not None and not cases:  # after the look, which completes what a store says it can
        for store in stores:
            if Capability.BUSINESS_KEYS not in store.capabilities and store.name not in blind:
                blind[store.name] = BlindSpot(store.name, _NO_SEARCH, hint=_NO_SEARCH_HINT)
    newer_rows = sum(each.newer for each in seen)
    gone = gone if not cases and not blind and not newer_rows else None
    return Shown(cases, tuple(blind.values()), wanted is not None, gone, newer_rows)


class _Seen(msgspec.Struct):
    """What one store told, and what could not be seen."""

    cases: list[ShownCase] = msgspec.field(default_factory=list)
    blind_spots: list[BlindSpot] = msgspec.field(default_factory=list)
    newer: int = 0


async def _look(
    backends: Backends, store: Store, saga_id: str | None, request: ShowRequest, deadline: Deadline, recall: Recall
) -> _Seen:
    """Ask one store; whatever goes wrong is a blind spot, and no store waits for another."""
    seen = _Seen()
    remaining = deadline.remaining()
    try:
        async with guarded(backends.redactor, None if remaining is None else remaining + GRACE):
            await _fill(seen, backends, store, saga_id, request, deadline, recall)
    except BackendError as error:
        seen.blind_spots.append(BlindSpot(store.name, error.reason, hint=error.hint))
    return seen


async def _known(recall: Recall, finding_id: str) -> tuple[str, str] | None:
    seen = (await recall.ask(lambda ledger: ledger.known([finding_id])) or {}).get(finding_id)
    return (seen.store, seen.saga_id) if seen is not None and seen.saga_id is not None else None


async def _fill(
    seen: _Seen,
    backends: Backends,
    store: Store,
    saga_id: str | None,
    request: ShowRequest,
    deadline: Deadline,
    recall: Recall,
) -> None:
    present = await store.now(deadline)
    now = request.as_of or present
    found = await _rows(store, saga_id, request.key, deadline)
    if request.as_of is not None:
        known = [row for row in found if not newer(row, backends.policy, now, present)]
        seen.newer, found = len(found) - len(known), known
    rows = [veiled(saga, backends.redactor, detail=True) for saga in found]
    others = [other for other in backends.stores if other is not store]
    links = Links(store, others)
    tied = await links.of(rows, deadline, parents=True)
    seen.blind_spots += [
        BlindSpot(name, f"could not be asked about this saga of {store.name}") for name in links.silent
    ]
    for what, error in links.failed.items():
        reason = backends.redactor.text(f"{what} was not looked at: {error.reason}")
        seen.blind_spots.append(BlindSpot(store.name, reason, hint=backends.redactor.text(error.hint)))
    observed = await _observed(recall, store, found, now) if request.as_of is None else {}
    # Of the texts as a scan cuts them: what the two remember is the same.
    cut = [veiled(saga, backends.redactor) for saga in found] if request.as_of is None else []
    tried = await tries_of(cut, backends.policy, now, store, recall)
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
            tries=tried.get(row.saga_id),
            linked=tied.get(row.saga_id, ()),
            gone=links.gone(row),
            repeated=sum(other.saga_id == row.saga_id for other in rows) > 1,
        )
        judged = replace(case, linked=with_sick_children(case.linked, backends.policy, now))
        found_wrong = examine(judged, policy, now, told.get(row.saga_id, ()))
        words = await _words(recall, found_wrong, backends.clock.now())
        findings = tuple(_acknowledged(finding, words.get(finding.id)) for finding in found_wrong)
        well = all(finding.severity is Severity.INFO for finding in findings)
        seen.cases.append(ShownCase(case, now, findings, prognosis(judged, policy, now) if well else None, words))


async def _rows(store: Store, saga_id: str | None, key: str | None, deadline: Deadline) -> Sequence[Saga]:
    if saga_id is not None:
        found = await store.fetch([saga_id], deadline, detail=True)
        printed = unshown(saga_id)
        if found or printed == saga_id:
            return found
        return await store.fetch([printed], deadline, detail=True)  # as a person copies it from a report
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


async def _observed(recall: Recall, store: Store, rows: Sequence[Saga], now: datetime) -> Mapping[str, Observation]:
    """Look up since when rows have looked the same, where the store doesn't tell."""
    if Capability.TIMES in store.capabilities or not rows:
        return {}
    pairs = [(row.saga_id, fingerprint(row)) for row in rows if row.is_live]
    return await recall.ask(lambda ledger: ledger.observe(store.name, pairs, now)) or {}


async def _words(recall: Recall, findings: Sequence[Finding], now: datetime) -> Mapping[str, Acknowledgement]:
    """Look up who acknowledged which finding, why and until when."""
    if not findings:
        return {}
    led = leads(findings)
    seen = [seen_of(finding, led.get(finding.id)) for finding in findings]
    return await recall.ask(lambda ledger: ledger.words(seen, now)) or {}


def _acknowledged(finding: Finding, word: Acknowledgement | None) -> Finding:
    return finding if word is None else replace(finding, acknowledged_until=word.until)
