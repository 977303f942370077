"""Reaching every backend once, and letting go of them: no backend keeps another from its turn."""

from __future__ import annotations

import asyncio
import time

import pytest

from sagadoctor.api.v1 import Capability, CheckLevel, CheckLine, Unreachable
from sagadoctor.errors import LedgerError
from sagadoctor.model.policy import Policy, SagaPolicy, StepDefinition
from sagadoctor.model.saga import Saga, SagaState, Step, StepStatus
from sagadoctor.services import backends as rooms
from sagadoctor.services.check import Checked, check
from sagadoctor.testing.builders import NOW
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


def test_what_a_store_can_do_is_told_and_one_that_cannot_say_is_a_failure() -> None:
    class Speechless(MemoryStore):
        @property
        def capabilities(self) -> frozenset[Capability]:
            if "check" in self.calls and "read" in self.calls:
                raise KeyError("x")
            return super().capabilities

    some = frozenset((Capability.LOCKS, Capability.ENDED, Capability.REPLIES))
    told = checked(
        MemoryStore("some", capabilities=some), Speechless("odd"), MemoryStore("none", capabilities=frozenset())
    )
    assert told["some"].capabilities == (Capability.ENDED, Capability.REPLIES, Capability.LOCKS)
    assert told["some"].lines[-1].text == "ended, replies, locks"
    assert told["odd"].worst is CheckLevel.FAILED
    assert told["none"].lines[-1].text == "nothing but live sagas by their ids"


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


def test_a_ledger_that_is_missing_is_a_warning_and_one_that_fails_a_failure() -> None:
    assert checked(MemoryStore("orders"))["ledger"].worst is CheckLevel.WARNING
    ledger = MemoryLedger(faults={"acknowledged": Raises(LedgerError("the disk is full"))})
    told = checked(MemoryStore("orders"), ledger=ledger)["ledger"]
    assert told.worst is CheckLevel.FAILED
    assert "the disk is full" in told.lines[0].text
    assert "`ack` can't be used" in told.lines[0].todo


def test_a_ledger_that_hangs_is_left() -> None:
    began = time.monotonic()
    told = checked(MemoryStore("orders"), ledger=MemoryLedger(faults={"acknowledged": Hangs()}), timeout=2)["ledger"]
    assert time.monotonic() - began < 5.0
    assert "did not answer within 1 s" in told.lines[0].text


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


def trip(saga_id: str, state: SagaState = SagaState.PENDING, undo: str | None = None, **fields: object) -> Saga:
    """Return a journey of two steps, `mail` and `pay`."""
    steps = tuple(
        Step(name, index, StepStatus.COMPLETED, compensation=undo) for index, name in enumerate(("mail", "pay"))
    )
    return Saga("trips", saga_id, state, **{"saga_type": "Reise", "steps": steps, "updated_at": NOW, **fields})  # type: ignore[arg-type]


def told_of(rows: list[Saga], **by_type: SagaPolicy) -> dict[str, list[str]]:
    """Check a store of these rows with these types declared; return what is warned of, by source."""
    clinic = Clinic(MemoryStore("trips", rows), known=Policy(by_type=by_type))
    checked = asyncio.run(check(clinic.backends, None, 5.0))
    return {
        each.source: [line.text for line in each.lines if line.about == "sagas"]
        for each in checked
        if any(line.about == "sagas" for line in each.lines)
    }


class TestDeclared:
    """Names under `[sagas]` that no row has: a typo turns rules off without a word."""

    def test_a_type_that_is_not_seen_is_told_with_the_nearest(self) -> None:
        rows = [trip("a"), trip("b")]
        text = "type declared but not seen in the 2 rows that were looked at: Riese (nearest: Reise)"
        assert told_of(rows, Riese=SagaPolicy()) == {"configuration": [text]}
        text = "type declared but not seen in the 2 rows that were looked at: Ausflug (not declared: Reise)"
        assert told_of(rows, Ausflug=SagaPolicy()) == {"configuration": [text]}

    def test_a_step_that_is_not_seen_is_told_with_the_nearest(self) -> None:
        said = SagaPolicy(steps=(StepDefinition("mial"), StepDefinition("pay")))
        text = "a step of Reise declared but not seen in the 1 row that was looked at: mial (nearest: mail)"
        assert told_of([trip("a")], Reise=said) == {"configuration": [text]}

    def test_what_is_only_rare_is_no_typo(self) -> None:
        steps = (StepDefinition("mail"), StepDefinition("pay"), StepDefinition("later"))
        assert told_of([trip("a")], Reise=SagaPolicy(steps=steps), Rare=SagaPolicy()) == {}
        assert told_of([], Riese=SagaPolicy()) == {}

    def test_types_are_compared_only_where_every_store_was_looked_at(self) -> None:
        stores = (MemoryStore("trips", [trip("a")]), MemoryStore("orders"))
        clinic = Clinic(*stores, known=Policy(by_type={"Order": SagaPolicy()}))
        some = asyncio.run(check(clinic.backends, frozenset(("trips",)), 5.0))
        assert [each.source for each in some] == ["trips", "ledger"]

    def test_rows_without_a_type_make_every_declaration_idle(self) -> None:
        (text,) = told_of([trip("a", saga_type=None)], Reise=SagaPolicy())["configuration"]
        assert "none of the 1 row that was looked at tells its type" in text

    def test_types_that_go_back_without_a_known_undo_are_told(self) -> None:
        back = trip("a", SagaState.COMPENSATING)
        (text,) = told_of([back, trip("b")])["trips"]
        assert text.startswith("no step of type Reise has a known undo, and 1 of the 2 rows that were looked at")
        assert "half-compensated and compensation-not-sent can't be found" in text
        assert told_of([trip("b")]) == {}
        assert told_of([trip("a", SagaState.FAILED, undo="Undo")]) == {}
        named = StepDefinition("mail", compensation="mail.Undo")
        assert told_of([back], Reise=SagaPolicy(steps=(named,))) == {}
        never = (StepDefinition("mail", compensable=False), StepDefinition("pay", compensable=False))
        assert told_of([back], Reise=SagaPolicy(steps=never)) == {}

    @pytest.mark.usefixtures("impatient")
    def test_a_store_whose_rows_cannot_be_read_is_only_a_warning(self) -> None:
        for fault in (Raises(Unreachable("down")), Hangs()):
            told = checked(MemoryStore("orders", [trip("a")], faults={"read": fault}), timeout=0.2)["orders"]
            assert told.worst is CheckLevel.WARNING
            assert "could not be looked at" in told.lines[-2].text
