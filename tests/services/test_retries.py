"""Attempts that rise from scan to scan with one error: what is remembered of them, and what must not be concluded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sagadoctor.api.v1 import Capability, Saga, SagaState, StepStatus, StillClock
from sagadoctor.errors import LedgerError
from sagadoctor.ledger import open_ledger
from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.services.ports import Ledger
from sagadoctor.testing.builders import NOW, PAY, RESERVE, ahead, changed, order_steps
from sagadoctor.testing.memory import EVERYTHING, MemoryLedger, MemoryStore, Raises

from .clinic import Clinic, completed, healthy, moved, stuck

DONE, OUT, NEXT, FAILED = StepStatus.COMPLETED, StepStatus.EXECUTING, StepStatus.PENDING, StepStatus.FAILED
LOOP = {"a": ["retry-loop"]}
REFUSED = "connection refused 10.0.0.7:5432 after {} ms"


@pytest.fixture
def store() -> MemoryStore:
    """One order whose payment was refused twice; nothing else is wrong."""
    return MemoryStore("orders", [failing(2)])


@pytest.fixture
def clinic(store: MemoryStore, ledger: Ledger, clock: StillClock) -> Clinic:
    """One store and an empty ledger."""
    return Clinic(store, ledger=ledger, clock=clock)


def failing(attempts: int, error: str = REFUSED, **fields: Any) -> Saga:
    """Return an order whose payment was tried so often, the last time just now."""
    return changed(healthy("a", **fields), PAY, attempts=attempts, error=error.format(attempts * 31))


def tried(clinic: Clinic, row: Saga, minutes: float = 20) -> dict[str, list[str]]:
    """Let time pass, put the row as it is then into the store, and scan."""
    at = clinic.wait(minutes=minutes)
    [store] = clinic.backends.stores
    assert isinstance(store, MemoryStore)
    store.sagas = [moved(row, at)]
    return clinic.scan().rules


def test_two_rows_of_one_id_are_not_counted_against_each_other(clinic: Clinic, store: MemoryStore) -> None:
    store.sagas = [failing(9), failing(1, "another error")]
    assert "retry-loop" not in clinic.scan().rules.get("a", [])
    clinic.wait(minutes=20)
    assert "retry-loop" not in clinic.scan().rules.get("a", [])


def test_a_few_attempts_that_rise_with_one_error_are_a_loop_however_fresh_the_row_is(clinic: Clinic) -> None:
    assert clinic.scan().rules == {}
    assert tried(clinic, failing(4)) == LOOP
    found = clinic.scan().of("a")
    assert (found.severity, found.step, found.since) == (Severity.CRITICAL, PAY, clinic.clock.now())
    [seen] = [fact for fact in found.evidence if fact.kind is EvidenceKind.OBSERVATION]
    assert seen.fact == "2 attempts 20m ago, 4 now, the same error at every look"
    assert seen.observed_at == NOW


@pytest.mark.parametrize(
    "row",
    [
        failing(3),
        failing(2),
        failing(1),
        failing(5, "no such account"),
        failing(5, ""),
        changed(failing(5), RESERVE, executed_at=ahead(minutes=19)),
        changed(healthy("a", steps=order_steps(DONE, DONE, DONE, OUT)), "create_shipment", attempts=5, error=REFUSED),
        completed("a"),
    ],
)
def test_it_is_well_as_long_as_it_may_be_an_ordinary_back_off(clinic: Clinic, row: Saga) -> None:
    clinic.scan()
    assert tried(clinic, row) == {}


def test_a_back_off_that_has_just_begun_is_well(clinic: Clinic) -> None:
    clinic.scan()
    assert tried(clinic, failing(4), 5) == {}
    assert tried(clinic, failing(5), 10) == {}
    assert tried(clinic, failing(6), 1) == LOOP


def test_what_was_left_behind_is_counted_from_its_own_beginning(clinic: Clinic) -> None:
    clinic.scan()
    assert tried(clinic, failing(5, "no such account")) == {}
    assert tried(clinic, failing(6, "no such account")) == {}
    assert tried(clinic, failing(7, "no such account")) == LOOP
    assert tried(clinic, failing(1, "no such account")) == {}
    assert tried(clinic, failing(3, "no such account")) == LOOP


def test_looking_again_and_again_for_a_person_is_no_loop(clinic: Clinic, store: MemoryStore) -> None:
    waiting = order_steps(DONE, DONE, OUT)
    store.sagas = [healthy("a", steps=waiting, attempts=2, waiting_for="person")]
    clinic.scan()
    assert tried(clinic, healthy("a", steps=waiting, attempts=7, waiting_for="person")).keys() <= {"a"}
    assert all(found.severity is Severity.INFO for found in clinic.scan().findings)


def test_words_and_versions_that_change_with_every_attempt_are_no_progress(clinic: Clinic, store: MemoryStore) -> None:
    store.sagas = [failing(2, version="4")]
    clinic.scan()
    resting = changed(failing(3, version="6", steps=order_steps(DONE, FAILED)), PAY, raw_status="RETRY")
    row = msgspec.structs.replace(resting, state=SagaState.BACKING_OFF, next_attempt_at=ahead(minutes=12))
    tried(clinic, row, 10)
    assert tried(clinic, failing(3, "", version="7"), 1) == {}, "the attempt is out, and nothing is known of it yet"
    assert tried(clinic, failing(4, version="8", steps=order_steps(DONE, NEXT))) == LOOP


def test_a_next_attempt_that_is_planned_stands_against_it(clinic: Clinic) -> None:
    clinic.scan()
    assert tried(clinic, changed(failing(4), PAY, next_attempt_at=ahead(minutes=26))) == LOOP
    against = [fact.fact for fact in clinic.scan().of("a").evidence if not fact.supports]
    assert "the engine tries again in 6m" in "\n".join(against)


def test_readers_share_what_was_seen(clinic: Clinic, store: MemoryStore) -> None:
    clinic.scan("cron")
    store.sagas = [moved(failing(4), clinic.wait(minutes=20))]
    assert clinic.scan("ann").rules == LOOP


def test_a_loop_that_ended_is_resolved(clinic: Clinic, store: MemoryStore) -> None:
    clinic.scan()
    tried(clinic, failing(4))
    found = clinic.scan().of("a")
    store.sagas = [completed("a")]
    assert clinic.scan().end.resolved == (found.id,)


class TestShow:
    """`show` remembers the same, and says the same."""

    def test_it_finds_what_a_scan_finds(self, clinic: Clinic) -> None:
        clinic.scan()
        tried(clinic, failing(4))
        [shown] = clinic.show("a").cases
        assert shown.findings[0].rule == "retry-loop"
        assert shown.findings[0].evidence == clinic.scan().of("a").evidence

    def test_a_scan_finds_what_it_saw_first(self, clinic: Clinic) -> None:
        [shown] = clinic.show("a").cases
        assert shown.findings == ()
        assert tried(clinic, failing(4)) == LOOP

    @pytest.mark.parametrize("length", [2_000, 4_000])
    def test_an_error_of_which_it_shows_more_is_the_same_one(
        self, clinic: Clinic, store: MemoryStore, length: int
    ) -> None:
        trace = "Traceback (most recent call last):\n" + "  File x.py, line 1\n" * (length // 20) + "OSError: refused"
        store.sagas = [failing(2, trace)]
        clinic.scan()
        clinic.show("a")
        assert tried(clinic, failing(4, trace)) == LOOP

    def test_as_of_neither_asks_nor_remembers(self, clinic: Clinic) -> None:
        clinic.show("a", as_of=clinic.clock.now())
        assert tried(clinic, failing(4)) == {}
        [shown] = clinic.show("a", as_of=clinic.wait(minutes=20)).cases
        assert "retry-loop" not in {finding.rule for finding in shown.findings}


class TestMemory:
    """What is remembered, and what happens without."""

    def test_as_of_neither_asks_nor_remembers(self, clinic: Clinic, store: MemoryStore) -> None:
        clinic.scan(as_of=clinic.clock.now())
        assert tried(clinic, failing(4)) == {}
        store.sagas = [moved(failing(8), clinic.wait(minutes=20))]
        assert "retry-loop" not in str(clinic.scan(as_of=clinic.clock.now()).rules)
        assert clinic.scan().rules == LOOP

    def test_without_a_ledger_attempts_are_judged_by_their_number_alone(self, store: MemoryStore) -> None:
        clinic = Clinic(store)
        clinic.scan()
        assert tried(clinic, failing(4)) == {}
        assert tried(clinic, failing(10)) == LOOP
        assert clinic.scan().blind == []

    def test_a_ledger_that_fails_blinds_no_store(self, store: MemoryStore) -> None:
        ledger = MemoryLedger()
        clinic = Clinic(store, ledger=ledger)
        clinic.scan()
        ledger.faults = {"observe_tries": Raises(LedgerError("the disk is full"))}
        assert tried(clinic, failing(4)) == {}
        report = clinic.scan()
        assert report.blind == []
        assert any("the disk is full" in note for note in report.end.notes)
        ledger.faults = {}
        assert clinic.scan().rules == LOOP

    def test_a_store_that_counts_no_failing_attempts_costs_nothing(self, store: MemoryStore) -> None:
        ledger = MemoryLedger()
        store.sagas = [
            healthy("a", attempts=0, error="declined"),
            healthy("b", attempts=3),
            stuck("c"),
            changed(stuck("d"), RESERVE, attempts=3, error="once"),
            msgspec.structs.replace(failing(40), saga_id="e", state=SagaState.COMPENSATED),
        ]
        clinic = Clinic(store, ledger=ledger)
        clinic.scan()
        clinic.show("a")
        assert "observe_tries" not in ledger.calls

    def test_it_is_remembered_of_stores_without_times_as_well(self, ledger: Ledger, clock: StillClock) -> None:
        store = MemoryStore("orders", [failing(2)], capabilities=EVERYTHING - {Capability.TIMES})
        clinic = Clinic(store, ledger=ledger, clock=clock)
        clinic.scan()
        assert tried(clinic, failing(4))["a"][0] == "retry-loop"

    def test_no_error_is_kept(self, tmp_path: Path, clock: StillClock) -> None:
        store = MemoryStore("orders", [failing(2, "the password hunter2 was refused")])
        ledger = open_ledger(tmp_path / "ledger.db", None, clock)
        Clinic(store, ledger=ledger, clock=clock).scan()
        asyncio.run(ledger.close())
        kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"sagadoctor_tries" in kept
        assert b"refused" not in kept
        assert b"hunter2" not in kept
