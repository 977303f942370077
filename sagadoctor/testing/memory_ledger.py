"""A ledger that forgets everything when the program ends, and fails when a test asks it to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from sagadoctor.errors import LedgerLocked
from sagadoctor.model.finding import FindingStatus
from sagadoctor.model.observation import Observation, Trial, Tries
from sagadoctor.model.seen import Acknowledgement, ScanTicket, SeenFinding, Standing

from .faults import NO_FAULTS, Answers, Fault, suffer


class _Kept(msgspec.Struct, frozen=True):
    """A finding as one reader knows it; `told` once a scan that saw it was finished."""

    finding: SeenFinding
    first_seen: datetime
    scan: int
    seen_at: datetime
    told: bool = False


class _Running(msgspec.Struct):
    ticket: ScanTicket
    until: datetime
    lease: timedelta


class MemoryLedger:
    """An in-memory ledger of one environment; `faults` names a fault for each method that is to fail, at any time.

    `calls` lists the methods that were asked; `running` names the readers whose scan was begun and not ended.
    """

    def __init__(self, *, faults: Mapping[str, Fault] = NO_FAULTS) -> None:
        """Remember nothing yet."""
        self.faults = faults
        self.calls: list[str] = []
        self.closed = 0
        self._numbers: dict[str, int] = {}
        self._running: dict[str, _Running] = {}
        self._before: dict[str, dict[str, datetime]] = {}
        self._seen: dict[str, dict[str, _Kept]] = {}
        self._observed: dict[tuple[str, str], Observation] = {}
        self._tries: dict[tuple[str, str], Tries] = {}
        self._judged: set[tuple[str, str]] = set()
        self._acknowledged: dict[str, Acknowledgement] = {}

    @property
    def place(self) -> str:
        """Say that it is nowhere."""
        return "memory"

    @property
    def running(self) -> frozenset[str]:
        """Return the readers whose scan has not ended."""
        return frozenset(self._running)

    async def begin(self, reader: str, now: datetime, lease_seconds: float) -> ScanTicket:
        """Start this reader's scan; raises LedgerLocked while another one runs and its lease lasts."""
        await self._suffer("begin")
        running = self._running.get(reader)
        if running is not None and now < running.until:
            raise LedgerLocked(f"another scan of {reader!r} has been running since {running.ticket.started}")
        number = self._numbers[reader] = self._numbers.get(reader, 0) + 1
        before = {source: min(began, now) for source, began in self._before.get(reader, {}).items()}
        ticket = ScanTicket(reader, number, now, before)
        lease = timedelta(seconds=lease_seconds)
        self._running[reader] = _Running(ticket, now + lease, lease)
        return ticket

    async def compare(
        self, ticket: ScanTicket, findings: Sequence[SeenFinding], now: datetime
    ) -> Mapping[str, Standing]:
        """Record the findings of one page and say how each stands with this reader."""
        await self._suffer("compare")
        self._hold(ticket, now)
        quiet = self._quiet(findings, now)
        kept = self._seen.setdefault(ticket.reader, {})
        standings: dict[str, Standing] = {}
        for finding in findings:
            earlier = kept.get(finding.id)
            first = now
            if earlier is not None and (earlier.told or earlier.scan == ticket.number):
                first = min(earlier.first_seen, now)
            told = earlier is not None and earlier.told
            kept[finding.id] = _Kept(finding, first, ticket.number, now, told)
            status = FindingStatus.ONGOING if told else FindingStatus.NEW
            standings[finding.id] = Standing(status, first, quiet.get(finding.id))
        return standings

    async def finish(
        self,
        ticket: ScanTicket,
        now: datetime,
        complete: Iterable[str],
        in_scope: Callable[[SeenFinding], bool],
        *,
        remember: bool = True,
    ) -> tuple[str, ...]:
        """End the scan; return (and forget) what it should have seen and didn't."""
        await self._suffer("finish")
        self._hold(ticket, now)
        sources = frozenset(complete)
        kept = self._seen.setdefault(ticket.reader, {})
        gone = [
            each
            for each in kept.values()
            if each.scan != ticket.number and each.finding.store in sources and in_scope(each.finding)
        ]
        for each in gone:
            del kept[each.finding.id]
        for finding_id, each in kept.items():
            if each.scan == ticket.number:
                kept[finding_id] = replace(each, told=True)
        if remember:
            self._before.setdefault(ticket.reader, {}).update(dict.fromkeys(sources, ticket.started))
        self._end(ticket)
        return tuple(sorted(each.finding.id for each in gone if each.told))

    async def abandon(self, ticket: ScanTicket) -> None:
        """End the scan without concluding anything from it."""
        await self._suffer("abandon")
        self._end(ticket)

    async def observe(self, store: str, rows: Sequence[tuple[str, str]], now: datetime) -> Mapping[str, Observation]:
        """Record (saga id, fingerprint) pairs and say since when each row has had its fingerprint."""
        await self._suffer("observe")
        found: dict[str, Observation] = {}
        for saga_id, fingerprint in rows:
            earlier = self._observed.get((store, saga_id))
            since = now
            if earlier is not None and earlier.fingerprint == fingerprint:
                since = min(earlier.since, now)
            found[saga_id] = Observation(fingerprint, since, now, first_look=earlier is None)
            self._observed[store, saga_id] = found[saga_id]
        return found

    async def observe_tries(self, store: str, trials: Sequence[Trial], now: datetime) -> Mapping[str, Tries]:
        """Record how often sagas were tried; say, by saga id, since when each has failed as it does."""
        await self._suffer("observe_tries")
        found: dict[str, Tries] = {}
        for trial in trials:
            kept = self._tries.get((store, trial.saga_id))
            tries = Tries.begun(trial, now) if kept is None else kept.then(trial, now)
            found[trial.saga_id] = self._tries[store, trial.saga_id] = tries
        return found

    async def has_observed(self, store: str) -> bool:
        """Say whether any row of this store was ever observed."""
        await self._suffer("has_observed")
        return any(known == store for known, _ in self._observed)

    async def unjudged(self, store: str, saga_ids: Sequence[str]) -> Sequence[str]:
        """Return those of the ended sagas that were not judged yet, in the order given."""
        await self._suffer("unjudged")
        return [saga_id for saga_id in saga_ids if (store, saga_id) not in self._judged]

    async def judged(self, store: str, saga_ids: Sequence[str]) -> None:
        """Remember that these ended sagas were judged."""
        await self._suffer("judged")
        self._judged.update((store, saga_id) for saga_id in saga_ids)

    async def known(self, finding_ids: Sequence[str]) -> Mapping[str, SeenFinding]:
        """Return what is remembered of these findings, the last look where several readers had one."""
        await self._suffer("known")
        found: dict[str, _Kept] = {}
        for finding_id in finding_ids:
            kept = [seen[finding_id] for seen in self._seen.values() if finding_id in seen]
            if kept:
                found[finding_id] = max(kept, key=lambda each: each.seen_at)
        return {finding_id: each.finding for finding_id, each in found.items()}

    async def known_groups(self, groups: Sequence[str]) -> frozenset[str]:
        """Return those of the groups of which any reader saw a finding."""
        await self._suffer("known_groups")
        there = {kept.finding.group for seen in self._seen.values() for kept in seen.values()}
        return frozenset(groups) & there

    async def acknowledge(self, acknowledgements: Sequence[Acknowledgement]) -> None:
        """Record acknowledgements; a later one replaces an earlier."""
        await self._suffer("acknowledge")
        self._acknowledged.update((said.target, said) for said in acknowledgements)

    async def acknowledged(self, findings: Sequence[SeenFinding], now: datetime) -> Mapping[str, datetime]:
        """Return, by finding id, until when each is acknowledged: by itself, its group, or its saga's primary one."""
        await self._suffer("acknowledged")
        return self._quiet(findings, now)

    async def words(self, findings: Sequence[SeenFinding], now: datetime) -> Mapping[str, Acknowledgement]:
        """Return, by finding id, the word by which each is acknowledged."""
        await self._suffer("words")
        return self._words(findings, now)

    async def close(self) -> None:
        """Count that it was closed."""
        self.closed += 1
        await self._suffer("close")

    def _quiet(self, findings: Sequence[SeenFinding], now: datetime) -> dict[str, datetime]:
        return {finding_id: said.until for finding_id, said in self._words(findings, now).items()}

    def _words(self, findings: Sequence[SeenFinding], now: datetime) -> dict[str, Acknowledgement]:
        words: dict[str, Acknowledgement] = {}
        for finding in findings:
            said = [self._acknowledged[name] for name in finding.targets if name in self._acknowledged]
            longest = max(said, key=lambda each: each.until, default=None)
            if longest is not None and longest.until > now:
                words[finding.id] = longest
        return words

    def _hold(self, ticket: ScanTicket, now: datetime) -> None:
        running = self._running.get(ticket.reader)
        if running is None or running.ticket.number != ticket.number:
            raise LedgerLocked(f"this scan of {ticket.reader!r} was ended or taken over")
        running.until = now + running.lease

    def _end(self, ticket: ScanTicket) -> None:
        running = self._running.get(ticket.reader)
        if running is not None and running.ticket.number == ticket.number:
            del self._running[ticket.reader]

    async def _suffer(self, method: str) -> Answers | None:
        self.calls.append(method)
        return await suffer(self.faults.get(method), 0, None, self.place)
