"""Sagas that others are tied to: a repair, and the same saga in another store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec
import pytest

from sagadoctor.api.v1 import Deadline, LockWait, Saga, SagaState, StepStatus, StillClock, Unreachable
from sagadoctor.model.case import Relation
from sagadoctor.services import link
from sagadoctor.services.ports import Ledger
from sagadoctor.testing.builders import ago, order_steps, saga
from sagadoctor.testing.memory import Hangs, MemoryLedger, MemoryStore, Raises

from .clinic import Clinic, completed, half_undone, healthy, stuck

REPAIR = "0198a0c2-0042-7abc-8def-0123456789ab"


class TestRepairedBy:
    """A saga that repaired another one silences it, once it has ended well."""

    def rules(self, *rows: Saga) -> dict[str, list[str]]:
        report = Clinic(MemoryStore("orders", rows)).scan()
        assert report.blind == []
        return report.rules

    def test_a_completed_repair_silences_half_compensated(self) -> None:
        assert self.rules(half_undone("a", repaired_by="r"), completed("r")) == {}

    def test_a_repair_that_isnt_there_or_isnt_done_silences_nothing(self) -> None:
        assert self.rules(half_undone("a", repaired_by="gone"))["a"] == ["half-compensated"]
        assert self.rules(half_undone("a", repaired_by="r"), healthy("r"))["a"] == ["half-compensated"]

    def test_one_repair_may_be_for_several_sagas(self) -> None:
        assert self.rules(half_undone("a", repaired_by="r"), half_undone("b", repaired_by="r"), completed("r")) == {}

    @pytest.mark.parametrize("spelt", [REPAIR.upper(), REPAIR.replace("-", ""), f"urn:uuid:{REPAIR}", f"{{{REPAIR}}}"])
    def test_a_row_may_spell_the_repairs_id_as_it_likes(self, spelt: str) -> None:
        assert self.rules(half_undone("a", repaired_by=spelt), completed(REPAIR)) == {}

    def test_a_repair_that_failed_itself_silences_nothing(self) -> None:
        found = self.rules(half_undone("a", repaired_by="r"), half_undone("r"))
        assert found == {"a": ["half-compensated"], "r": ["half-compensated"]}

    def test_more_repairs_than_a_statement_takes_are_all_found(self) -> None:
        rows = [half_undone(f"a-{number}", repaired_by=f"r-{number}") for number in range(2_500)]
        repairs = [completed(f"r-{number}") for number in range(2_500)]
        store = MemoryStore("orders", [*rows, *repairs], page_size=10_000)
        assert Clinic(store).scan().rules == {}

    def test_a_store_that_cant_tell_of_repairs_is_a_blind_spot_and_accuses_nobody(self) -> None:
        rows = [half_undone("a", repaired_by="r"), completed("r")]
        store = MemoryStore("orders", rows, faults={"fetch": Raises(Unreachable("reset"))})
        report = Clinic(store).scan()
        assert report.rules == {}
        assert report.blind == ["orders"]


class TestTwins:
    """One saga in two stores."""

    def clinic(self, here: Sequence[Saga], there: Sequence[Saga], ledger: Ledger | None = None) -> Clinic:
        self.orders, self.payments = MemoryStore("orders", here), MemoryStore("payments", there)
        return Clinic(self.orders, self.payments, ledger=ledger)

    def test_stores_that_tell_it_otherwise_disagree(self) -> None:
        ended = completed("a", updated_at=ago(hours=1))
        report = self.clinic([stuck("a")], [ended]).scan()
        assert report.rules["a"] == ["step-timed-out", "sources-disagree"]

    def test_stores_that_tell_it_alike_dont(self) -> None:
        report = self.clinic([stuck("a")], [stuck("a")]).scan()
        assert "sources-disagree" not in {finding.rule for finding in report.findings}

    def test_numbers_and_other_types_are_other_sagas(self) -> None:
        ended = completed("7", updated_at=ago(hours=1)), completed("a", saga_type="Trip", updated_at=ago(hours=1))
        report = self.clinic([stuck("7"), stuck("a")], ended).scan()
        assert "sources-disagree" not in {finding.rule for finding in report.findings}

    @pytest.mark.parametrize("fault", [Raises(Unreachable("down")), Raises(KeyError("x"))], ids=["fails", "raises"])
    def test_another_store_that_cant_be_asked_leaves_this_one_seen(self, fault: Raises) -> None:
        clinic = self.clinic([stuck(f"s-{number}") for number in range(30)], [])
        self.orders._page_size = 1
        self.payments.faults = {"fetch": fault}
        report = clinic.scan()
        assert len(report.rules) == 30
        assert report.blind == []
        assert any("payments" in note for note in report.end.notes), "what was not compared is said"
        assert self.payments.calls.count("fetch") == 1, "it is not asked for every page again"

    def test_another_store_that_hangs_doesnt_take_this_ones_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(link, "_PATIENCE", 0.05)
        clinic = self.clinic([stuck("a"), stuck("b")], [])
        self.orders._page_size = 1
        self.payments.faults = {"fetch": Hangs()}
        began = time.monotonic()
        report = clinic.scan(timeout=20.0)
        assert time.monotonic() - began < 5.0
        assert set(report.rules) == {"a", "b"}
        assert report.blind == []

    def test_a_disagreement_is_not_resolved_by_a_store_that_is_gone(self, ledger: Ledger, clock: StillClock) -> None:
        clinic = self.clinic([stuck("a")], [completed("a", updated_at=ago(hours=1))], ledger)
        clinic.scan()
        for faults in ({"fetch": Raises(Unreachable("down"))}, {"now": Raises(Unreachable("down"))}):
            self.payments.faults = faults
            clinic.wait(minutes=1)
            assert clinic.scan().end.resolved == ()
        self.payments.faults = {}
        clinic.wait(minutes=1)
        assert [finding.status for finding in clinic.scan().findings] == ["ongoing"] * 2
        self.payments.sagas = []
        clinic.wait(minutes=1)
        report = clinic.scan()
        assert len(report.end.resolved) == 1
        assert report.rules == {"a": ["step-timed-out"]}

    def test_a_scan_of_one_store_still_compares(self) -> None:
        ended = completed("a", updated_at=ago(hours=1))
        report = self.clinic([stuck("a")], [ended]).narrow(stores="orders")
        assert "sources-disagree" in report.rules["a"]

    def test_one_that_is_well_by_itself_but_stood_still_is_compared_too(self) -> None:
        resting = order_steps(StepStatus.COMPLETED, StepStatus.EXECUTING)
        ahead = tuple(
            msgspec.structs.replace(step, timeout_at=ago(hours=-3)) if step.status is StepStatus.EXECUTING else step
            for step in resting
        )
        here = saga(SagaState.PENDING, ahead, saga_id="a", updated_at=ago(hours=1))
        assert Clinic(MemoryStore("orders", [here])).scan().rules == {}
        report = self.clinic([here], [completed("a", updated_at=ago(hours=1))]).scan()
        assert report.rules["a"][0] == "sources-disagree"
        fresh = msgspec.structs.replace(here, updated_at=ago(minutes=1))
        assert self.clinic([fresh], [completed("a", updated_at=ago(minutes=1))]).scan().rules == {}

    def test_healthy_sagas_are_compared_with_nobody(self) -> None:
        clinic = self.clinic([healthy("a")], [])
        clinic.scan()
        assert "fetch" not in self.payments.calls


def waiter(saga_id: str, *holders: str, **fields: object) -> Saga:
    waits = tuple(LockWait(f"lock of {holder}", "orders.locks", holder) for holder in holders)
    return saga(SagaState.PENDING, None, saga_id=saga_id, waits_on=waits, **{"updated_at": ago(hours=2), **fields})  # type: ignore[arg-type]


class TestLockHolders:
    """A saga that waits for a lock is blocked by whoever holds it."""

    def blocked(self, *rows: Saga, page_size: int = 1_000) -> dict[str, str]:
        self.store = MemoryStore("orders", rows, page_size=page_size)
        report = Clinic(self.store).scan()
        assert report.blind == []
        return {str(each.saga_id): each.summary for each in report.findings if each.rule == "blocked-by"}

    @pytest.mark.parametrize("page_size", [1, 1_000])
    def test_a_holder_that_stands_still_is_named_also_across_pages(self, page_size: int) -> None:
        told = self.blocked(waiter("a", "h"), waiter("b", "h"), stuck("h"), page_size=page_size)
        assert set(told) == {"a", "b"}
        assert "a lock held by saga h" in told["a"]

    def test_holders_are_asked_for_once_a_page(self) -> None:
        self.blocked(*(waiter(f"a-{number}", f"h-{number % 7}") for number in range(50)), *map(stuck, "xyz"))
        assert self.store.calls.count("fetch") == 1

    def test_a_holder_that_moves_or_is_the_waiter_itself_blocks_nobody(self) -> None:
        assert self.blocked(waiter("a", "h"), healthy("h")) == {}
        assert self.blocked(waiter("a", "a")) == {}
        assert (
            self.blocked(saga(SagaState.PENDING, None, updated_at=ago(hours=2), waits_on=(LockWait("x", "y"),))) == {}
        )

    def test_a_holder_that_is_no_more_left_an_orphan(self) -> None:
        assert "saga h, which holds it, is in no store that was asked" in self.blocked(waiter("a", "h"))["a"]
        assert (
            "saga h, which holds it, is completed"
            in self.blocked(waiter("a", "h"), completed("h", updated_at=ago(hours=1)))["a"]
        )

    def test_a_holder_in_another_store_is_found_there(self) -> None:
        """One table of locks may serve sagas of several tables, or of several mappings of one table."""
        waiting, other = waiter("a", "h"), stuck("h")
        for faults, told in (({}, "a lock held by saga h"), ({"fetch": Raises(Unreachable("reset"))}, None)):
            clinic = Clinic(MemoryStore("orders", [waiting]), MemoryStore("trips", [other], faults=faults))
            found = {each.saga_id: each.summary for each in clinic.scan().findings if each.rule == "blocked-by"}
            assert (told is None) == (found == {}), "where a store is silent nobody is said to be gone"
            assert told is None or told in found["a"]

    def test_a_bare_number_is_not_looked_for_in_other_stores(self) -> None:
        clinic = Clinic(MemoryStore("orders", [waiter("1", "7")]), MemoryStore("trips", [stuck("7")]))
        found = {each.saga_id: each.summary for each in clinic.scan().findings if each.rule == "blocked-by"}
        assert "is in no store that was asked" in found["1"]

    def test_a_lock_that_was_released_and_woke_nobody_is_said_in_the_evidence(self) -> None:
        free = msgspec.structs.replace(waiter("a", "h"), waits_on=(LockWait("sku", "orders.locks", None),))
        [finding] = Clinic(MemoryStore("orders", [free])).scan().findings
        assert finding.rule == "no-progress"
        assert any("waits for lock sku, which nobody holds" in fact.fact for fact in finding.evidence)
        assert "who should have woken it" in finding.remedies[0].because
        assert len(finding.remedies) == 1

    def test_a_circle_longer_than_is_followed_still_names_the_next_one(self) -> None:
        count = 40
        rows = [waiter(f"s-{number}", f"s-{(number + 1) % count}") for number in range(count)]
        assert len(self.blocked(*rows, page_size=1)) == count
        together = self.blocked(*rows)
        assert all("wait for each other's locks" in text for text in together.values())

    @pytest.mark.parametrize("page_size", [1, 1_000])
    def test_a_circle_is_told_as_one_and_nobody_is_the_cause(self, page_size: int) -> None:
        told = self.blocked(waiter("a", "b"), waiter("b", "c"), waiter("c", "a"), waiter("d", "a"), page_size=page_size)
        assert {saga_id for saga_id, text in told.items() if "wait for each other's locks" in text} == {"a", "b", "c"}
        assert "a lock held by saga a" in told["d"]

    def test_a_chain_is_followed_to_the_next_one_only(self) -> None:
        told = self.blocked(waiter("a", "b"), waiter("b", "c"), stuck("c"))
        assert "saga b" in told["a"]
        assert "saga c" in told["b"]

    def test_a_person_is_shown_the_holder_and_the_circle(self) -> None:
        clinic = Clinic(MemoryStore("orders", [waiter("a", "b"), waiter("b", "a")]))
        [one] = clinic.show("a").cases
        assert [link.relation for link in one.case.linked] == [Relation.LOCK_HOLDER, Relation.LOCK_CIRCLE]
        orphan = Clinic(MemoryStore("orders", [waiter("a", "gone")]))
        [one] = orphan.show("a").cases
        assert "is in no store that was asked" in one.findings[0].summary

    def test_ids_may_be_spelt_otherwise_in_the_table_of_locks(self) -> None:
        assert "a lock held by" in self.blocked(waiter("a", REPAIR.upper()), stuck(REPAIR))["a"]


def test_what_is_asked_has_a_deadline() -> None:
    deadlines: list[float | None] = []

    class Asked(MemoryStore):
        async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
            deadlines.append(deadline.remaining())
            return await super().fetch(ids, deadline, detail=detail)

    here = Asked("orders", [half_undone("a", repaired_by="r")])
    clinic = Clinic(here, Asked("payments"), ledger=MemoryLedger())
    asyncio.run(clinic.scanning(timeout=8.0))
    assert deadlines == [8.0, 2.0], "its own store gets all the time, another one a part of it"
