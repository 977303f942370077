"""A scan of sagas that were named by their ids: those and no others, however they are spelt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from sagadoctor.api.v1 import Capability, Deadline, Saga, StillClock, Unreachable, shown
from sagadoctor.services import by_id
from sagadoctor.services.ports import Ledger
from sagadoctor.testing.builders import ago
from sagadoctor.testing.memory import EVERYTHING, MemoryLedger, MemoryStore, Raises

from .clinic import Clinic, Report, half_undone, healthy, stuck

ID = "0198a0c2-0042-7abc-8def-0123456789ab"


def asked(clinic: Clinic, *ids: str, **filters: object) -> Report:
    return clinic.narrow(saga_ids=frozenset(ids), **filters)


def test_only_the_sagas_that_were_named_are_read() -> None:
    store = MemoryStore("orders", [stuck("a"), stuck("b"), healthy("c")])
    report = asked(Clinic(store), "a", "c")
    assert set(report.rules) == {"a"}
    assert report.end.sagas == 2
    assert "read" not in store.calls
    assert report.end.complete
    assert report.end.notes == ("no ledger: every finding counts as new, and stores without times can't be judged",)


def test_a_named_saga_is_judged_however_long_ago_it_ended() -> None:
    clinic = Clinic(MemoryStore("orders", [half_undone("a", updated_at=ago(days=900))]))
    assert clinic.scan().rules == {}
    assert asked(clinic, "a").rules == {"a": ["half-compensated"]}


@pytest.mark.parametrize("spelt", [ID.upper(), ID.replace("-", ""), f"urn:uuid:{ID}", f"{{{ID}}}"])
def test_an_id_may_be_spelt_in_any_usual_way(spelt: str) -> None:
    clinic = Clinic(MemoryStore("orders", [stuck(ID)]), ledger=MemoryLedger())
    report = asked(clinic, spelt)
    assert set(report.rules) == {ID}
    assert report.end.notes == ()


def test_one_saga_under_several_spellings_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clinic = Clinic(MemoryStore("orders", [stuck(ID)]), ledger=MemoryLedger())
    for batch in (1_000, 1):
        monkeypatch.setattr(by_id, "_BATCH", batch)
        report = asked(clinic, ID, ID.upper(), f"{{{ID}}}")
        assert len(report.findings) == 1
        assert report.end.sagas == 1
        assert report.end.notes == ()


def test_ids_that_differ_by_case_only_are_two() -> None:
    clinic = Clinic(MemoryStore("orders", [stuck("a-1")]), ledger=MemoryLedger())
    report = asked(clinic, "a-1", "A-1")
    assert set(report.rules) == {"a-1"}
    assert report.end.notes == ("1 of the 2 ids asked for were not found, no store has them: A-1",)


def test_an_id_may_be_copied_from_a_report() -> None:
    clinic = Clinic(MemoryStore("orders", [stuck("a\x1b[31m"), stuck("b\\n")]), ledger=MemoryLedger())
    report = asked(clinic, str(shown("a\x1b[31m")), "b\\n")
    assert set(report.rules) == {"a\x1b[31m", "b\\n"}
    assert report.end.notes == ()


def test_two_rows_with_one_id_are_both_told() -> None:
    clinic = Clinic(MemoryStore("orders", [stuck("a"), stuck("a")]))
    assert asked(clinic, "a").end.sagas == 2


def test_ids_of_nobody_are_said() -> None:
    clinic = Clinic(MemoryStore("orders", [stuck("a")]), MemoryStore("trips", [stuck("b")]), ledger=MemoryLedger())
    report = asked(clinic, "a", "b", *(f"x-{number:02}" for number in range(30)), "y" * 9_000)
    assert set(report.rules) == {"a", "b"}
    (note,) = report.end.notes
    assert note.startswith("31 of the 33 ids asked for were not found, no store has them: x-00, x-01, ")
    assert note.endswith(" and 11 more")
    assert report.end.complete


def test_a_store_that_did_not_answer_may_have_them() -> None:
    broken = MemoryStore("trips", faults={"fetch": Raises(Unreachable("down"))})
    report = asked(Clinic(MemoryStore("orders"), broken, ledger=MemoryLedger()), "b")
    assert report.end.notes == ("1 of the 1 ids asked for were not found, no store that answered has them: b",)
    assert report.blind == ["trips"]


def test_very_many_ids_are_asked_for_some_at_a_time() -> None:
    widths: list[int] = []

    class Asked(MemoryStore):
        async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
            widths.append(len(ids))
            return await super().fetch(ids, deadline, detail=detail)

    rows = [healthy(f"s-{number}") for number in range(2_500)]
    report = asked(Clinic(Asked("orders", rows)), *(row.saga_id for row in rows))
    assert report.end.sagas == 2_500
    assert max(widths) <= by_id._BATCH
    assert len(widths) == 3


def test_other_filters_hold_as_well() -> None:
    clinic = Clinic(
        MemoryStore("orders", [stuck("a"), stuck("b", saga_type="Trip")]), MemoryStore("trips", [stuck("a")])
    )
    assert set(asked(clinic, "a", "b", saga_types="Trip").rules) == {"b"}
    report = asked(clinic, "a", stores="trips")
    assert [finding.store for finding in report.findings] == ["trips"]
    assert asked(clinic, "a", older_than=timedelta(hours=9)).rules == {}


def test_nothing_is_said_of_whole_stores() -> None:
    timeless = MemoryStore("orders", [stuck("a")], capabilities=EVERYTHING - {Capability.TIMES})
    report = asked(Clinic(timeless, ledger=MemoryLedger()), "a")
    assert [finding.saga_id for finding in report.findings if finding.saga_id is None] == []
    assert "ended_ids" not in timeless.calls


def test_what_is_resolved_is_told_of_those_that_were_named(ledger: Ledger, clock: StillClock) -> None:
    old = half_undone(ID, updated_at=ago(hours=30))
    store = MemoryStore("orders", [stuck("a"), stuck("b"), old])
    clinic = Clinic(store, ledger=ledger, clock=clock)
    first = clinic.scan(since=timedelta(days=3))
    assert set(first.rules) == {"a", "b", ID}
    store.sagas = [healthy("a"), healthy("b"), healthy(ID)]
    clinic.wait(seconds=1)
    assert set(asked(clinic, "a", ID.upper()).end.resolved) == {first.of("a").id, first.of(ID).id}
    clinic.wait(seconds=1)
    assert clinic.scan().end.resolved == (first.of("b").id,)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("007", "7", True),
        ("+7", " 7 ", True),
        ("0xAB", "ab", True),
        ("0", "00", True),
        ("7/A", "07/a", True),
        ("a/b", "ab", False),
        ("7", "70", False),
    ],
)
def test_spellings_are_compared_loosely_before_the_store_decides(one: str, other: str, alike: bool) -> None:
    assert (by_id.plain(one) == by_id.plain(other)) is alike
