"""What is well in the demo's incident: the usual trade, and sagas that only look as if they were stuck."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .episode import NEVER, ORDER, TRANSFER, UNSERVED, Episode, approves, minutes, rejects, seconds
from .faults import DuplicateCommand, HandlerThrows, SlowWork
from .topics import CHECK_FRAUD, CREDIT, PAY, REFUND, SHIP
from .world import Order, Transfer

_EXPIRED_CARD = Order(reference="", payment_method="expired card")
_POOR = Transfer(reference="", source="DE-dora")


def _waiting(minutes_ago: float) -> Episode:
    return Episode(
        minutes_ago=minutes_ago,
        asks=ORDER,
        decision=NEVER,
        rule="waiting",
        step="manager_approval",
        what="waits for a person",
    )


NEAR_MISSES: Final = (
    Episode(minutes_ago=170, asks=ORDER, decision=rejects(2), what="rejected by a person, and cleanly undone"),
    Episode(minutes_ago=160, asks=ORDER, decision=approves(120), what="approved after two hours, and completed"),
    Episode(
        minutes_ago=155,
        asks=ORDER,
        faults=(DuplicateCommand(topic=SHIP, after=seconds(20)),),
        what="completed; two parcels left, because the unguarded shipping got its command twice: no row shows that",
    ),
    Episode(
        minutes_ago=150,
        asks=ORDER,
        decision=rejects(1),
        faults=(SlowWork(topic=REFUND, takes=seconds(20)),),
        rule="wrong-compensation-order",
        step="reserve_inventory",
        what="cleanly undone; the refund was slow, so the undos ended in the order of the steps",
    ),
    Episode(minutes_ago=145, asks=_EXPIRED_CARD, what="card refused, cleanly undone"),
    _waiting(102),
    Episode(minutes_ago=62, asks=UNSERVED, what="no carrier, cleanly undone; its approval stays completed, as it may"),
    Episode(minutes_ago=55, asks=_EXPIRED_CARD, what="card refused, cleanly undone"),
    _waiting(50),
    Episode(
        minutes_ago=45,
        asks=ORDER,
        faults=(HandlerThrows(topic=PAY, error="payment gateway: connection reset", times=2),),
        what="the payment threw twice and then went through",
    ),
    Episode(minutes_ago=35, asks=ORDER, decision=rejects(4), what="rejected by a person, and cleanly undone"),
    Episode(
        minutes_ago=15.5,
        asks=ORDER,
        decision=approves(1),
        faults=(SlowWork(topic=SHIP, takes=minutes(14.75)),),
        step="create_shipment",
        what="the carrier is slow: just inside the deadline",
    ),
    _waiting(12.5),
    Episode(
        minutes_ago=12,
        asks=UNSERVED,
        decision=approves(1),
        faults=(SlowWork(topic=SHIP, takes=minutes(2)), SlowWork(topic=REFUND, takes=minutes(10))),
        step="process_payment",
        what="being undone: the refund is slow, and still within its time",
    ),
    Episode(
        minutes_ago=0.4, asks=ORDER, step="reserve_inventory", what="began seconds ago; its command is about to leave"
    ),
    Episode(minutes_ago=120, asks=_POOR, what="insufficient funds, cleanly undone"),
    Episode(
        minutes_ago=70,
        asks=TRANSFER,
        faults=(SlowWork(topic=CHECK_FRAUD, takes=seconds(25)),),
        what="the fraud check was slow, and within its time",
    ),
    Episode(minutes_ago=40, asks=_POOR, what="insufficient funds, cleanly undone"),
    Episode(
        minutes_ago=0.8,
        asks=TRANSFER,
        faults=(SlowWork(topic=CREDIT, takes=seconds(55)),),
        step="credit_target",
        what="the credit is slow: just inside the deadline",
    ),
    Episode(
        minutes_ago=0.1,
        asks=TRANSFER,
        faults=(SlowWork(topic=CHECK_FRAUD, takes=seconds(15)),),
        step="check_fraud",
        what="began seconds ago",
    ),
)


def ordinary() -> Iterator[Episode]:
    """Yield the day's usual trade, all of it done by the end."""
    for number in range(31):
        yield Episode(minutes_ago=176 - 5 * number, asks=ORDER, what="an ordinary order, completed")
    for number in range(19):
        yield Episode(minutes_ago=172.3 - 9 * number, asks=TRANSFER, what="an ordinary transfer, completed")
