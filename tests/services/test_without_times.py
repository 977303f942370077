"""Stores whose rows don't tell when they moved: judged by what was seen before."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from sagadoctor.api.v1 import Capability, Look, Page, Policy, SagaPolicy, StillClock
from sagadoctor.errors import LedgerError
from sagadoctor.model.finding import Severity, Subject
from sagadoctor.services.ports import Ledger
from sagadoctor.testing.builders import order_steps
from sagadoctor.testing.memory import EVERYTHING, MemoryLedger, MemoryStore, Raises

from .clinic import PAYING, Clinic, completed, half_undone, healthy, stuck

TIMELESS = EVERYTHING - {Capability.TIMES}
UNKNOWN_TIMEOUTS = Policy(SagaPolicy())
FULL = LedgerError("the disk is full")


@pytest.fixture
def store() -> MemoryStore:
    """One order that waits for its payment, since nobody knows when."""
    return MemoryStore("orders", [stuck("a"), completed("done")], capabilities=TIMELESS)


@pytest.fixture
def clinic(store: MemoryStore, ledger: Ledger, clock: StillClock) -> Clinic:
    """A policy without timeouts, so that standing still is all there is."""
    return Clinic(store, ledger=ledger, clock=clock, known=UNKNOWN_TIMEOUTS)


def test_the_first_scan_says_one_thing_about_the_store_and_nothing_else(clinic: Clinic) -> None:
    [finding] = clinic.scan().findings
    assert (finding.subject, finding.severity, finding.store) == (Subject.STORE, Severity.INFO, "orders")
    assert "first seen now" in finding.summary
    assert finding.primary


def test_from_the_second_scan_on_what_stood_still_is_told(clinic: Clinic) -> None:
    started = clinic.clock.now()
    clinic.scan()
    clinic.wait(minutes=20)
    report = clinic.scan()
    assert report.rules == {"a": ["no-progress"]}
    found = report.of("a")
    assert (found.since, found.age_seconds, found.late_seconds) == (started, 1_200, 300)
    assert any(evidence.kind == "observation" for evidence in found.evidence)
    clinic.wait(minutes=5)
    again = clinic.scan()
    assert again.statuses == {"a": "ongoing"}
    assert again.of("a").id == found.id


def test_what_moved_between_two_scans_is_well(clinic: Clinic, store: MemoryStore) -> None:
    clinic.scan()
    clinic.wait(minutes=20)
    store.sagas = [stuck("a", current_step="create_shipment", version="2")]
    assert clinic.scan().rules == {}
    clinic.wait(minutes=20)
    assert clinic.scan().rules == {"a": ["no-progress"]}


def test_a_row_that_came_later_is_judged_from_its_own_first_look(clinic: Clinic, store: MemoryStore) -> None:
    clinic.scan()
    clinic.wait(minutes=20)
    store.sagas = [stuck("a"), stuck("b")]
    assert clinic.scan().rules == {"a": ["no-progress"]}
    clinic.wait(minutes=10)
    assert clinic.scan().rules == {"a": ["no-progress"]}
    clinic.wait(minutes=10)
    assert clinic.scan().rules == {"a": ["no-progress"], "b": ["no-progress"]}


def test_a_finding_is_resolved_when_the_row_moves(clinic: Clinic, store: MemoryStore) -> None:
    clinic.scan()
    clinic.wait(minutes=20)
    found = clinic.scan().of("a")
    clinic.wait(minutes=1)
    store.sagas = [healthy("a", steps=order_steps(*[PAYING[0].status] * 2), version="2")]
    assert clinic.scan().end.resolved == (found.id,)


def test_two_readers_share_what_was_observed(clinic: Clinic) -> None:
    clinic.scan("cron")
    clinic.wait(minutes=20)
    assert clinic.scan("tui").rules == {"a": ["no-progress"]}


class TestEnded:
    """Ended rows are judged once each, in the order of their ids."""

    def test_each_is_judged_once_and_sick_ones_again_and_again(self, clinic: Clinic, store: MemoryStore) -> None:
        store.sagas = [completed("a"), completed("b"), half_undone("c")]
        first = clinic.scan()
        assert first.end.sagas == 3
        assert first.rules["c"] == ["half-compensated"]
        clinic.wait(days=3)
        second = clinic.scan()
        assert second.end.sagas == 1, "the sick one alone is read again"
        assert second.statuses["c"] == "ongoing"
        store.sagas = [completed("a"), completed("b"), half_undone("c"), completed("d")]
        assert clinic.scan().end.sagas == 2

    def test_a_sick_one_that_was_mended_is_resolved(self, clinic: Clinic, store: MemoryStore) -> None:
        store.sagas = [half_undone("c")]
        found = clinic.scan().of("c")
        clinic.wait(days=3)
        store.sagas = [half_undone("c", repaired_by="d"), completed("d")]
        report = clinic.scan()
        assert "c" not in report.rules
        assert found.id in report.end.resolved

    def test_no_ended_rows_are_asked_for_by_time(self, clinic: Clinic, store: MemoryStore) -> None:
        looks: list[Look] = []
        original = store.read

        def read(look: Look) -> AsyncIterator[Page]:
            looks.append(look)
            return original(look)

        store.read = read  # type: ignore[method-assign, assignment]
        clinic.scan()
        assert [(look.ended_since, look.all_ended) for look in looks] == [(None, False)]

    def test_deep_reads_all_of_them(self, clinic: Clinic, store: MemoryStore) -> None:
        store.sagas = [completed("a"), half_undone("c")]
        clinic.scan()
        report = clinic.scan(deep=True)
        assert report.end.sagas == 2
        assert report.statuses["c"] == "ongoing"

    @pytest.mark.parametrize(("cap", "read", "truncated"), [(2, 2, True), (3, 3, True), (4, 4, False), (5, 4, False)])
    @pytest.mark.parametrize("page_size", [1, 2, 100])
    def test_above_the_cap_it_is_said(self, cap: int, read: int, truncated: bool, page_size: int) -> None:
        rows = [completed(f"s-{number}") for number in range(4)]
        store = MemoryStore("orders", rows, capabilities=TIMELESS, page_size=page_size)
        clinic = Clinic(store, ledger=MemoryLedger(), live_cap=cap)
        report = clinic.scan()
        assert (report.end.sagas, report.end.truncated) == (read, truncated)
        assert report.end.complete is not truncated
        clinic.wait(minutes=1)
        assert clinic.scan().end.sagas == 4 - read, "the next scan goes on where this one left off"

    def test_rows_that_could_not_be_judged_are_judged_again(self, clinic: Clinic, store: MemoryStore) -> None:
        store.sagas = [msgspec.structs.replace(completed("a"), error=7), completed("b")]
        assert clinic.scan().blind == ["orders"]
        store.sagas = [completed("a"), completed("b")]
        assert clinic.scan().end.sagas == 2


class TestLedgerGone:
    """Without what was seen before nobody can say what stands still, and that is said."""

    def test_without_a_ledger_it_is_noted(self, store: MemoryStore) -> None:
        clinic = Clinic(store, known=UNKNOWN_TIMEOUTS)
        for _ in range(2):
            report = clinic.scan()
            assert report.findings == ()
            assert any("stores without times can't be judged" in note for note in report.end.notes)
            assert any("ended sagas were not read" in note for note in report.end.notes)
            clinic.wait(hours=1)

    @pytest.mark.parametrize("method", ["has_observed", "observe"])
    def test_a_ledger_that_fails_makes_the_store_a_blind_spot(self, store: MemoryStore, method: str) -> None:
        ledger = MemoryLedger()
        clinic = Clinic(store, MemoryStore("trips", [stuck("b")]), ledger=ledger)
        clinic.scan()
        clinic.wait(hours=1)
        ledger.faults = {method: Raises(FULL)}
        report = clinic.scan()
        assert set(report.rules) == {"b"}
        assert report.blind == ["orders"]
        assert report.end.resolved == ()
        assert any("the disk is full" in note for note in report.end.notes)

    @pytest.mark.parametrize("method", ["unjudged", "judged"])
    def test_a_ledger_that_fails_over_ended_rows_blames_no_plugin(self, store: MemoryStore, method: str) -> None:
        clinic = Clinic(store, ledger=MemoryLedger(faults={method: Raises(FULL)}))
        report = clinic.scan()
        assert report.blind == []
        assert any("the disk is full" in note for note in report.end.notes)
        assert report.end.complete is (method == "judged"), "rows that were not read are missing"

    def test_as_of_observes_nothing(self, clinic: Clinic) -> None:
        clinic.scan(as_of=clinic.clock.now())
        assert [finding.subject for finding in clinic.scan().findings] == [Subject.STORE]
        clinic.wait(minutes=5)
        clinic.scan(as_of=clinic.clock.now().replace(year=2020))
        clinic.wait(minutes=5)
        assert clinic.scan().rules == {}


def test_a_dump_without_times_cannot_be_judged_as_of_then_and_that_is_not_called_seen(
    clinic: Clinic, store: MemoryStore
) -> None:
    report = clinic.scan(as_of=clinic.clock.now())
    assert report.blind == ["orders"]
    assert not report.end.complete
    store.sagas = [completed("done")]
    assert clinic.scan(as_of=clinic.clock.now()).blind == []
