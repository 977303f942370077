"""A ledger that is held, and what a person said of a primary finding."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.v1 import StillClock, SystemClock
from sagadoctor.errors import LedgerError
from sagadoctor.ledger import open_ledger
from sagadoctor.model.finding import Severity
from sagadoctor.model.seen import Acknowledgement
from sagadoctor.services import recall as recalling
from sagadoctor.services.acknowledge import acknowledge
from sagadoctor.services.ports import Ledger
from sagadoctor.services.recall import Recall
from sagadoctor.testing.builders import NOW
from sagadoctor.testing.memory import Hangs, MemoryLedger, MemoryStore

from .clinic import Clinic, Report, stuck

HOUR = timedelta(hours=1)


def acknowledged(clinic: Clinic, *targets: str) -> Report:
    """Acknowledge, and scan a minute later."""
    asyncio.run(acknowledge(clinic.backends, targets, HOUR, "kim", "the payments team knows"))
    clinic.wait(minutes=1)
    return clinic.scan()


@pytest.fixture
def clinic(ledger: Ledger, clock: StillClock) -> Clinic:
    """A saga with a primary finding, `retry-loop`, and a secondary one, `step-timed-out`; and another with one."""
    return Clinic(MemoryStore("orders", [stuck("a", attempts=50), stuck("b")]), ledger=ledger, clock=clock)


class TestUnderThePrimary:
    """Who says that the primary finding of a saga is known says so of its other findings."""

    def test_an_acknowledged_primary_quiets_the_other_findings_of_its_saga_and_no_more(self, clinic: Clinic) -> None:
        first = clinic.scan()
        assert first.rules["a"] == ["retry-loop", "step-timed-out"]
        report = acknowledged(clinic, first.of("a").id)
        until = {(each.saga_id, each.rule): each.acknowledged_until for each in report.findings}
        assert until == {
            ("a", "retry-loop"): NOW + HOUR,
            ("a", "step-timed-out"): NOW + HOUR,
            ("b", "step-timed-out"): None,
        }
        assert report.end.summary.acknowledged == 2
        assert report.end.worst_unacknowledged is Severity.CRITICAL
        assert acknowledged(clinic, first.of("b").id).end.worst_unacknowledged is None

    def test_so_does_its_group(self, clinic: Clinic) -> None:
        first = clinic.scan()
        report = acknowledged(clinic, first.of("a").group, first.of("b").id)
        assert report.end.worst_unacknowledged is None

    def test_a_secondary_one_quiets_itself_alone(self, clinic: Clinic) -> None:
        [second] = [each for each in clinic.scan().findings if not each.primary]
        report = acknowledged(clinic, second.id)
        assert report.of("a").acknowledged_until is None
        assert report.end.summary.acknowledged == 1

    def test_it_holds_where_a_filter_leaves_the_primary_out(self, clinic: Clinic) -> None:
        acknowledged(clinic, clinic.scan().of("a").id)
        report = clinic.narrow(rules="step-timed-out")
        assert {each.saga_id: each.acknowledged_until for each in report.findings} == {"a": NOW + HOUR, "b": None}

    def test_another_primary_is_loud_with_all_under_it(self, clinic: Clinic) -> None:
        acknowledged(clinic, clinic.scan().of("a").id)
        store = clinic.backends.stores[0]
        assert isinstance(store, MemoryStore)
        store.sagas = [stuck("a")]
        clinic.wait(minutes=1)
        report = clinic.scan()
        assert report.rules == {"a": ["step-timed-out"]}
        assert report.of("a").acknowledged_until is None

    def test_as_of_another_time_it_counts_too(self, clinic: Clinic) -> None:
        acknowledged(clinic, clinic.scan().of("a").id, clinic.scan().of("b").id)
        assert clinic.scan(as_of=NOW).end.worst_unacknowledged is None

    def test_show_tells_whose_word_it_is_and_why(self, clinic: Clinic) -> None:
        first = clinic.scan()
        acknowledged(clinic, first.of("a").id)
        [case] = clinic.show("a").cases
        word = Acknowledgement(first.of("a").id, NOW + HOUR, "kim", "the payments team knows", NOW)
        assert case.words == {each.id: word for each in case.findings}
        assert {each.acknowledged_until for each in case.findings} == {NOW + HOUR}
        assert clinic.show("b").cases[0].words == {}

    def test_no_secret_is_kept_in_a_reason(self, clinic: Clinic) -> None:
        clinic.backends.redactor.learn("hunter2-and-more")
        made = asyncio.run(acknowledge(clinic.backends, ["g-1"], HOUR, "kim", "log in with hunter2-and-more")).made
        assert "hunter2" not in made[0].reason


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the ledger as another process does that does not let go of it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.close()


@pytest.mark.parametrize("patience", [2.0, 4.0])
def test_a_ledger_that_is_held_costs_a_part_of_the_time_and_is_told_of_once(tmp_path: Path, patience: float) -> None:
    path = tmp_path / "ledger.db"
    ledger = open_ledger(path, None, SystemClock())
    clinic = Clinic(MemoryStore("orders", [stuck(f"s-{number}") for number in range(3)], page_size=1), ledger=ledger)
    clinic.scan()
    with held(path):
        began = time.monotonic()
        report = clinic.scan(timeout=patience)
        assert time.monotonic() - began < patience / 2 + 1.5
    assert set(report.statuses.values()) == {"new"}
    assert report.end.complete
    assert len([note for note in report.end.notes if "the ledger" in note]) == 1
    asyncio.run(ledger.close())


@pytest.mark.parametrize("method", ["begin", "compare", "finish", "abandon"])
def test_one_that_hangs_is_left_and_the_findings_are_told(method: str) -> None:
    ledger = MemoryLedger(faults={method: Hangs(), "finish": Hangs()})
    began = time.monotonic()
    report = Clinic(MemoryStore("orders", [stuck("a")]), ledger=ledger).scan(timeout=2)
    assert time.monotonic() - began < 4.0
    assert set(report.rules) == {"a"}
    assert any("the ledger memory did not answer within 1 s" in note for note in report.end.notes)


def test_show_waits_once_for_a_ledger_that_hangs() -> None:
    ledger = MemoryLedger(faults=dict.fromkeys(("known", "observe", "words"), Hangs()))
    began = time.monotonic()
    shown = Clinic(MemoryStore("orders", [stuck("a")]), ledger=ledger).show("a", timeout=2.0)
    assert time.monotonic() - began < 3.0
    assert len(shown.cases) == 1


def test_to_acknowledge_ends_with_its_time() -> None:
    ledger = MemoryLedger(faults={"acknowledge": Hangs()})
    with pytest.raises(LedgerError, match=r"did not answer within 0\.1 s; look with `show` and try again"):
        asyncio.run(acknowledge(Clinic(ledger=ledger).backends, ["g-1"], HOUR, "kim", "", 0.1))


@pytest.mark.parametrize(
    ("seconds", "first", "later"), [(None, None, None), (60.0, 3.0, 12.0), (20.0, 3.0, 4.0), (10.0, 2.0, 2.0)]
)
def test_the_first_answer_is_waited_for_three_seconds_at_most(
    seconds: float | None, first: float | None, later: float | None
) -> None:
    recall = Recall.within(MemoryLedger(), Deadline.after(StillClock(NOW), seconds), seconds)
    assert recall.seconds == first
    asyncio.run(recall.ask(lambda ledger: ledger.known(["f-1"])))
    assert recall.seconds == later


def test_a_first_answer_that_fails_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalling, "_LAST_WORD", 0.01)
    recall = Recall.within(MemoryLedger(faults={"known": Hangs()}), Deadline.after(StillClock(NOW), 0.1), 0.1)
    recall.deadline = None
    recall.patience = 0.0
    assert asyncio.run(recall.ask(lambda ledger: ledger.known(["f-1"]))) is None
    assert not recall.answered
    why = "did not answer within 0.01 s: another process may hold it, or it is out of reach"
    assert str(recall.failed).endswith(why)


@pytest.mark.parametrize(
    ("seconds", "given"), [(None, None), (60.0, 12.0), (10.0, 2.0), (5.0, 2.0), (2.0, 1.0), (1.0, 0.5)]
)
def test_a_ledger_gets_a_fifth_of_the_time_or_two_seconds_never_more_than_half(
    seconds: float | None, given: float | None
) -> None:
    deadline = Deadline.after(StillClock(NOW), seconds)
    assert Recall.within(MemoryLedger(), deadline, seconds).patience == given
