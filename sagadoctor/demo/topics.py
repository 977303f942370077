"""The names under which the company's processes talk to each other."""

from __future__ import annotations

from typing import Final

STEP_COMPLETED: Final = "SagaStepCompleted"
STEP_FAILED: Final = "SagaStepFailed"
COMPENSATION_COMPLETED: Final = "SagaCompensationCompleted"

RESERVE: Final = "InventoryService.ReserveItems"
RELEASE: Final = "InventoryService.ReleaseReservation"
PAY: Final = "PaymentService.ProcessPayment"
REFUND: Final = "PaymentService.RefundPayment"
ASK_APPROVAL: Final = "ApprovalDesk.RequestApproval"
SHIP: Final = "ShippingService.CreateShipment"
CONFIRM: Final = "NotificationService.SendOrderConfirmation"

CHECK_FRAUD: Final = "FraudService.CheckTransfer"
DROP_CASE: Final = "FraudService.DropCase"
DEBIT: Final = "AccountService.Debit"
REVERSE_DEBIT: Final = "AccountService.ReverseDebit"
CREDIT: Final = "AccountService.Credit"
REVERSE_CREDIT: Final = "AccountService.ReverseCredit"
POST: Final = "LedgerService.PostTransfer"
