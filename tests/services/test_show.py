"""One saga in full: found by its id, by a finding's, by its key; well, sick, gone, or in two stores."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta

import pytest

from sagadoctor.api.v1 import Capability, Policy, SagaPolicy, StillClock, Unreachable
from sagadoctor.errors import LedgerError
from sagadoctor.services.acknowledge import acknowledge
from sagadoctor.services.ports import Ledger
from sagadoctor.testing.builders import NOW, ago
from sagadoctor.testing.memory import EVERYTHING, Answers, Hangs, MemoryLedger, MemoryStore, Raises

from .clinic import Clinic, completed, half_undone, healthy, stuck

UUID = "0198a0c2-0042-7abc-8def-0123456789ab"


@pytest.fixture
def orders() -> MemoryStore:
    """A well order, a stuck one and an ended one."""
    return MemoryStore(
        "orders",
        [
            healthy(UUID, business_key="A-1", payload=b'{"order_id": "A-1"}'),
            stuck("b", business_key="A-2", error="password=hunter2 refused"),
            half_undone("c", business_key="A-2", repaired_by="r"),
            completed("r"),
        ],
    )


@pytest.fixture
def clinic(orders: MemoryStore, ledger: Ledger, clock: StillClock) -> Clinic:
    """That store, another one, and a ledger."""
    return Clinic(orders, MemoryStore("trips", [stuck("t", saga_type="Trip")]), ledger=ledger, clock=clock)


class TestFound:
    """Found, and judged."""

    @pytest.mark.parametrize("spelt", [UUID, UUID.upper(), UUID.replace("-", ""), f"urn:uuid:{UUID}"])
    def test_by_id_however_it_is_spelt(self, clinic: Clinic, spelt: str) -> None:
        [one] = clinic.show(spelt).cases
        assert one.case.saga.saga_id == UUID
        assert one.case.saga.payload == b'{"order_id": "A-1"}'
        assert one.now == NOW

    def test_a_sick_one_has_findings_and_no_prognosis(self, clinic: Clinic) -> None:
        shown = clinic.show("b")
        [one] = shown.cases
        assert [finding.rule for finding in one.findings] == ["step-timed-out"]
        assert one.findings[0].id == clinic.scan().of("b").id, "as the scan would say it"
        assert one.prognosis is None
        assert shown.by_id
        assert "hunter2" not in str(shown)

    def test_a_well_one_says_when_it_would_be_late(self, clinic: Clinic) -> None:
        [one] = clinic.show(UUID).cases
        assert one.findings == ()
        assert one.prognosis is not None
        assert one.prognosis.late_at == ago(seconds=40) + timedelta(minutes=1)
        assert one.prognosis.finding is not None
        assert one.prognosis.finding.rule == "step-timed-out"
        clinic.clock.advance(one.prognosis.late_at - NOW + timedelta(seconds=1))
        assert clinic.scan().of(UUID).rule == "step-timed-out", "and so it is"

    def test_one_that_ended_well_is_never_late(self, clinic: Clinic) -> None:
        [one] = clinic.show("r").cases
        assert one.prognosis is not None
        assert (one.prognosis.late_at, one.prognosis.finding) == (None, None)

    def test_what_it_is_tied_to_is_there(self, clinic: Clinic) -> None:
        [one] = clinic.show("c").cases
        assert [link.saga.saga_id for link in one.case.linked] == ["r"]
        assert one.findings == ()

    def test_by_key_all_that_carry_it(self, clinic: Clinic) -> None:
        shown = clinic.show(key="A-2")
        assert sorted(one.case.saga.saga_id for one in shown.cases) == ["b", "c"]
        assert not shown.by_id

    def test_a_store_that_cannot_be_searched_by_key_is_not_seen(self, clinic: Clinic, ledger: Ledger) -> None:
        blind = MemoryStore("blind", [stuck("x")], capabilities=EVERYTHING - {Capability.BUSINESS_KEYS})
        both = Clinic(*clinic.backends.stores, blind, ledger=ledger, clock=clinic.clock)
        shown = both.show(key="A-9")
        assert shown.cases == ()
        assert [(spot.source, spot.reason) for spot in shown.blind_spots] == [
            ("blind", "its sagas can't be searched by business key")
        ]
        assert both.show(key="A-1").blind_spots == (), "it was found: nobody asks where else"

    def test_as_of_judges_by_that_moment(self, clinic: Clinic) -> None:
        [one] = clinic.show("b", as_of=ago(hours=2)).cases
        assert one.findings == ()
        assert one.now == ago(hours=2)

    def test_as_of_before_it_moved_there_is_nothing_to_judge(self, clinic: Clinic) -> None:
        shown = clinic.show("b", as_of=ago(days=300))
        assert (shown.cases, shown.newer) == ((), 1)

    def test_an_acknowledged_finding_says_so(self, clinic: Clinic) -> None:
        finding = clinic.scan().of("b")
        asyncio.run(acknowledge(clinic.backends, [finding.group], timedelta(hours=1), "kim", "known"))
        assert clinic.show("b").cases[0].findings[0].acknowledged_until == NOW + timedelta(hours=1)

    def test_an_acknowledgement_that_expired_is_over_also_as_of_before(self, clinic: Clinic) -> None:
        finding = clinic.scan().of("b")
        asyncio.run(acknowledge(clinic.backends, [finding.group], timedelta(hours=1), "kim", "known"))
        clinic.wait(hours=2)
        [one] = clinic.show("b", as_of=NOW).cases
        assert one.findings[0].acknowledged_until is None

    def test_a_row_that_is_there_twice_is_shown_twice_and_refused_repairs(self, clinic: Clinic) -> None:
        clinic.backends.stores[0].sagas = [stuck("b"), stuck("b")]  # type: ignore[attr-defined]
        shown = clinic.show("b")
        assert [one.case.repeated for one in shown.cases] == [True, True]

    def test_an_id_in_two_stores_is_shown_with_both(self, clinic: Clinic) -> None:
        clinic.backends.stores[1].sagas = [stuck("b", saga_type="Trip")]  # type: ignore[attr-defined]
        shown = clinic.show("b")
        assert [one.case.saga.store for one in shown.cases] == ["orders", "trips"]
        assert shown.by_id
        assert [one.case.saga.store for one in clinic.show("b", store="trips").cases] == ["trips"]

    def test_sagas_that_share_a_key_are_told_as_the_scan_tells_them(self, clinic: Clinic, orders: MemoryStore) -> None:
        orders.sagas = [healthy("a", business_key="A-1"), stuck("b", business_key="A-1"), completed("c")]
        scanned = clinic.scan()
        for saga_id in "ab":
            [one] = clinic.show(saga_id).cases
            assert [finding.id for finding in one.findings] == [
                finding.id for finding in scanned.findings if finding.saga_id == saga_id
            ]
            assert one.prognosis is None

    def test_a_key_of_ended_sagas_and_other_types_is_shared_with_nobody(
        self, clinic: Clinic, orders: MemoryStore
    ) -> None:
        rows = [completed("b", business_key="A-1"), healthy("c", saga_type="Trip", business_key="A-1")]
        orders.sagas = [healthy("a", business_key="A-1"), *rows]
        assert [one.findings for one in clinic.show(key="A-1").cases] == [(), (), ()]


class TestByFinding:
    """A finding's id leads to its saga, as long as the row is there."""

    def test_a_findings_id_leads_to_its_saga(self, clinic: Clinic) -> None:
        finding = clinic.scan().of("t")
        shown = clinic.show(finding.id)
        assert [one.case.saga.saga_id for one in shown.cases] == ["t"]
        assert shown.gone is None

    def test_it_asks_the_findings_store_alone(self, clinic: Clinic, orders: MemoryStore) -> None:
        finding = clinic.scan().of("t")
        orders.sagas = [stuck("t")]
        orders.calls.clear()
        assert [one.case.saga.store for one in clinic.show(finding.id).cases] == ["trips"]
        assert orders.calls.count("now") == 0

    def test_a_row_that_is_gone_is_said_to_be(self, clinic: Clinic, orders: MemoryStore) -> None:
        finding = clinic.scan().of("b")
        orders.sagas = []
        shown = clinic.show(finding.id)
        assert shown.cases == ()
        assert shown.gone == "b"

    def test_a_store_that_cant_be_asked_says_nothing_about_gone(self, clinic: Clinic, orders: MemoryStore) -> None:
        finding = clinic.scan().of("b")
        orders.faults = {"fetch": Raises(Unreachable("down"))}
        shown = clinic.show(finding.id)
        assert [spot.source for spot in shown.blind_spots] == ["orders"]
        assert shown.gone is None

    def test_a_finding_that_nobody_knows_may_be_an_id(self, clinic: Clinic, orders: MemoryStore) -> None:
        assert clinic.show("f-123").cases == ()
        assert clinic.show("f-123").gone is None
        orders.sagas = [stuck("f-123")]
        assert len(clinic.show("f-123").cases) == 1

    def test_without_a_ledger_it_is_just_an_id(self, orders: MemoryStore) -> None:
        for ledger in (None, MemoryLedger(faults={"known": Raises(LedgerError("the disk is full"))})):
            shown = Clinic(orders, ledger=ledger).show("f-123")
            assert (shown.cases, shown.gone, shown.blind_spots) == ((), None, ())


class TestBadStores:
    """One store's trouble is its own."""

    @pytest.mark.parametrize("method", ["now", "fetch"])
    @pytest.mark.parametrize(
        "error",
        [Unreachable("to postgresql://ops:hunter2@db"), KeyError("x"), TimeoutError(), asyncio.CancelledError()],
        ids=lambda error: type(error).__name__,
    )
    def test_a_store_that_fails_is_a_blind_spot(self, clinic: Clinic, method: str, error: BaseException) -> None:
        clinic.backends.stores[1].faults = {method: Raises(error)}  # type: ignore[attr-defined]
        shown = clinic.show("b")
        assert [one.case.saga.saga_id for one in shown.cases] == ["b"]
        assert [spot.source for spot in shown.blind_spots] == ["trips"]
        assert "hunter2" not in str(shown.blind_spots)

    @pytest.mark.parametrize(("method", "value"), [("now", None), ("now", datetime(2026, 1, 1)), ("fetch", None)])
    def test_a_plugin_that_answers_anything_is_a_blind_spot(self, clinic: Clinic, method: str, value: object) -> None:
        clinic.backends.stores[1].faults = {method: Answers(value)}  # type: ignore[attr-defined]
        assert [one.case.saga.saga_id for one in clinic.show("b").cases] == ["b"]
        assert [spot.source for spot in clinic.show("t").blind_spots] == ["trips"]

    def test_a_search_for_the_key_that_fails_is_said_and_the_case_shown(
        self, clinic: Clinic, orders: MemoryStore
    ) -> None:
        orders.faults = {"find": Raises(Unreachable("no index, password=hunter2"))}
        shown = clinic.show("b")
        assert [one.case.saga.saga_id for one in shown.cases] == ["b"]
        [spot] = shown.blind_spots
        assert spot.source == "orders"
        assert "no index" in spot.reason
        assert "hunter2" not in spot.reason

    def test_another_store_that_cant_compare_is_said_though_nobody_asked_it(self, clinic: Clinic) -> None:
        clinic.backends.stores[1].faults = {"fetch": Raises(Unreachable("down"))}  # type: ignore[attr-defined]
        shown = clinic.show("b", store="orders")
        assert len(shown.cases) == 1
        assert [spot.source for spot in shown.blind_spots] == ["trips"]

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize("heeds", [True, False], ids=["heeds", "ignores"])
    def test_a_store_that_hangs_is_left_and_the_others_have_their_time(self, clinic: Clinic, heeds: bool) -> None:
        clinic.backends.stores[0].faults = {"fetch": Hangs(heeds_deadline=heeds)}  # type: ignore[attr-defined]
        began = time.monotonic()
        shown = clinic.show("t", timeout=0.3)
        assert time.monotonic() - began < 5.0
        assert [one.case.saga.saga_id for one in shown.cases] == ["t"]
        assert [spot.source for spot in shown.blind_spots] == ["orders"]


class TestWithoutTimes:
    """Since when a row looks as it does, the ledger knows."""

    def test_what_the_scans_observed_counts(self, ledger: Ledger, clock: StillClock) -> None:
        store = MemoryStore("orders", [stuck("a")], capabilities=EVERYTHING - {Capability.TIMES})
        clinic = Clinic(store, ledger=ledger, clock=clock, known=Policy(SagaPolicy()))
        clinic.scan()
        clinic.wait(minutes=10)
        [one] = clinic.show("a").cases
        assert one.findings == ()
        assert one.prognosis is not None
        assert one.prognosis.late_at == NOW + timedelta(minutes=15)
        clinic.wait(minutes=10)
        [one] = clinic.show("a").cases
        assert [finding.rule for finding in one.findings] == ["no-progress"]
        assert one.findings[0].id == clinic.scan().of("a").id

    def test_as_of_observes_nothing(self, ledger: Ledger, clock: StillClock) -> None:
        store = MemoryStore("orders", [stuck("a")], capabilities=EVERYTHING - {Capability.TIMES})
        clinic = Clinic(store, ledger=ledger, clock=clock)
        clinic.show("a", as_of=ago(days=300))
        assert not asyncio.run(ledger.has_observed("orders"))

    def test_a_ledger_that_fails_keeps_nobody_from_looking(self) -> None:
        store = MemoryStore("orders", [stuck("a")], capabilities=EVERYTHING - {Capability.TIMES})
        full = Raises(LedgerError("the disk is full"))
        ledger = MemoryLedger(faults={"observe": full, "acknowledged": full, "known": full})
        assert len(Clinic(store, ledger=ledger).show("a").cases) == 1
