"""What is left when an orchestrator's process dies between a save and what should follow it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sagadoctor.demo.bank import CLOSED_ACCOUNT
from sagadoctor.demo.faults import CrashBetweenSaveAndPublish, LostReply, Moment, NeverAnswers
from sagadoctor.demo.schema import ACCOUNTS, LEDGER_ENTRIES, SAGAS
from sagadoctor.demo.topics import (
    CHECK_FRAUD,
    CREDIT,
    DEBIT,
    PAY,
    RELEASE,
    RESERVE,
    REVERSE_CREDIT,
    REVERSE_DEBIT,
    STEP_FAILED,
)
from sagadoctor.demo.world import Order, Transfer, World

from .conftest import Look

HOUR = timedelta(hours=1)
TRANSFER = Transfer(reference="T-1")
CLOSED_PERIOD = Transfer(reference="T-1", period="closed")
TO_NOBODY = Transfer(reference="T-1", target=CLOSED_ACCOUNT)


def crash(topic: str, moment: Moment = Moment.PUBLISH) -> CrashBetweenSaveAndPublish:
    return CrashBetweenSaveAndPublish(topic=topic, moment=moment)


@pytest.mark.parametrize(
    ("transfer", "fault", "state", "statuses"),
    [
        (TRANSFER, crash(CHECK_FRAUD), "started", "executing pending pending pending"),
        (TRANSFER, crash(CREDIT), "pending", "completed completed executing pending"),
        (TRANSFER, crash(DEBIT, Moment.NEXT_STEP), "pending", "completed pending pending pending"),
        (TO_NOBODY, crash(REVERSE_DEBIT, Moment.UNDO), "compensating", "completed completed failed pending"),
        (CLOSED_PERIOD, crash(REVERSE_CREDIT), "compensating", "completed completed compensating failed"),
        (CLOSED_PERIOD, crash(REVERSE_DEBIT, Moment.UNDO), "failed", "completed completed compensated failed"),
    ],
)
def test_direct_publishing_loses_what_a_crash_interrupts(
    world: World, look: Look, transfer: Transfer, fault: CrashBetweenSaveAndPublish, state: str, statuses: str
) -> None:
    world.suffer(fault)
    world.transfer(transfer)
    world.run_for(HOUR)
    assert look.saga("T-1").state == state
    assert look.statuses("T-1") == statuses.split()


def test_a_timeout_that_was_marked_and_never_told_leaves_a_failure_unhandled(world: World, look: Look) -> None:
    world.suffer(NeverAnswers(topic=DEBIT))
    world.suffer(crash(STEP_FAILED))
    world.transfer(TRANSFER)
    world.run_for(HOUR)
    assert (look.saga("T-1").state, look.statuses("T-1")[:2]) == ("pending", ["completed", "failed"])


def test_a_timeout_that_was_told_is_handled(world: World, look: Look) -> None:
    world.suffer(NeverAnswers(topic=DEBIT))
    world.transfer(TRANSFER)
    world.run_for(HOUR)
    assert (look.saga("T-1").state, look.statuses("T-1")[:2]) == ("failed", ["compensated", "failed"])


def test_money_is_in_nobodys_hands_after_a_crash_before_the_undo(world: World, look: Look) -> None:
    before = sum(account.balance_cents for account in look.rows(ACCOUNTS))
    world.suffer(crash(REVERSE_DEBIT, Moment.UNDO))
    world.transfer(TO_NOBODY)
    world.run_for(HOUR)
    after = sum(account.balance_cents for account in look.rows(ACCOUNTS))
    assert before - after == TO_NOBODY.amount_cents
    assert [entry.kind for entry in look.rows(LEDGER_ENTRIES)] == ["debit"]


@pytest.mark.parametrize("topic", [RESERVE, PAY])
def test_with_an_outbox_a_crash_before_the_publish_changes_nothing(world: World, look: Look, topic: str) -> None:
    world.suffer(crash(topic))
    world.place(Order(reference="A-1"))
    world.run_for(HOUR)
    if topic == RESERVE:
        assert look.count(SAGAS) == 0
    else:
        assert look.saga("A-1").state == "completed"


def test_with_an_outbox_a_crash_between_undos_changes_nothing(world: World, look: Look) -> None:
    world.suffer(crash(RELEASE, Moment.UNDO))
    world.place(Order(reference="A-1", carrier="none"))
    world.run_for(HOUR)
    assert look.saga("A-1").state == "failed"
    assert look.statuses("A-1")[:2] == ["compensated", "compensated"]


def test_a_process_comes_up_again_and_has_forgotten_its_timers(world: World, look: Look) -> None:
    world.suffer(LostReply(topic=CREDIT, reference="T-1"))
    world.transfer(TRANSFER)
    world.run_for(timedelta(seconds=20))
    world.transfers.process.die()
    assert not world.transfers.process.is_up()
    world.transfer(Transfer(reference="T-2"))
    world.run_for(HOUR)
    assert world.transfers.process.is_up()
    assert look.step("T-1", "credit_target")["status"] == "executing"
    assert look.saga("T-2").state == "completed"


def test_replies_wait_for_a_process_that_is_down(world: World, look: Look) -> None:
    world.transfer(TRANSFER)
    world.transfers.process.die()
    world.run_for(timedelta(seconds=15))
    assert look.statuses("T-1") == ["executing", "pending", "pending", "pending"]
    world.run_for(timedelta(minutes=1))
    assert look.saga("T-1").state == "completed"
