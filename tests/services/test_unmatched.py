"""A value of a filter that fits nothing is told, for a typing mistake looks like health."""

from __future__ import annotations

import pytest

from sagadoctor.services.filters import Filters
from sagadoctor.services.unmatched import Unmatched
from sagadoctor.testing.builders import policy
from sagadoctor.testing.memory import MemoryStore

from .clinic import Clinic, half_undone, healthy, stuck


@pytest.fixture
def clinic() -> Clinic:
    return Clinic(
        MemoryStore(
            "orders",
            [
                stuck("a", business_key="A-1"),
                healthy("b", saga_type="Trip", business_key="B-1", raw_state="EN_ROUTE"),
                half_undone("c"),
            ],
        )
    )


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"saga_types": "OrderFulfilment"}, "is of type OrderFulfilment (did you mean OrderFulfillment?)"),
        ({"saga_types": "zzz"}, "is of type zzz"),
        ({"states": "compensatin"}, "is in state compensatin (did you mean compensating?)"),
        ({"states": "en_rout"}, "is in state en_rout (did you mean EN_ROUTE?)"),
        ({"steps": "Process_paymnt"}, "has a step Process_paymnt (did you mean process_payment?)"),
        ({"keys": "A-2"}, "has the key A-2"),
        ({"keys": frozenset(("A-1", "A-2", "B-2"))}, "has the key A-2 or B-2"),
        ({"keys": frozenset("123456789")}, "has the key 1 or 2 or 3 or 4 or 5 or 4 more"),
        ({"keys": "x" * 300}, f"has the key {'x' * 120}…"),
    ],
)
def test_what_matches_nothing_is_told(clinic: Clinic, filters: dict[str, str], told: str) -> None:
    assert clinic.narrow(**filters).end.notes[1:] == (f"no saga that was read {told}",)


def test_a_group_without_findings_is_told(clinic: Clinic) -> None:
    group = clinic.scan().of("a").group
    told = clinic.narrow(groups=frozenset((group, "g-000000000000"))).end.notes[1:]
    assert told == ("no finding of this scan is of group g-000000000000",)


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"saga_types": "Trip"},
        {"saga_types": "OrderFulfillment"},
        {"states": "EN_ROUTE"},
        {"states": "paused"},
        {"steps": "create_shipment"},
        {"keys": "B-1"},
        {"keys": "A-1", "states": "compensating"},
        {"saga_ids": "b", "keys": "B-1"},
    ],
)
def test_what_is_there_or_is_configured_is_not_told(clinic: Clinic, filters: dict[str, str]) -> None:
    assert clinic.narrow(**filters).end.notes[1:] == ()


def test_a_store_whose_sagas_tell_no_key_is_told_where_a_key_is_asked_for() -> None:
    keyed, keyless = stuck("a", business_key="A-1"), stuck("b", business_key=None)
    clinic = Clinic(MemoryStore("orders", [keyed]), MemoryStore("trips", [keyless]), MemoryStore("empty", []))
    told = "no saga that was read of trips tells a business key, so --key leaves them all out"
    assert clinic.narrow(keys="A-1").end.notes[1:] == (told,)
    assert clinic.narrow(keys="A-1", stores="orders").end.notes[1:] == ()
    assert clinic.narrow(states="compensating").end.notes[1:] == clinic.scan().end.notes[1:]
    alone = Clinic(MemoryStore("trips", [keyless])).narrow(keys="A-1").end.notes[1:]
    assert alone == ("no saga that was read has the key A-1", told)


def test_memory_stays_flat_and_what_was_asked_for_is_remembered() -> None:
    unmatched = Unmatched(Filters(states=frozenset(("odd 99999", "zzz"))))
    for start in range(0, 100_000, 1_000):
        unmatched.take({"states": frozenset(f"odd {number}" for number in range(start, start + 1_000))})
    assert unmatched.told(policy()) == ("no saga that was read is in state zzz",)
    assert sum(map(len, unmatched._met.values())) <= 1_001
