"""The two business transactions of the company: an order's fulfilment and a bank transfer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from .saga import Saga, Status, Step
from .topics import (
    ASK_APPROVAL,
    CHECK_FRAUD,
    CONFIRM,
    CREDIT,
    DEBIT,
    DROP_CASE,
    PAY,
    POST,
    REFUND,
    RELEASE,
    RESERVE,
    REVERSE_CREDIT,
    REVERSE_DEBIT,
    SHIP,
)


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What a step does, how it is undone (None: it can't be) and how long it may take (None: as long as it likes)."""

    name: str
    action: str
    compensation: str | None = None
    timeout: timedelta | None = None


@dataclass(frozen=True, slots=True)
class SagaKind:
    """A saga type, with the habits in which the two teams' orchestrators differ."""

    saga_type: str
    steps: tuple[StepPlan, ...]
    is_settled: Callable[[Saga], bool]
    """When a compensating saga is closed."""
    timeouts_by_message: bool = False
    """The timeout checker marks the step itself and tells the orchestrator by a message."""

    def new_steps(self) -> list[Step]:
        """Return the steps of a saga that begins."""
        return [Step(plan.name, plan.action, plan.compensation) for plan in self.steps]

    def timeout(self, step_name: str) -> timedelta | None:
        """Return how long the step may take."""
        return next((plan.timeout for plan in self.steps if plan.name == step_name), None)


def everything_settled(saga: Saga) -> bool:
    """Close only when no step is left that could still need an undo."""
    return all(
        step.status in (Status.COMPENSATED, Status.PENDING, Status.FAILED)
        or (step.status is Status.COMPLETED and step.compensation is None)
        for step in saga.steps
    )


def nothing_outstanding(saga: Saga) -> bool:
    """Close when no undo is on its way: shorter, and blind to an undo that was never sent."""
    return all(step.status is not Status.COMPENSATING for step in saga.steps)


ORDER_FULFILLMENT = SagaKind(
    "OrderFulfillment",
    (
        StepPlan("reserve_inventory", RESERVE, RELEASE, timedelta(minutes=2)),
        StepPlan("process_payment", PAY, REFUND, timedelta(minutes=1)),
        StepPlan("manager_approval", ASK_APPROVAL),
        StepPlan("create_shipment", SHIP, timeout=timedelta(minutes=15)),
        StepPlan("send_confirmation", CONFIRM, timeout=timedelta(minutes=2)),
    ),
    is_settled=everything_settled,
)

BANK_TRANSFER = SagaKind(
    "BankTransfer",
    (
        StepPlan("check_fraud", CHECK_FRAUD, DROP_CASE, timedelta(seconds=30)),
        StepPlan("debit_source", DEBIT, REVERSE_DEBIT, timedelta(minutes=1)),
        StepPlan("credit_target", CREDIT, REVERSE_CREDIT, timedelta(minutes=1)),
        StepPlan("post_to_ledger", POST, timeout=timedelta(minutes=2)),
    ),
    is_settled=nothing_outstanding,
    timeouts_by_message=True,
)
