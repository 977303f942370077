"""Each filter on its own, and all of them together."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sagadoctor.api.v1 import Capability
from sagadoctor.model.finding import Severity, Subject
from sagadoctor.model.seen import SeenFinding
from sagadoctor.services.filters import Filters
from sagadoctor.testing.builders import NOW, ago
from sagadoctor.testing.memory import EVERYTHING, MemoryLedger, MemoryStore

from .clinic import Clinic, half_undone, stuck


@pytest.fixture
def clinic() -> Clinic:
    """Two stores, two types, two steps, three ages."""
    orders = MemoryStore(
        "orders",
        [
            stuck("a", business_key="A-1"),
            stuck("b", saga_type="Trip", business_key="B-1", updated_at=ago(hours=5)),
            half_undone("c", raw_state="DEAD"),
        ],
    )
    return Clinic(orders, MemoryStore("trips", [stuck("d")]))


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({}, "abcd"),
        ({"stores": "trips"}, "d"),
        ({"stores": frozenset(("trips", "orders"))}, "abcd"),
        ({"saga_types": "Trip"}, "b"),
        ({"saga_types": "No such"}, ""),
        ({"steps": "process_payment"}, "abd"),
        ({"steps": "reserve_inventory"}, "c"),
        ({"states": "failed"}, "c"),
        ({"states": "DEAD"}, "c"),
        ({"states": "pending"}, "abd"),
        ({"rules": "half-compensated"}, "c"),
        ({"rules": frozenset(("half-compensated", "no-progress"))}, "bc"),
        ({"keys": "A-1"}, "a"),
        ({"saga_ids": frozenset(("a", "c", "nobody"))}, "ac"),
        ({"older_than": timedelta(hours=4)}, "b"),
        ({"older_than": timedelta(hours=2)}, "abcd"),
        ({"saga_types": "OrderFulfillment", "stores": "orders", "states": "pending"}, "a"),
        ({"saga_types": "Trip", "states": "failed"}, ""),
    ],
)
def test_each_filter_takes_what_it_says(clinic: Clinic, filters: dict[str, str], told: str) -> None:
    report = clinic.narrow(**filters)
    assert sorted(report.rules) == sorted(told)
    assert report.end.summary.sagas == len(told)
    assert (report.end.worst_unacknowledged is None) == (not told)


def test_a_group_is_taken_by_its_id(clinic: Clinic) -> None:
    group = clinic.scan().of("a").group
    assert set(clinic.narrow(groups=group).rules) == {"a", "d"}


def test_a_store_that_isnt_asked_for_isnt_asked(clinic: Clinic) -> None:
    trips = clinic.backends.stores[1]
    assert isinstance(trips, MemoryStore)
    trips.sagas = []
    clinic.narrow(stores="orders", rules="half-compensated")
    assert "read" not in trips.calls


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({}, True),
        ({"stores": "orders"}, True),
        ({"stores": "trips"}, False),
        ({"rules": "no-progress"}, True),
        ({"rules": "half-compensated"}, False),
        ({"saga_types": "Trip"}, False),
        ({"saga_types": "Trip", "rules": "no-progress"}, False),
        ({"saga_ids": "a"}, False),
        ({"older_than": timedelta(minutes=1)}, False),
    ],
)
def test_what_is_said_of_a_store_belongs_to_answers_about_whole_stores(filters: dict[str, str], told: bool) -> None:
    timeless = MemoryStore("orders", [stuck("a")], capabilities=EVERYTHING - {Capability.TIMES})
    report = Clinic(timeless, MemoryStore("trips"), ledger=MemoryLedger()).narrow(**filters)
    assert any(finding.subject is Subject.STORE for finding in report.findings) is told


@pytest.mark.parametrize(
    ("filters", "covered"),
    [
        (Filters(), True),
        (Filters(stores=frozenset(("orders",))), True),
        (Filters(stores=frozenset(("trips",))), False),
        (Filters(saga_types=frozenset(("Order",))), True),
        (Filters(saga_types=frozenset(("Trip",))), False),
        (Filters(rules=frozenset(("no-progress",))), True),
        (Filters(rules=frozenset(("unreadable",))), False),
        (Filters(saga_ids=frozenset(("a",))), True),
        (Filters(saga_ids=frozenset(("b",))), False),
        (Filters(steps=frozenset(("pay",))), False),
        (Filters(states=frozenset(("pending",))), False),
        (Filters(keys=frozenset(("A-1",))), False),
        (Filters(groups=frozenset(("g-1",))), False),
        (Filters(older_than=timedelta(hours=1)), False),
    ],
)
def test_a_scan_covers_what_it_would_have_met_again(filters: Filters, covered: bool) -> None:
    seen = SeenFinding("f-1", "g-1", "orders", "no-progress", Severity.WARNING, "Order", "a", NOW)
    assert filters.covers(seen) is covered
    assert filters.narrows is (filters != Filters())


def test_a_finding_about_a_store_is_covered_only_by_scans_of_whole_stores() -> None:
    seen = SeenFinding("f-1", "g-1", "orders", "no-progress", Severity.INFO, None, None, NOW)
    assert Filters().covers(seen)
    assert not Filters(saga_types=frozenset(("Order",))).covers(seen)
    assert not Filters(saga_ids=frozenset(("a",))).covers(seen)
