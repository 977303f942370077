"""Sagas, steps, policies and cases in a line each: healthy unless a test says what is wrong with them.

Steps carry no times of their own unless they are given some, so that a saga's `updated_at` alone says how long it has
stood still. `NOW` is the moment of every test; `ago` and `ahead` count from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, TypedDict, Unpack

import msgspec

from sagadoctor.api.v1 import (
    Doubt,
    LockWait,
    OrphanSteps,
    OutboxEntry,
    Owner,
    Policy,
    Receipt,
    Reply,
    Saga,
    SagaPolicy,
    SagaState,
    SharedKey,
    Step,
    StepDefinition,
    StepStatus,
    Survey,
    Thresholds,
)
from sagadoctor.diagnosis.assemble import assemble
from sagadoctor.diagnosis.examine import examine
from sagadoctor.model.case import Case, LinkedSaga, Relation
from sagadoctor.model.finding import Finding
from sagadoctor.model.observation import Observation, Tries

NOW: Final = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
STORE: Final = "orders"
SOURCE: Final = "orders.public.sagas"
ORDER_TYPE: Final = "OrderFulfillment"

RESERVE: Final = "reserve_inventory"
PAY: Final = "process_payment"
APPROVE: Final = "manager_approval"
SHIP: Final = "create_shipment"
CONFIRM: Final = "send_confirmation"


class Span(TypedDict, total=False):
    """A stretch of time in the words of `timedelta`."""

    days: float
    hours: float
    minutes: float
    seconds: float


class StepFields(TypedDict, total=False):
    """What else a step may be given."""

    index: int
    raw_status: str | None
    action: str | None
    compensation: str | None
    started_at: datetime | None
    executed_at: datetime | None
    compensated_at: datetime | None
    timeout_at: datetime | None
    attempts: int | None
    next_attempt_at: datetime | None
    error: str | None
    result: bytes | None
    derived: bool


class SagaFields(TypedDict, total=False):
    """What else a saga may be given."""

    store: str
    raw_state: str | None
    saga_type: str | None
    source: str
    current_step: str | None
    business_key: str | None
    created_at: datetime | None
    ended_at: datetime | None
    deadline: datetime | None
    version: str | None
    attempts: int | None
    next_attempt_at: datetime | None
    error: str | None
    owner: Owner | None
    waiting_for: str | None
    parent_id: str | None
    repaired_by: str | None
    correlation_id: str | None
    trace_id: str | None
    payload: bytes | None
    outbox: tuple[OutboxEntry, ...]
    received: tuple[Receipt, ...]
    replies: tuple[Reply, ...]
    waits_on: tuple[LockWait, ...]
    doubts: tuple[Doubt, ...]
    derived: tuple[str, ...]


class Limits(TypedDict, total=False):
    """Thresholds that differ from their defaults."""

    no_progress: timedelta
    compensation: timedelta
    attempts: int
    skew: timedelta
    lease_grace: timedelta
    max_wait: timedelta
    wake_up: timedelta
    outbox: timedelta


class Joined(TypedDict, total=False):
    """What others say of a saga, as `assemble` takes it."""

    observed: Observation | None
    tries: Tries | None
    linked: tuple[LinkedSaga, ...]
    gone: frozenset[str]
    repeated: bool
    stirred_at: datetime | None


def ago(**span: Unpack[Span]) -> datetime:
    """Return the moment that long before `NOW`."""
    return NOW - timedelta(**span)


def ahead(**span: Unpack[Span]) -> datetime:
    """Return the moment that long after `NOW`."""
    return NOW + timedelta(**span)


def step(name: str = RESERVE, status: StepStatus = StepStatus.PENDING, **fields: Unpack[StepFields]) -> Step:
    """Return one step; `saga` numbers the steps it is given in their order."""
    return msgspec.structs.replace(Step(name=name, index=0, status=status), **fields)


def order_steps(*statuses: StepStatus) -> tuple[Step, ...]:
    """Return the five steps of an order with these statuses; the ones left over are pending."""
    undo = {RESERVE: "InventoryService.ReleaseReservation", PAY: "PaymentService.RefundPayment"}
    names = (RESERVE, PAY, APPROVE, SHIP, CONFIRM)
    rest = (StepStatus.PENDING,) * (len(names) - len(statuses))
    return tuple(
        step(name, status, index=place, compensation=undo.get(name))
        for place, (name, status) in enumerate(zip(names, (*statuses, *rest), strict=True))
    )


JUST_NOW: Final = ago(seconds=40)
UNDER_WAY: Final = order_steps(StepStatus.COMPLETED, StepStatus.EXECUTING)


def saga(
    state: SagaState = SagaState.PENDING,
    steps: Sequence[Step] | None = UNDER_WAY,
    *,
    saga_id: str = "s-1",
    updated_at: datetime | None = JUST_NOW,
    **fields: Unpack[SagaFields],
) -> Saga:
    """Return a saga, by default an order whose payment was asked for 40 seconds ago; `steps=None` knows no steps."""
    row = Saga(
        store=STORE,
        saga_id=saga_id,
        state=state,
        raw_state=state.value.upper(),
        saga_type=ORDER_TYPE,
        source=SOURCE,
        created_at=None if updated_at is None else updated_at - timedelta(days=1),
        updated_at=updated_at,
        steps=None if steps is None else tuple(_numbered(steps)),
    )
    return msgspec.structs.replace(row, **fields)


def _numbered(steps: Sequence[Step]) -> list[Step]:
    return [msgspec.structs.replace(each, index=place) for place, each in enumerate(steps)]


def changed(row: Saga, name: str, **fields: Unpack[StepFields]) -> Saga:
    """Return the saga with the fields of one step changed."""
    steps = tuple(msgspec.structs.replace(each, **fields) if each.name == name else each for each in row.steps or ())
    return msgspec.structs.replace(row, steps=steps)


def thresholds(**limits: Unpack[Limits]) -> Thresholds:
    """Return the default thresholds with these ones changed."""
    return Thresholds(**limits)


def order_policy(*, parallel: bool = False, compensation_order: str = "any", **limits: Unpack[Limits]) -> SagaPolicy:
    """Return what a configuration says of an order: deadlines, an approval by a person, a pivot, an optional step."""
    return SagaPolicy(
        thresholds=Thresholds(**limits),
        steps=(
            StepDefinition(
                RESERVE,
                action="InventoryService.ReserveItems",
                compensation="InventoryService.ReleaseReservation",
                timeout=timedelta(minutes=2),
                idempotent="header",
            ),
            StepDefinition(
                PAY,
                action="PaymentService.ProcessPayment",
                compensation="PaymentService.RefundPayment",
                timeout=timedelta(minutes=1),
            ),
            StepDefinition(APPROVE, waits_for="person", max_wait=timedelta(days=3), compensable=False),
            StepDefinition(
                SHIP,
                action="ShippingService.CreateShipment",
                compensable=False,
                pivot=True,
                timeout=timedelta(minutes=15),
            ),
            StepDefinition(
                CONFIRM,
                action="NotificationService.SendOrderConfirmation",
                compensable=False,
                optional=True,
                timeout=timedelta(minutes=2),
            ),
        ),
        parallel=parallel,
        compensation_order=compensation_order,
    )


def policy(by_type: Mapping[str, SagaPolicy] | None = None) -> Policy:
    """Return a whole configuration's policy; by default it knows the order."""
    return Policy(by_type=MappingProxyType(dict(by_type or {ORDER_TYPE: order_policy()})))


def linked(relation: Relation, other: Saga) -> LinkedSaga:
    """Return another saga tied to the one of a case."""
    return LinkedSaga(relation, other)


def observation(since: datetime, *, first_look: bool = False, seen_at: datetime = NOW) -> Observation:
    """Return what the ledger saw of a row: the same look since `since`."""
    return Observation("fingerprint", since, seen_at, first_look)


def tries(since: datetime, first: int, latest: int, *, seen_at: datetime = NOW) -> Tries:
    """Return what the ledger saw of a saga's attempts: so many at `since`, and so many now, with one error."""
    return Tries("mark", since, first, latest, seen_at)


def shared_key(*saga_ids: str, business_key: str = "A-10042", count: int | None = None) -> SharedKey:
    """Return live orders that carry one business key."""
    return SharedKey(ORDER_TYPE, business_key, len(saga_ids) if count is None else count, saga_ids, ago(hours=1), NOW)


def survey(
    *shared_keys: SharedKey, has_times: bool = True, first_scan: bool = False, orphans: OrphanSteps | None = None
) -> Survey:
    """Return a store's aggregates."""
    return Survey(STORE, SOURCE, shared_keys, has_times, first_scan, orphans)


def case(
    row: Saga | None = None, known: SagaPolicy | None = None, now: datetime = NOW, **joined: Unpack[Joined]
) -> Case:
    """Return the case of a saga, by default of a healthy order under the order's policy."""
    return assemble(row or saga(), known or order_policy(), now, **joined)


def findings(
    row: Saga | None = None, known: SagaPolicy | None = None, now: datetime = NOW, **joined: Unpack[Joined]
) -> tuple[Finding, ...]:
    """Return everything that is wrong with a saga, the primary finding first."""
    settled = known or order_policy()
    return examine(case(row, settled, now, **joined), settled, now)
