"""The participants of an order's fulfilment; the person who approves is in `approvals`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sqlalchemy import Connection, select, update

from .bus import Body, take
from .participants import Duty, Participant, Refused
from .schema import EMAILS, PAYMENTS, REFUNDS, RESERVATIONS, SHIPMENTS, STOCK
from .topics import CONFIRM, PAY, REFUND, RELEASE, RESERVE, SHIP

OPENING_STOCK = {"chair": 400, "desk": 150, "lamp": 900, "shelf": 250, "grand piano": 0}


class InventoryService(Participant):
    """Keeps goods aside for an order."""

    def duties(self) -> Mapping[str, Duty]:
        """Reserve and release."""
        return {
            RESERVE: Duty(self._reserve, (0.5, 3.0)),
            RELEASE: Duty(self._release, (1.0, 2.0), undo=True),
        }

    def _reserve(self, connection: Connection, body: Body) -> dict[str, Any]:
        sku, quantity = take(body, "sku"), take(body, "quantity")
        taken = connection.execute(
            update(STOCK)
            .where(STOCK.c.sku == sku, STOCK.c.on_hand >= quantity)
            .values(on_hand=STOCK.c.on_hand - quantity)
        )
        if taken.rowcount == 0:
            raise Refused(f"out of stock: {sku}")
        made = self.record(connection, RESERVATIONS, body, sku=sku, quantity=quantity, reserved_at=self.now())
        return {"reservation_id": made}

    def _release(self, connection: Connection, body: Body) -> dict[str, Any]:
        reservation_id = take(take(body, "original_result"), "reservation_id")
        kept = RESERVATIONS.c
        reservation = connection.execute(select(kept.sku, kept.quantity).where(kept.id == reservation_id)).one_or_none()
        if reservation is None:
            raise Refused(f"no reservation {reservation_id}")
        connection.execute(update(RESERVATIONS).where(kept.id == reservation_id).values(released_at=self.now()))
        connection.execute(
            update(STOCK).where(STOCK.c.sku == reservation.sku).values(on_hand=STOCK.c.on_hand + reservation.quantity)
        )
        return {}


class PaymentService(Participant):
    """Takes money, and gives it back."""

    def duties(self) -> Mapping[str, Duty]:
        """Capture and refund."""
        return {
            PAY: Duty(self._capture, (1.0, 4.0)),
            # Quicker than the release of the goods, so that undos usually end in reverse order.
            REFUND: Duty(self._refund, (0.2, 0.6), undo=True),
        }

    def _capture(self, connection: Connection, body: Body) -> dict[str, Any]:
        if take(body, "payment_method") == "expired card":
            raise Refused("card expired")
        made = self.record(connection, PAYMENTS, body, amount_cents=take(body, "amount_cents"), captured_at=self.now())
        return {"payment_id": made}

    def _refund(self, connection: Connection, body: Body) -> dict[str, Any]:
        made = self.record(
            connection,
            REFUNDS,
            body,
            payment_id=take(take(body, "original_result"), "payment_id"),
            amount_cents=take(body, "amount_cents"),
            refunded_at=self.now(),
        )
        return {"refund_id": made}


class ShippingService(Participant):
    """Hands parcels to a carrier; it has no idempotency guard, so a repeated command ships twice."""

    guarded: ClassVar[bool] = False

    def duties(self) -> Mapping[str, Duty]:
        """Ship; there is no way back."""
        return {SHIP: Duty(self._ship, (60.0, 240.0))}

    def _ship(self, connection: Connection, body: Body) -> dict[str, Any]:
        carrier = take(body, "carrier")
        if carrier == "none":
            raise Refused("no carrier serves this address")
        if carrier == "express" and self._has_label(connection, body["saga_id"]):
            raise Refused(f"the express carrier already has a label for {body['reference']}")
        made = self.record(connection, SHIPMENTS, body, carrier=carrier, shipped_at=self.now())
        return {"tracking_number": f"TRK-{made:06}"}

    def _has_label(self, connection: Connection, saga_id: str) -> bool:
        labels = select(SHIPMENTS.c.id).where(SHIPMENTS.c.saga_id == saga_id)
        return connection.execute(labels.limit(1)).one_or_none() is not None


class NotificationService(Participant):
    """Writes to the customer, once more if it is asked once more."""

    guarded: ClassVar[bool] = False

    def duties(self) -> Mapping[str, Duty]:
        """Confirm; a letter can't be unsent."""
        return {CONFIRM: Duty(self._confirm, (1.0, 3.0))}

    def _confirm(self, connection: Connection, body: Body) -> dict[str, Any]:
        recipient = take(body, "email")
        if recipient.endswith(".invalid"):
            raise Refused("the customer's mailbox does not exist")
        self.record(connection, EMAILS, body, recipient=recipient, sent_at=self.now())
        return {"sent": True}
