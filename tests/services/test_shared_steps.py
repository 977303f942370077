"""Steps that belong to no saga of one store may be those of another store's sagas."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from sagadoctor.api.v1 import Deadline, Look, Saga, SystemClock, Unreachable
from sagadoctor.model.survey import OrphanSteps, Survey
from sagadoctor.services.shared_steps import claimed
from sagadoctor.testing.memory import MemoryStore, Raises

from .clinic import Clinic, healthy, stuck

ORPHANS = Survey("orders", "orders.sagas", orphans=OrphanSteps("orders.steps", 3, 9, ("t-1", "t-2")))


class WithOrphans(MemoryStore):
    """A store with steps of sagas that it hasn't got."""

    async def survey(self, look: Look) -> Survey:
        return replace(await super().survey(look), orphans=ORPHANS.orphans)


def asked(*others: MemoryStore) -> Survey:
    return asyncio.run(claimed(ORPHANS, others, Deadline.after(SystemClock(), 5.0)))


def trips(*ids: str) -> list[Saga]:
    return [healthy(each) for each in ids]


def test_steps_of_another_stores_sagas_are_no_orphans_and_it_is_said_how_to_tell_them_apart() -> None:
    told = asked(MemoryStore("trips", trips("t-1", "t-2")))
    assert told.orphans is None
    [note] = told.notes
    assert "steps of sagas that trips tells of" in note
    assert "steps.where" in note
    assert asked(MemoryStore("trips", trips("t-1")), MemoryStore("more", trips("t-2"))).orphans is None


@pytest.mark.parametrize(
    "other",
    [
        MemoryStore("trips", trips("t-1")),
        MemoryStore("trips"),
        MemoryStore("trips", trips("t-1", "t-2"), faults={"fetch": Raises(Unreachable("down"))}),
    ],
)
def test_steps_of_which_one_has_no_saga_anywhere_are_told(other: MemoryStore) -> None:
    assert asked(other) == ORPHANS


def test_a_scan_asks_the_other_stores() -> None:
    def rules(*others: MemoryStore) -> list[str]:
        report = Clinic(WithOrphans("orders", [stuck("s")]), *others).scan()
        return [each.rule for each in report.findings if each.saga_id is None]

    assert rules() == ["unreadable"]
    assert rules(MemoryStore("trips", trips("t-1"))) == ["unreadable"]
    assert rules(MemoryStore("trips", trips("t-1", "t-2"))) == []
