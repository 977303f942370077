"""Acknowledging: what is recorded, and what of it nobody has seen."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from sagadoctor.api.v1 import StillClock
from sagadoctor.errors import LedgerError
from sagadoctor.services.acknowledge import Acknowledged, acknowledge
from sagadoctor.services.ports import Ledger
from sagadoctor.testing.builders import NOW
from sagadoctor.testing.memory import MemoryLedger, MemoryStore, Raises

from .clinic import Clinic, stuck

TYPO = "f-0123456789abcdef"
NO_GROUP = "g-0123456789ab"


def acknowledged(clinic: Clinic, *targets: str) -> Acknowledged:
    return asyncio.run(acknowledge(clinic.backends, targets, timedelta(hours=1), "kim", "known"))


def test_what_no_scan_has_found_is_told_apart(ledger: Ledger, clock: StillClock) -> None:
    clinic = Clinic(MemoryStore("orders", [stuck("a")]), ledger=ledger, clock=clock)
    found = clinic.scan().of("a")
    done = acknowledged(clinic, found.id, TYPO, TYPO, found.group, NO_GROUP)
    assert done.unseen == (TYPO, NO_GROUP)
    assert {each.target for each in done.made} == {found.id, TYPO, found.group, NO_GROUP}
    assert {each.until for each in done.made} == {NOW + timedelta(hours=1)}
    clinic.wait(minutes=1)
    assert clinic.scan().of("a").acknowledged_until == NOW + timedelta(hours=1)


def test_a_group_is_not_looked_for_among_findings() -> None:
    ledger = MemoryLedger()
    assert acknowledged(Clinic(ledger=ledger), NO_GROUP).unseen == (NO_GROUP,)
    assert ledger.calls == ["known_groups", "acknowledge"]


def test_a_ledger_that_cant_be_asked_is_no_reason_to_guess() -> None:
    ledger = MemoryLedger(faults={"known": Raises(LedgerError("gone"))})
    with pytest.raises(LedgerError, match="gone"):
        acknowledged(Clinic(ledger=ledger), TYPO)
    assert "acknowledge" not in ledger.calls
    with pytest.raises(LedgerError, match="there is no ledger"):
        acknowledged(Clinic(), TYPO)
