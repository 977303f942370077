"""What goes wrong in the demo's incident: every sickness is done to a saga, never written into its row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from .bank import CLOSED_ACCOUNT
from .episode import NEVER, ORDER, TRANSFER, UNSERVED, Episode, approves, minutes, rejects, seconds
from .faults import (
    CrashBetweenSaveAndPublish,
    DuplicateCommand,
    DuplicateReply,
    Fault,
    HandlerThrows,
    LateReply,
    LostReply,
    Moment,
    NeverAnswers,
    SkewedClock,
    SlowWork,
    StoppedRelay,
    StoppedTimeoutChecker,
)
from .topics import (
    CREDIT,
    DEBIT,
    PAY,
    POST,
    REFUND,
    RELEASE,
    RESERVE,
    REVERSE_CREDIT,
    REVERSE_DEBIT,
    SHIP,
    STEP_FAILED,
)
from .world import Order, Transfer


def outages(now: datetime) -> Iterator[Fault]:
    """Yield what goes wrong for everybody at once."""

    def ago(number: float) -> datetime:
        return now - minutes(number)

    yield StoppedTimeoutChecker(saga_type="OrderFulfillment", since=ago(132), until=ago(118))
    yield HandlerThrows(topic=REFUND, error="payment gateway: 503 Service Unavailable", since=ago(96), until=ago(70))
    yield StoppedRelay(since=ago(6))


_CLOSED_PERIOD = Transfer(reference="", period="closed")
_GATEWAY_DOWN = "its refund met a gateway outage, threw five times and became a dead letter"

SICK_ORDERS: Final = (
    Episode(
        minutes_ago=140,
        asks=ORDER,
        faults=(LostReply(topic=PAY),),
        rule="dirty-timeout",
        step="process_payment",
        what="the payment was captured, its reply was lost, and the timeout closed the saga without a refund",
    ),
    Episode(
        minutes_ago=131,
        asks=ORDER,
        faults=(NeverAnswers(topic=RESERVE),),
        rule="step-timed-out",
        step="reserve_inventory",
        what="the inventory took the command and never answered, while the timeout checker was down",
    ),
    Episode(
        minutes_ago=128,
        asks=ORDER,
        faults=(LostReply(topic=PAY),),
        rule="step-timed-out",
        step="process_payment",
        what="the payment was captured and its reply was lost, while the timeout checker was down",
    ),
    Episode(
        minutes_ago=126,
        asks=ORDER,
        decision=approves(1),
        faults=(HandlerThrows(topic=SHIP, error="carrier API: 502 Bad Gateway", times=5),),
        rule="step-timed-out",
        with_letters="dead-lettered",
        step="create_shipment",
        what="the shipping command threw five times and became a dead letter, while the timeout checker was down",
    ),
    Episode(
        minutes_ago=115,
        asks=ORDER,
        decision=NEVER,
        faults=(LateReply(topic=PAY, by=seconds(90)),),
        rule="forward-while-compensating",
        step="reserve_inventory",
        what="the payment's success came after its timeout and revived a saga that was already undone",
    ),
    Episode(
        minutes_ago=108,
        asks=ORDER,
        faults=(LateReply(topic=PAY, by=seconds(75)),),
        rule="forward-while-compensating",
        step="reserve_inventory",
        what="a late success revived it too, and it completed: shipped goods that are no longer reserved",
    ),
    Episode(
        minutes_ago=104,
        asks=ORDER,
        decision=rejects(1),
        faults=(LostReply(topic=RELEASE),),
        rule="compensation-stuck",
        step="reserve_inventory",
        what="the reservation was released, and the reply that says so was lost",
    ),
    *(
        Episode(
            minutes_ago=minutes_ago,
            asks=asks,
            decision=decision,
            rule="compensation-stuck",
            with_letters="dead-lettered",
            step="process_payment",
            what=f"{why}, and {_GATEWAY_DOWN}",
        )
        for minutes_ago, asks, decision, why in (
            (100, ORDER, rejects(5), "a person rejected it"),
            (93, ORDER, rejects(2), "a person rejected it"),
            (89, UNSERVED, approves(1), "no carrier served the address"),
            (84, ORDER, rejects(3), "a person rejected it"),
            (80, UNSERVED, approves(0.5), "no carrier served the address"),
        )
    ),
    Episode(
        minutes_ago=88,
        asks=Order(reference="", sku="grand piano"),
        rule="nothing-to-compensate",
        step="reserve_inventory",
        what="its very first step failed (out of stock), and this orchestrator never closes such a saga",
    ),
    Episode(
        minutes_ago=75,
        asks=ORDER,
        decision=NEVER,
        faults=(DuplicateReply(topic=RESERVE, after=seconds(2)),),
        rule="false-completion",
        step="manager_approval",
        what="a reply delivered twice moved the cursor twice: shipped and completed without the approval",
    ),
    Episode(
        minutes_ago=65,
        asks=Order(reference="", carrier="express"),
        decision=approves(0.7),
        faults=(DuplicateCommand(topic=SHIP, after=seconds(20)),),
        rule="late-success",
        step="create_shipment",
        what="the relay sent the shipping command twice; the refusal of the second undid an order that was shipped",
    ),
    Episode(
        minutes_ago=60,
        asks=ORDER,
        faults=(NeverAnswers(topic=RESERVE),),
        rule="nothing-to-compensate",
        step="reserve_inventory",
        what="its very first step timed out: nothing to undo that the orchestrator knows of, and no end",
    ),
    Episode(
        minutes_ago=30,
        asks=ORDER,
        decision=NEVER,
        again_after=seconds(0.4),
        rule="duplicate-saga",
        step="manager_approval",
        what="the customer clicked twice: two sagas, two payments, one order",
    ),
    Episode(
        minutes_ago=16,
        asks=Order(reference="", email="ada.lindt@example.invalid"),
        decision=approves(0.5),
        faults=(
            SlowWork(topic=SHIP, takes=seconds(40)),
            HandlerThrows(topic=REFUND, error="payment is settled already", times=5),
        ),
        rule="undone-past-pivot",
        step="create_shipment",
        what="the confirmation was refused after the goods had left, and the orchestrator undid the rest",
    ),
    Episode(
        minutes_ago=10,
        asks=ORDER,
        decision=NEVER,
        faults=(
            DuplicateCommand(topic=PAY, after=seconds(15)),
            SlowWork(topic=SHIP, takes=minutes(12)),
        ),
        rule="concurrent-steps",
        step="manager_approval",
        what="the relay sent the payment twice, the guard replayed its reply, and two steps run at once",
    ),
    Episode(
        minutes_ago=9,
        asks=ORDER,
        decision=approves(3.5),
        rule="outbox-unpublished",
        step="create_shipment",
        what="the relay stopped before the shipping command left the outbox",
    ),
    Episode(
        minutes_ago=8,
        asks=ORDER,
        decision=rejects(3),
        rule="outbox-unpublished",
        step="process_payment",
        what="the relay stopped before the undos left the outbox",
    ),
    Episode(
        minutes_ago=6.5,
        asks=ORDER,
        faults=(SlowWork(topic=PAY, takes=seconds(50)),),
        rule="outbox-unpublished",
        step="manager_approval",
        what="the relay stopped before the request left: nobody was ever asked to approve",
    ),
    Episode(
        minutes_ago=1.5,
        asks=ORDER,
        rule="outbox-unpublished",
        step="reserve_inventory",
        what="the relay stopped before its first command left the outbox",
    ),
)

SICK_TRANSFERS: Final = (
    Episode(
        minutes_ago=115,
        asks=_CLOSED_PERIOD,
        faults=(CrashBetweenSaveAndPublish(topic=REVERSE_CREDIT),),
        rule="compensation-stuck",
        step="credit_target",
        what="the orchestrator died between marking the first undo and publishing it",
    ),
    Episode(
        minutes_ago=100,
        asks=TRANSFER,
        faults=(CrashBetweenSaveAndPublish(topic=DEBIT, moment=Moment.NEXT_STEP),),
        rule="no-progress",
        step="debit_source",
        what="the orchestrator died between noting one step and starting the next",
    ),
    Episode(
        minutes_ago=80,
        asks=Transfer(reference="", target=CLOSED_ACCOUNT),
        faults=(CrashBetweenSaveAndPublish(topic=REVERSE_DEBIT, moment=Moment.UNDO),),
        rule="compensation-not-sent",
        step="debit_source",
        what="the orchestrator died between noting the failure and the first undo: the money is in nobody's hands",
    ),
    Episode(
        minutes_ago=55,
        asks=_CLOSED_PERIOD,
        faults=(CrashBetweenSaveAndPublish(topic=REVERSE_DEBIT, moment=Moment.UNDO),),
        rule="half-compensated",
        step="debit_source",
        what="the orchestrator died between two undos and closed the saga when the first was confirmed",
    ),
    Episode(
        minutes_ago=45,
        asks=TRANSFER,
        faults=(NeverAnswers(topic=DEBIT), CrashBetweenSaveAndPublish(topic=STEP_FAILED)),
        rule="failure-not-handled",
        step="debit_source",
        what="the timeout checker marked the step failed and died before it told the orchestrator",
    ),
    Episode(
        minutes_ago=35,
        asks=TRANSFER,
        faults=(CrashBetweenSaveAndPublish(topic=CREDIT),),
        rule="step-timed-out",
        step="credit_target",
        what="the orchestrator died between the save and the publish: the command never left",
    ),
    Episode(
        minutes_ago=2,
        asks=TRANSFER,
        faults=(SkewedClock(by=minutes(12)), SlowWork(topic=POST, takes=minutes(3))),
        rule="clock-skew",
        step="post_to_ledger",
        what="it is healthy, but the instance that works on it has a clock twelve minutes ahead",
    ),
)
