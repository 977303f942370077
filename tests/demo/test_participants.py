"""Participants: the guard that replays a stored reply, the lack of one, and what each fault does to both sides."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from sagadoctor.demo.approvals import Decision
from sagadoctor.demo.bank import OPENING_BALANCES
from sagadoctor.demo.bus import Message, encode
from sagadoctor.demo.faults import (
    DuplicateCommand,
    DuplicateReply,
    Fault,
    HandlerThrows,
    LateReply,
    LostReply,
    NeverAnswers,
    SkewedClock,
    SlowWork,
)
from sagadoctor.demo.schema import (
    ACCOUNTS,
    DEAD_LETTERS,
    LEDGER_ENTRIES,
    OUTBOX,
    PAYMENTS,
    PROCESSED_MESSAGES,
    REFUNDS,
    RESERVATIONS,
    SHIPMENTS,
    STOCK,
)
from sagadoctor.demo.topics import CREDIT, PAY, POST, REFUND, RELEASE, RESERVE, SHIP, STEP_COMPLETED
from sagadoctor.demo.world import Order, Transfer, World

from .conftest import Look

HOUR = timedelta(hours=1)
SOON = timedelta(seconds=5)
NEVER = Decision(None)
ORDER = Order(reference="A-1")
REJECTED = Decision(timedelta(seconds=30), approves=False)


def send_again(world: World, look: Look, topic: str) -> None:
    """Publish a command of the outbox a second time, as a relay or an operator may."""
    (row,) = [row for row in look.rows(OUTBOX) if row.topic == topic]
    world.bus.publish(Message(row.topic, row.msg_key, row.payload.encode(), json.loads(row.headers)))
    world.run_for(HOUR)


def test_a_guarded_participant_works_once_and_replays_its_reply(world: World, look: Look) -> None:
    heard: list[bytes] = []
    world.bus.subscribe(STEP_COMPLETED, lambda message: heard.append(message.body))
    world.place(ORDER, NEVER)
    world.run_for(HOUR)
    send_again(world, look, PAY)
    assert look.count(PAYMENTS) == 1
    replies = [body for body in heard if b"process_payment" in body]
    assert len(replies) == 2
    assert replies[0] == replies[1]


def test_a_guard_keeps_one_reply_per_saga_and_command(world: World, look: Look) -> None:
    world.place(ORDER, REJECTED)
    world.run_for(HOUR)
    saga_id = look.saga("A-1").saga_id
    kept = {(row.participant, row.idempotency_key) for row in look.rows(PROCESSED_MESSAGES)}
    assert kept == {
        ("InventoryService", f"{saga_id}/{RESERVE}"),
        ("InventoryService", f"{saga_id}/{RELEASE}"),
        ("PaymentService", f"{saga_id}/{PAY}"),
        ("PaymentService", f"{saga_id}/{REFUND}"),
    }


def test_a_guarded_undo_that_comes_twice_refunds_once(world: World, look: Look) -> None:
    world.place(ORDER, REJECTED)
    world.run_for(HOUR)
    send_again(world, look, REFUND)
    assert look.count(REFUNDS) == 1


def test_an_unguarded_participant_does_it_twice(world: World, look: Look) -> None:
    world.place(ORDER)
    world.run_for(HOUR)
    send_again(world, look, SHIP)
    assert look.count(SHIPMENTS) == 2


def test_a_refusal_is_not_kept_so_a_repeat_may_succeed(world: World, look: Look) -> None:
    world.place(Order(reference="A-1", sku="grand piano"))
    world.run_for(HOUR)
    assert look.count(PROCESSED_MESSAGES) == 0
    with world.database.transaction() as connection:
        connection.execute(STOCK.update().values(on_hand=5))
    send_again(world, look, RESERVE)
    assert look.count(RESERVATIONS) == 1


def test_a_refused_action_leaves_no_effect(world: World, look: Look) -> None:
    world.transfer(Transfer(reference="T-1", source="DE-dora"))
    world.run_for(HOUR)
    balances = {row.account: row.balance_cents for row in look.rows(ACCOUNTS) if not row.closed}
    assert balances == OPENING_BALANCES
    assert look.count(LEDGER_ENTRIES) == 0


def test_goods_that_are_released_are_on_the_shelf_again(world: World, look: Look) -> None:
    before = {row.sku: row.on_hand for row in look.rows(STOCK)}
    world.place(Order(reference="A-1", quantity=3), REJECTED)
    world.run_for(HOUR)
    assert {row.sku: row.on_hand for row in look.rows(STOCK)} == before


def test_an_undo_that_is_refused_can_only_throw(world: World, look: Look) -> None:
    body = {"saga_id": "s", "step_name": "reserve_inventory", "original_result": {"reservation_id": 99}}
    world.bus.publish(Message(RELEASE, "s", encode(body)))
    world.run_for(HOUR)
    (letter,) = look.rows(DEAD_LETTERS)
    assert (letter.original_topic, letter.error) == (RELEASE, "no reservation 99")


@pytest.mark.parametrize(
    ("fault", "after_seconds", "step_status", "payments", "letters"),
    [
        (NeverAnswers(topic=PAY), 50, "executing", 0, 0),
        (LostReply(topic=PAY), 50, "executing", 1, 0),
        (LateReply(topic=PAY, by=timedelta(seconds=30)), 20, "executing", 1, 0),
        (LateReply(topic=PAY, by=timedelta(seconds=30)), 50, "completed", 1, 0),
        (SlowWork(topic=PAY, takes=timedelta(seconds=40)), 30, "executing", 1, 0),
        (SlowWork(topic=PAY, takes=timedelta(seconds=40)), 55, "completed", 1, 0),
        (DuplicateReply(topic=PAY, after=SOON), 50, "completed", 1, 0),
        (DuplicateCommand(topic=PAY, after=SOON), 50, "completed", 1, 0),
        (HandlerThrows(topic=PAY, error="boom", times=1), 50, "completed", 1, 0),
        (HandlerThrows(topic=PAY, error="boom", times=2), 30, "executing", 0, 0),
        (HandlerThrows(topic=PAY, error="boom"), 50, "executing", 0, 0),
        (HandlerThrows(topic=PAY, error="boom"), 600, "failed", 0, 1),
    ],
)
def test_what_a_fault_does(
    world: World, look: Look, fault: Fault, after_seconds: float, step_status: str, payments: int, letters: int
) -> None:
    world.suffer(fault)
    world.place(ORDER, NEVER)
    world.run_for(timedelta(seconds=after_seconds))
    assert look.step("A-1", "process_payment")["status"] == step_status
    assert (look.count(PAYMENTS), look.count(DEAD_LETTERS)) == (payments, letters)


def test_a_fault_is_meant_for_one_business_key(world: World, look: Look) -> None:
    world.suffer(NeverAnswers(topic=PAY), "A-2")
    world.place(ORDER, NEVER)
    world.place(Order(reference="A-2"), NEVER)
    world.run_for(timedelta(seconds=30))
    assert look.step("A-1", "process_payment")["status"] == "completed"
    assert look.step("A-2", "process_payment")["status"] == "executing"


def test_a_fault_strikes_once_so_that_a_resend_can_work(world: World, look: Look) -> None:
    world.suffer(NeverAnswers(topic=CREDIT))
    world.transfers.timeouts.stop()
    world.transfer(Transfer(reference="T-1"))
    world.run_for(HOUR)
    saga = look.saga("T-1")
    body = {"saga_id": saga.saga_id, "step_name": "credit_target", **saga.data}
    world.bus.publish(Message(CREDIT, saga.saga_id, encode(body)))
    world.run_for(HOUR)
    assert look.saga("T-1").state == "completed"


def test_a_fault_lasts_from_since_until(world: World, look: Look) -> None:
    begins, ends = world.now() + timedelta(minutes=10), world.now() + timedelta(minutes=20)
    world.suffer(HandlerThrows(topic=PAY, error="outage", since=begins, until=ends))
    for number, minute in enumerate((0, 12, 25)):
        world.run(begins - timedelta(minutes=10 - minute))
        world.place(Order(reference=f"A-{number}"), NEVER)
    world.run_for(HOUR)
    statuses = [look.step(f"A-{number}", "process_payment")["status"] for number in range(3)]
    assert statuses == ["completed", "failed", "completed"]


def test_a_worker_with_a_wrong_clock_writes_times_of_the_future(world: World, look: Look) -> None:
    world.suffer(SkewedClock(by=timedelta(minutes=12)), "T-1")
    world.suffer(SlowWork(topic=POST, takes=timedelta(minutes=1)))
    world.transfer(Transfer(reference="T-1"))
    world.run_for(timedelta(seconds=30))
    ahead = look.saga("T-1").updated_at - world.now().replace(tzinfo=None)
    assert timedelta(minutes=11) < ahead < timedelta(minutes=12)


def test_an_express_carrier_refuses_a_second_label(world: World, look: Look) -> None:
    world.suffer(DuplicateCommand(topic=SHIP, after=timedelta(seconds=20)))
    world.place(Order(reference="A-1", carrier="express"))
    world.run_for(HOUR)
    shipment = look.step("A-1", "create_shipment")
    assert look.count(SHIPMENTS) == 1
    assert (shipment["status"], shipment["result"] is None) == ("failed", False)
    assert look.saga("A-1").state == "failed"
