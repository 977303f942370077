"""New, ongoing, resolved and acknowledged: what a scan remembers, and what it must not conclude."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from sagadoctor.api.v1 import Capability, SagaState, StillClock, Unreachable
from sagadoctor.errors import LedgerError
from sagadoctor.model.finding import Severity
from sagadoctor.services.acknowledge import acknowledge
from sagadoctor.services.filters import Filters
from sagadoctor.services.ports import Ledger
from sagadoctor.testing.builders import ago
from sagadoctor.testing.memory import EVERYTHING, MemoryLedger, MemoryStore, Raises

from .clinic import Clinic, completed, half_undone, healthy, moved, stuck

FULL = LedgerError("the disk is full")


@pytest.fixture
def store() -> MemoryStore:
    """Two stuck orders and a well one."""
    return MemoryStore("orders", [stuck("a"), stuck("b"), completed("well")])


@pytest.fixture
def clinic(store: MemoryStore, ledger: Ledger, clock: StillClock) -> Clinic:
    """One store and an empty ledger."""
    return Clinic(store, ledger=ledger, clock=clock)


class TestComparison:
    """How a scan compares with the same reader's last one."""

    def test_what_stays_is_ongoing_and_what_is_gone_is_resolved(self, clinic: Clinic, store: MemoryStore) -> None:
        first = clinic.scan()
        assert first.statuses == {"a": "new", "b": "new"}
        assert first.end.resolved == ()
        clinic.wait(minutes=5)
        store.sagas = [stuck("a"), completed("b"), stuck("c")]
        second = clinic.scan()
        assert second.statuses == {"a": "ongoing", "c": "new"}
        assert second.end.resolved == (first.of("b").id,)
        assert second.of("a").first_seen == first.end.as_of
        clinic.wait(minutes=5)
        third = clinic.scan()
        assert third.statuses == {"a": "ongoing", "c": "ongoing"}
        assert third.end.resolved == ()

    def test_a_saga_that_moved_and_stands_still_again_is_new(self, clinic: Clinic, store: MemoryStore) -> None:
        first = clinic.scan()
        store.sagas = [moved(stuck("a"), clinic.clock.now())]
        clinic.wait(hours=1)
        second = clinic.scan()
        assert second.statuses == {"a": "new"}
        assert set(second.end.resolved) == {first.of("a").id, first.of("b").id}

    def test_two_readers_know_nothing_of_each_other(self, clinic: Clinic, store: MemoryStore) -> None:
        clinic.scan("cron")
        clinic.wait(minutes=1)
        assert clinic.scan("tui").statuses == {"a": "new", "b": "new"}
        store.sagas = [stuck("a")]
        clinic.wait(minutes=1)
        assert len(clinic.scan("tui").end.resolved) == 1
        assert len(clinic.scan("cron").end.resolved) == 1
        assert clinic.scan("cron").statuses == {"a": "ongoing"}

    def test_only_new_ones_are_told_where_only_they_are_wanted(self, clinic: Clinic, store: MemoryStore) -> None:
        clinic.scan()
        clinic.wait(minutes=1)
        store.sagas = [stuck("a"), stuck("b"), stuck("c")]
        report = clinic.scan(new_only=True)
        assert report.statuses == {"c": "new"}
        assert report.end.summary.critical == 1
        clinic.wait(minutes=1)
        report = clinic.scan(new_only=True)
        assert report.findings == ()
        assert report.end.worst_unacknowledged is None

    def test_as_of_neither_compares_nor_remembers(self, clinic: Clinic) -> None:
        assert clinic.scan(as_of=clinic.clock.now()).statuses == {"a": "new", "b": "new"}
        assert clinic.scan().statuses == {"a": "new", "b": "new"}
        assert clinic.scan(as_of=clinic.clock.now()).end.resolved == ()
        assert clinic.scan().statuses == {"a": "ongoing", "b": "ongoing"}


class TestSilence:
    """What was not seen is not resolved."""

    def test_a_store_that_did_not_answer_resolves_nothing(self, clinic: Clinic, store: MemoryStore) -> None:
        clinic.scan()
        rows = store.sagas
        store.faults = {"read": Raises(Unreachable("down"))}
        store.sagas = []
        clinic.wait(minutes=1)
        assert clinic.scan().end.resolved == ()
        store.faults, store.sagas = {}, rows
        clinic.wait(minutes=1)
        assert clinic.scan().statuses == {"a": "ongoing", "b": "ongoing"}

    def test_a_store_that_broke_in_the_middle_resolves_nothing(self, clinic: Clinic, store: MemoryStore) -> None:
        store._page_size = 1
        clinic.scan()
        store.faults = {"read": Raises(Unreachable("down"), page=1)}
        clinic.wait(minutes=1)
        report = clinic.scan()
        assert report.statuses == {"a": "ongoing"}
        assert report.end.resolved == ()

    def test_a_store_without_its_survey_resolves_nothing(self, clinic: Clinic, store: MemoryStore) -> None:
        store.sagas = [healthy("a", business_key="A-1"), healthy("b", business_key="A-1")]
        assert set(clinic.scan().statuses) == {"a", "b"}
        store.faults = {"survey": Raises(Unreachable("statement timeout"))}
        report = clinic.scan()
        assert report.findings == ()
        assert report.end.resolved == ()
        assert not report.end.complete

    def test_a_truncated_store_resolves_nothing(self, ledger: Ledger, clock: StillClock, store: MemoryStore) -> None:
        assert Clinic(store, ledger=ledger, clock=clock).scan().statuses == {"a": "new", "b": "new"}
        report = Clinic(store, ledger=ledger, clock=clock, live_cap=1).scan()
        assert report.end.truncated
        assert report.end.resolved == ()

    def test_an_ended_saga_that_left_the_window_is_not_resolved(self, clinic: Clinic, store: MemoryStore) -> None:
        store.sagas = [half_undone("half")]
        assert clinic.scan().statuses == {"half": "new"}
        clinic.wait(hours=22)
        report = clinic.scan()
        assert report.findings == ()
        assert report.end.resolved == (), "it is as half-compensated as before, only longer ago"
        clinic.wait(hours=1)
        assert clinic.scan(deep=True).statuses == {"half": "ongoing"}

    def test_an_ended_saga_that_was_mended_is_resolved(self, clinic: Clinic, store: MemoryStore) -> None:
        store.sagas = [half_undone("half")]
        first = clinic.scan()
        store.sagas = [half_undone("half", repaired_by="repair"), completed("repair")]
        clinic.wait(hours=1)
        assert clinic.scan().end.resolved == (first.of("half").id,)

    def test_deep_resolves_what_ended_long_ago(self, clinic: Clinic, store: MemoryStore) -> None:
        store.sagas = [half_undone("half", updated_at=ago(days=90))]
        first = clinic.scan(deep=True)
        store.sagas = []
        clinic.wait(minutes=1)
        assert clinic.scan().end.resolved == ()
        assert clinic.scan(deep=True).end.resolved == (first.of("half").id,)


class TestNarrowScans:
    """A scan of a part concludes nothing about the rest, and tells nobody what it didn't show."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        """Sagas of two types, with and without keys."""
        return MemoryStore(
            "orders",
            [
                stuck("a", business_key="A-1"),
                stuck("b", saga_type="Trip", business_key="B-1"),
                half_undone("c", updated_at=ago(minutes=50)),
            ],
        )

    @pytest.mark.parametrize(
        "filters",
        [
            {"saga_types": "Trip"},
            {"rules": "no-progress"},
            {"steps": "process_payment"},
            {"states": "failed"},
            {"keys": "A-1"},
            {"saga_ids": "a"},
            {"older_than": timedelta(minutes=90)},
            {"groups": "g-none"},
            {"stores": "trips"},
        ],
        ids=str,
    )
    def test_what_is_out_of_scope_is_neither_resolved_nor_told(
        self, ledger: Ledger, clock: StillClock, store: MemoryStore, filters: dict[str, str]
    ) -> None:
        clinic = Clinic(store, MemoryStore("trips"), ledger=ledger, clock=clock)
        shown = set(clinic.narrow(**filters).statuses)
        clinic.wait(minutes=1)
        whole = clinic.scan()
        assert {each for each, status in whole.statuses.items() if status == "ongoing"} == shown
        clinic.wait(minutes=1)
        store.sagas = []
        narrow = clinic.narrow(**filters)
        told_gone = set(narrow.end.resolved)
        assert told_gone <= {whole.of(each).id for each in shown}
        clinic.wait(minutes=1)
        assert set(clinic.scan().end.resolved) == {whole.of(each).id for each in "abc"} - told_gone

    @pytest.mark.parametrize("filters", [{"saga_types": "Trip"}, {"rules": "no-progress"}, {"saga_ids": "b"}], ids=str)
    def test_what_is_in_scope_is_resolved(
        self, ledger: Ledger, clock: StillClock, store: MemoryStore, filters: dict[str, str]
    ) -> None:
        clinic = Clinic(store, ledger=ledger, clock=clock)
        first = clinic.scan()
        store.sagas = []
        clinic.wait(minutes=1)
        assert clinic.narrow(**filters).end.resolved == (first.of("b").id,)

    def test_a_narrow_scan_doesnt_move_the_window(self, ledger: Ledger, clock: StillClock, store: MemoryStore) -> None:
        clinic = Clinic(store, ledger=ledger, clock=clock)
        clinic.scan()
        clinic.wait(days=3)
        clinic.narrow(saga_types="Trip")
        late = half_undone("late", created_at=clinic.clock.now(), updated_at=clinic.clock.now() - timedelta(days=2))
        store.sagas = [late]
        clinic.wait(minutes=1)
        assert "late" in clinic.scan().rules

    def test_a_scan_of_one_store_is_whole_for_that_store(self, ledger: Ledger, clock: StillClock) -> None:
        stores = MemoryStore("orders", [stuck("a")]), MemoryStore("trips", [stuck("b")])
        clinic = Clinic(*stores, ledger=ledger, clock=clock)
        first = clinic.scan()
        stores[0].sagas = stores[1].sagas = []
        clinic.wait(minutes=1)
        assert clinic.narrow(stores="orders").end.resolved == (first.of("a").id,)
        clinic.wait(minutes=1)
        assert clinic.scan().end.resolved == (first.of("b").id,)


class TestAcknowledged:
    """A person's word keeps cron quiet until it expires."""

    def say(self, clinic: Clinic, target: str, **span: float) -> None:
        asyncio.run(acknowledge(clinic.backends, [target], timedelta(**span), "kim", "known"))

    def test_a_finding_is_quiet_until_the_acknowledgement_expires(self, clinic: Clinic, store: MemoryStore) -> None:
        store.sagas = [stuck("a")]
        self.say(clinic, clinic.scan().of("a").id, hours=2)
        clinic.wait(minutes=1)
        report = clinic.scan()
        assert report.of("a").acknowledged_until is not None
        assert report.end.worst_unacknowledged is None
        assert (report.end.summary.critical, report.end.summary.acknowledged) == (1, 1)
        clinic.wait(hours=2)
        report = clinic.scan()
        assert report.of("a").acknowledged_until is None
        assert report.end.worst_unacknowledged is Severity.CRITICAL

    def test_one_acknowledged_finding_doesnt_silence_another(self, clinic: Clinic) -> None:
        self.say(clinic, clinic.scan().of("a").id, hours=2)
        clinic.wait(minutes=1)
        assert clinic.scan().end.worst_unacknowledged is Severity.CRITICAL

    def test_a_group_is_quiet_also_for_sagas_that_join_it(self, clinic: Clinic, store: MemoryStore) -> None:
        self.say(clinic, clinic.scan().of("a").group, hours=2)
        clinic.wait(minutes=1)
        store.sagas = [stuck("a"), stuck("b"), stuck("c"), half_undone("half")]
        report = clinic.scan()
        quiet = {finding.saga_id for finding in report.findings if finding.acknowledged_until is not None}
        assert quiet == {"a", "b", "c"}
        assert report.end.worst_unacknowledged is Severity.CRITICAL

    def test_a_saga_that_moved_and_got_stuck_again_is_loud(self, clinic: Clinic, store: MemoryStore) -> None:
        self.say(clinic, clinic.scan().of("a").id, days=2)
        store.sagas = [moved(stuck("a"), clinic.clock.now())]
        clinic.wait(hours=1)
        assert clinic.scan().of("a").acknowledged_until is None

    def test_every_reader_is_quiet_about_it_also_as_of(self, clinic: Clinic, store: MemoryStore) -> None:
        store.sagas = [stuck("a")]
        self.say(clinic, clinic.scan().of("a").id, hours=2)
        assert clinic.scan("tui").end.worst_unacknowledged is None
        assert clinic.scan(as_of=clinic.clock.now()).end.worst_unacknowledged is None

    def test_without_a_ledger_it_is_refused(self, store: MemoryStore) -> None:
        with pytest.raises(LedgerError):
            self.say(Clinic(store), "f-1", hours=1)


class TestOneScanAtATime:
    """One reader, one scan."""

    def test_a_reader_whose_scan_runs_is_a_blind_spot_and_nothing_is_read(
        self, ledger: Ledger, clock: StillClock, store: MemoryStore
    ) -> None:
        asyncio.run(ledger.begin("cron", clock.now(), 600.0))
        clinic = Clinic(store, ledger=ledger, clock=clock)
        report = clinic.scan("cron")
        assert report.findings == ()
        assert report.blind == ["scan"]
        assert not report.end.complete
        assert store.calls == []
        assert clinic.scan("tui").statuses == {"a": "new", "b": "new"}

    def test_a_lease_that_ran_out_locks_nobody(self, ledger: Ledger, clock: StillClock, store: MemoryStore) -> None:
        clinic = Clinic(store, ledger=ledger, clock=clock)
        asyncio.run(ledger.begin("cron", clock.now(), 600.0))
        clinic.wait(hours=1)
        assert clinic.scan("cron").statuses == {"a": "new", "b": "new"}


class TestNoLedger:
    """A scan works all the same, and says so."""

    def test_without_one_everything_is_new(self, store: MemoryStore) -> None:
        clinic = Clinic(store)
        for _ in range(2):
            report = clinic.scan()
            assert report.statuses == {"a": "new", "b": "new"}
            assert report.end.resolved == ()
            assert any("no ledger" in note for note in report.end.notes)
            assert report.end.complete

    @pytest.mark.parametrize("method", ["begin", "compare", "finish"])
    def test_one_that_fails_keeps_nobody_from_the_findings(self, store: MemoryStore, method: str) -> None:
        ledger = MemoryLedger(faults={method: Raises(FULL)})
        report = Clinic(store, ledger=ledger).scan()
        assert report.statuses == {"a": "new", "b": "new"}
        assert [note for note in report.end.notes if "the disk is full" in note]
        assert report.end.complete
        assert ledger.running == frozenset()

    def test_one_that_missed_a_page_resolves_nothing(self, clock: StillClock) -> None:
        class Flaky(MemoryLedger):
            async def compare(self, *given: object) -> object:  # type: ignore[override]
                if self.calls.count("compare") == 3:
                    self.calls.append("compare")
                    raise LedgerError("busy")
                return await super().compare(*given)  # type: ignore[arg-type]

        ledger = Flaky()
        store = MemoryStore("orders", [stuck("a"), stuck("b")], page_size=1)
        clinic = Clinic(store, ledger=ledger, clock=clock)
        clinic.scan()
        clinic.wait(minutes=1)
        report = clinic.scan()
        assert set(report.rules) == {"a", "b"}
        assert report.end.resolved == (), "what the ledger wasn't told of is not gone"
        clinic.wait(minutes=1)
        assert clinic.scan().statuses == {"a": "ongoing", "b": "ongoing"}

    def test_one_that_fails_is_asked_no_more(self) -> None:
        ledger = MemoryLedger(faults={"compare": Raises(FULL)})
        store = MemoryStore("orders", [stuck(f"s-{number}") for number in range(20)], page_size=1)
        report = Clinic(store, ledger=ledger).scan()
        assert len(report.rules) == 20
        assert ledger.calls.count("compare") == 1
        assert len([note for note in report.end.notes if "disk is full" in note]) == 1

    def test_acknowledgements_that_cant_be_read_leave_findings_loud(self, store: MemoryStore) -> None:
        ledger = MemoryLedger(faults={"begin": Raises(FULL), "acknowledged": Raises(FULL)})
        assert Clinic(store, ledger=ledger).scan().end.worst_unacknowledged is Severity.CRITICAL


def test_what_the_ledger_keeps_of_a_finding_is_what_was_found(store: MemoryStore) -> None:
    ledger = MemoryLedger()
    store.sagas = [half_undone("half"), stuck("a")]
    clinic = Clinic(store, ledger=ledger)
    report = clinic.scan(filters=Filters())
    ids = {saga_id: report.of(saga_id).id for saga_id in ("half", "a")}
    known = asyncio.run(ledger.known(list(ids.values())))
    half, late = known[ids["half"]], known[ids["a"]]
    assert (half.saga_id, half.rule, half.ended) == ("half", "half-compensated", True)
    assert (late.saga_id, late.rule, late.ended) == ("a", "step-timed-out", False)
    assert SagaState(report.of("half").state or "") is SagaState.FAILED
    assert late.group == report.of("a").group


def test_nothing_is_observed_where_the_store_tells_times(store: MemoryStore) -> None:
    ledger = MemoryLedger()
    assert Capability.TIMES in EVERYTHING
    Clinic(store, ledger=ledger).scan()
    assert {"observe", "unjudged", "judged", "has_observed"}.isdisjoint(ledger.calls)
