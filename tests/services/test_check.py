"""Reaching every backend once, and letting go of them: no backend keeps another from its turn."""

from __future__ import annotations

import asyncio
import time

import pytest

from sagadoctor.api.v1 import CheckLevel, CheckLine, Unreachable
from sagadoctor.errors import LedgerError
from sagadoctor.services import backends as rooms
from sagadoctor.services.check import Checked, check
from sagadoctor.testing.memory import Answers, Fault, Hangs, MemoryLedger, MemoryStore, Raises

from .clinic import Clinic


def checked(*stores: MemoryStore, ledger: MemoryLedger | None = None, timeout: float = 5.0) -> dict[str, Checked]:
    """Check these stores."""
    clinic = Clinic(*stores, ledger=ledger)
    return {each.source: each for each in asyncio.run(check(clinic.backends, None, timeout))}


def test_a_healthy_backend_is_ok() -> None:
    told = checked(MemoryStore("orders"), ledger=MemoryLedger())
    assert {source: each.worst for source, each in told.items()} == {"orders": "ok", "ledger": "ok"}
    assert "memory" in told["ledger"].lines[0].text


@pytest.mark.parametrize(
    "fault",
    [
        Raises(Unreachable("postgresql://ops:hunter2@db refused")),
        Raises(KeyError("x")),
        Raises(TimeoutError()),
        Raises(asyncio.CancelledError()),
        Answers(None),
        Answers(("fine",)),
        Answers((CheckLine("reached", CheckLevel.FAILED, "no"),)),
    ],
    ids=str,
)
def test_one_that_fails_is_a_line_and_the_others_are_checked(fault: Fault) -> None:
    told = checked(MemoryStore("bad", faults={"check": fault}), MemoryStore("orders"))
    assert (told["bad"].worst, told["orders"].worst) == (CheckLevel.FAILED, CheckLevel.OK)
    assert "hunter2" not in str(told)


@pytest.mark.usefixtures("impatient")
def test_one_that_hangs_is_left() -> None:
    began = time.monotonic()
    told = checked(MemoryStore("hanging", faults={"check": Hangs()}), MemoryStore("orders"), timeout=0.2)
    assert time.monotonic() - began < 5.0
    assert (told["hanging"].worst, told["orders"].worst) == (CheckLevel.FAILED, CheckLevel.OK)


def test_only_the_stores_asked_for_are_checked() -> None:
    clinic = Clinic(MemoryStore("orders"), MemoryStore("trips"))
    told = asyncio.run(check(clinic.backends, frozenset(("trips",)), None))
    assert [each.source for each in told] == ["trips", "ledger"]


def test_a_ledger_that_is_missing_or_fails_is_a_warning() -> None:
    assert checked(MemoryStore("orders"))["ledger"].worst is CheckLevel.WARNING
    ledger = MemoryLedger(faults={"acknowledged": Raises(LedgerError("the disk is full"))})
    told = checked(MemoryStore("orders"), ledger=ledger)["ledger"]
    assert told.worst is CheckLevel.WARNING
    assert "the disk is full" in told.lines[0].text


@pytest.mark.parametrize("fault", [Raises(OSError("reset")), Raises(Unreachable("down")), Hangs()], ids=str)
def test_one_that_cant_be_closed_keeps_no_other_open(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "_CLOSE_SECONDS", 0.1)
    stores = [MemoryStore("bad", faults={"close": fault}), MemoryStore("orders")]
    ledger = MemoryLedger()
    clinic = Clinic(*stores, ledger=ledger)
    asyncio.run(clinic.backends.close())
    assert [store.closed for store in stores] == [1, 1]
    assert ledger.closed == 1


def test_a_ledger_that_cant_be_closed_is_left() -> None:
    ledger = MemoryLedger(faults={"close": Raises(LedgerError("gone"))})
    asyncio.run(Clinic(MemoryStore("orders"), ledger=ledger).backends.close())
    assert ledger.closed == 1
