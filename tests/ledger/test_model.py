"""The ledger against a plain dict that does the same: whatever is done to both, they say the same."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from sagadoctor.clock import StillClock
from sagadoctor.errors import LedgerLocked
from sagadoctor.ledger import SqlLedger, open_ledger
from sagadoctor.model.finding import FindingStatus, Severity
from sagadoctor.model.observation import Observation, Trial, Tries
from sagadoctor.model.seen import Acknowledgement, ScanTicket, SeenFinding, Standing

from .build import LEASE, NOW, finding

READERS = st.sampled_from(["cron", "tui", "\ud800\x00"])
STORES = ["orders", "payments", "Żółw\\"]
IDS = st.sampled_from(["f-1", "f-2", "f-\x00", "f-\\u0000", "f-\U0001f600", "f-" + "x" * 900])
GROUPS = st.sampled_from(["g-1", "g-2"])
FINDINGS = st.builds(
    lambda name, store, group, severity, saga: finding(name, store=store, group=group, severity=severity, saga_id=saga),
    IDS,
    st.sampled_from(STORES),
    GROUPS,
    st.sampled_from(Severity),
    st.sampled_from(["s-1", "\udfff", None]),
)
PAGES = st.lists(FINDINGS, max_size=6)
SAGAS = st.sampled_from(["s-1", "s-2", "s-\x00", "\ud83d"])


@dataclass
class Seen:
    """What a reader knows of one finding."""

    finding: SeenFinding
    first: datetime
    told: bool
    scan: int
    at: datetime


@dataclass
class Reader:
    """What a reader knows, and its running scan with the moment from which its lease counts."""

    seen: dict[str, Seen] = field(default_factory=dict)
    before: dict[str, datetime] = field(default_factory=dict)
    number: int = 0
    ticket: ScanTicket | None = None
    held_at: datetime = NOW


class LedgerMachine(RuleBasedStateMachine):
    """Two ledgers on one file, asked in turn, and a model of what they should say."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.now = NOW
        self.asked = 0
        self.ledgers = [self.opened(), self.opened()]
        self.readers: dict[str, Reader] = {}
        self.stale: list[ScanTicket] = []
        self.observed: dict[tuple[str, str], tuple[str, datetime]] = {}
        self.tries: dict[tuple[str, str], Tries] = {}
        self.judged: set[tuple[str, str]] = set()
        self.words: dict[str, datetime] = {}

    def opened(self) -> SqlLedger:
        return open_ledger(Path(self.folder.name) / "ledger.db", None, StillClock(NOW))

    def ask(self, method: str, *values: object) -> Any:
        self.asked += 1
        return self.runner.run(getattr(self.ledgers[self.asked % 2], method)(*values))

    def silent_until(self, found: SeenFinding) -> datetime | None:
        words = [self.words.get(target, self.now) for target in (found.id, found.group)]
        return max(words) if max(words) > self.now else None

    def scanning(self, data: st.DataObject) -> Reader:
        return data.draw(st.sampled_from([known for known in self.readers.values() if known.ticket]))

    def teardown(self) -> None:
        for ledger in self.ledgers:
            self.runner.run(ledger.close())
        self.runner.close()
        self.folder.cleanup()

    @rule(minutes=st.integers(0, 9))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def close_and_open(self) -> None:
        ledger = self.ledgers[self.asked % 2]
        self.runner.run(ledger.close())
        self.ledgers[self.asked % 2] = self.opened()

    @rule(reader=READERS)
    def begin(self, reader: str) -> None:
        known = self.readers.setdefault(reader, Reader())
        if known.ticket is not None:
            if self.now < known.held_at + timedelta(seconds=LEASE):
                return  # who may take over from whom is told by tests of its own
            self.stale.append(known.ticket)
        known.number += 1
        known.held_at = self.now
        known.ticket = self.ask("begin", reader, self.now, LEASE)
        assert known.ticket == ScanTicket(reader, known.number, self.now, known.before)

    @precondition(lambda self: self.stale)
    @rule(page=PAGES)
    def a_scan_that_is_over_can_say_nothing(self, page: list[SeenFinding]) -> None:
        with pytest.raises(LedgerLocked):
            self.ask("compare", self.stale[-1], page, self.now)
        with pytest.raises(LedgerLocked):
            self.ask("finish", self.stale[-1], self.now, STORES, lambda found: True)
        self.ask("abandon", self.stale[-1])

    @precondition(lambda self: any(known.ticket for known in self.readers.values()))
    @rule(data=st.data(), page=PAGES)
    def compare(self, data: st.DataObject, page: list[SeenFinding]) -> None:
        known = self.scanning(data)
        standings = self.ask("compare", known.ticket, page, self.now)
        known.held_at = self.now
        last = {found.id: found for found in page}
        assert set(standings) == set(last)
        for found in last.values():
            kept = known.seen.get(found.id)
            first, told = self.now, False
            if kept is not None and (kept.told or kept.scan == known.number):
                first, told = kept.first, kept.told
            known.seen[found.id] = Seen(found, first, told, known.number, self.now)
            status = FindingStatus.ONGOING if told else FindingStatus.NEW
            assert standings[found.id] == Standing(status, first, self.silent_until(found))

    @precondition(lambda self: any(known.ticket for known in self.readers.values()))
    @rule(data=st.data(), complete=st.sets(st.sampled_from(STORES)), scope=st.sets(GROUPS))
    def finish(self, data: st.DataObject, complete: set[str], scope: set[str]) -> None:
        known = self.scanning(data)
        assert known.ticket is not None
        resolved = self.ask("finish", known.ticket, self.now, iter(complete), lambda found: found.group in scope)
        gone = {
            name: seen
            for name, seen in known.seen.items()
            if seen.scan != known.number and seen.finding.store in complete and seen.finding.group in scope
        }
        assert sorted(resolved) == sorted(name for name, seen in gone.items() if seen.told)
        for name in gone:
            del known.seen[name]
        for seen in known.seen.values():
            seen.told = seen.told or seen.scan == known.number
        known.before = known.before | dict.fromkeys(complete, known.ticket.started)
        self.stale.append(known.ticket)
        known.ticket = None

    @precondition(lambda self: any(known.ticket for known in self.readers.values()))
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        known = self.scanning(data)
        assert known.ticket is not None
        self.ask("abandon", known.ticket)
        self.stale.append(known.ticket)
        known.ticket = None

    @rule(store=st.sampled_from(STORES), rows=st.dictionaries(SAGAS, st.sampled_from(["x", "y", "\ud800"])))
    def observe(self, store: str, rows: dict[str, str]) -> None:
        told = self.ask("observe", store, list(rows.items()), self.now)
        expected = {}
        for saga, fingerprint in rows.items():
            before = self.observed.get((store, saga))
            since = before[1] if before and before[0] == fingerprint else self.now
            self.observed[store, saga] = fingerprint, since
            expected[saga] = Observation(fingerprint, since, self.now, first_look=before is None)
        assert told == expected
        assert self.ask("has_observed", store) == any(one == store for one, _ in self.observed)

    @rule(
        store=st.sampled_from(STORES),
        rows=st.dictionaries(SAGAS, st.tuples(st.sampled_from(["m", "n"]), st.integers(1, 9))),
    )
    def try_again(self, store: str, rows: dict[str, tuple[str, int]]) -> None:
        told = self.ask("observe_tries", store, [Trial(saga, *row) for saga, row in rows.items()], self.now)
        for saga, (mark, count) in rows.items():
            known = self.tries.get((store, saga))
            since, first = self.now, count
            if known is not None and known.mark == mark and known.latest <= count:
                since, first = known.since, known.first
            self.tries[store, saga] = Tries(mark, since, first, count, self.now)
        assert told == {saga: self.tries[store, saga] for saga in rows}

    @rule(store=st.sampled_from(STORES), asked=st.lists(SAGAS), judged=st.lists(SAGAS))
    def judge(self, store: str, asked: list[str], judged: list[str]) -> None:
        self.ask("judged", store, judged)
        self.judged.update((store, saga) for saga in judged)
        left = [saga for saga in asked if (store, saga) not in self.judged]
        assert list(self.ask("unjudged", store, asked)) == left

    @rule(about=IDS | GROUPS, minutes=st.integers(-5, 30))
    def acknowledge(self, about: str, minutes: int) -> None:
        until = self.now + timedelta(minutes=minutes)
        self.ask("acknowledge", [Acknowledgement(about, until, "ann", "known", self.now)])
        self.words[about] = until

    @rule(page=PAGES)
    def acknowledged(self, page: list[SeenFinding]) -> None:
        last = {found.id: found for found in page}
        expected = {name: until for name, found in last.items() if (until := self.silent_until(found))}
        assert self.ask("acknowledged", list(last.values()), self.now) == expected

    @rule(names=st.lists(IDS))
    def known(self, names: list[str]) -> None:
        told = self.ask("known", names)
        for name in set(names) | set(told):
            seen = [known.seen[name] for known in self.readers.values() if name in known.seen]
            latest = [one.finding for one in seen if one.at == max(other.at for other in seen)]
            assert told.get(name) in (latest or [None])


LedgerMachine.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
TestAgainstTheModel = LedgerMachine.TestCase
