"""Sagas and their steps, as a store tells them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec


class SagaState(StrEnum):
    """Where a saga stands; the store's own word travels along as `raw_state`."""

    STARTED = "started"
    PENDING = "pending"
    WAITING = "waiting"
    BACKING_OFF = "backing_off"
    COMPENSATING = "compensating"
    PAUSED = "paused"
    COMPLETED = "completed"
    COMPENSATED = "compensated"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


LIVE: Final = frozenset(
    (
        SagaState.STARTED,
        SagaState.PENDING,
        SagaState.WAITING,
        SagaState.BACKING_OFF,
        SagaState.COMPENSATING,
        SagaState.PAUSED,
    )
)
FORWARD: Final = LIVE - {SagaState.COMPENSATING}
ENDED: Final = frozenset((SagaState.COMPLETED, SagaState.COMPENSATED, SagaState.FAILED, SagaState.CANCELLED))
NOT_ENDED: Final = LIVE | {SagaState.UNKNOWN}
"""What has to be looked after: a state that nobody can read may be a live one."""


class StepStatus(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    EXECUTING = "executing"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"
    COMPENSATION_FAILED = "compensation_failed"
    UNKNOWN = "unknown"


class SagaRef(msgspec.Struct, frozen=True, gc=False, order=True):
    """Which saga: the store's configured name and the saga's id in its canonical form."""

    store: str
    saga_id: str

    def __str__(self) -> str:
        """Name it as `store/id`; outside text, to be shown only through `untrusted`."""
        return f"{self.store}/{self.saga_id}"


class Doubt(msgspec.Struct, frozen=True, gc=False):
    """Something a row held that could not be read; never dropped, never guessed.

    `field` is the canonical name (`state`, `updated_at`, `steps`, `steps[2].executed_at`), `raw` the store's
    own text (cut to a bound by the adapter), `reason` what was expected.
    """

    field: str
    raw: str
    reason: str


NOT_LOOKED_AT: Final = "not looked at"
"""The `raw` of a doubt about what was not asked for, because all of a big table would be read for it."""


class Owner(msgspec.Struct, frozen=True, gc=False):
    """Who works on the saga: `alive` is None where nobody can tell."""

    name: str
    alive: bool | None = None
    lease_until: datetime | None = None
    heartbeat_at: datetime | None = None


class OutboxEntry(msgspec.Struct, frozen=True, gc=False):
    """One command in the application's outbox table: `sent` is None where the table doesn't say."""

    entry_id: str
    source: str
    step: str | None = None
    sent: bool | None = None
    created_at: datetime | None = None
    sent_at: datetime | None = None


class ReplyOutcome(StrEnum):
    """What a participant answered: that it did what it was asked for, or that it did not."""

    DONE = "done"
    REFUSED = "refused"


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """A command of the saga that a consumer received; `message_id` is the id of its outbox entry."""

    message_id: str
    source: str
    consumer: str | None = None
    at: datetime | None = None


class Reply(msgspec.Struct, frozen=True, gc=False):
    """A participant's answer to one of the saga's commands; None where the store doesn't tell.

    `answers` is the id of the command's outbox entry. `taken` says whether the saga's own consumer received it, `sent`
    whether it has left the participant's outbox.
    """

    reply_id: str
    answers: str
    source: str
    outcome: ReplyOutcome | None = None
    at: datetime | None = None
    sent: bool | None = None
    taken: bool | None = None
    taken_by: str | None = None
    """The consumer that takes the saga's replies."""


class LockWait(msgspec.Struct, frozen=True, gc=False):
    """A lock that the saga waits for, and the saga that holds it; None where nobody does."""

    target: str
    source: str
    holder_id: str | None = None


class Step(msgspec.Struct, frozen=True, gc=False):
    """One action with its compensation; every time is aware UTC, `attempts` counts tries of this step."""

    name: str
    index: int
    status: StepStatus = StepStatus.UNKNOWN
    raw_status: str | None = None
    action: str | None = None
    compensation: str | None = None
    started_at: datetime | None = None
    executed_at: datetime | None = None
    compensated_at: datetime | None = None
    timeout_at: datetime | None = None
    attempts: int | None = None
    next_attempt_at: datetime | None = None
    error: str | None = None
    result: bytes | None = None
    """The participant's reply as JSON bytes, undecoded; None where there is none (JSON null counts as none)."""
    derived: bool = False
    """The status was concluded from other columns (a cursor, a counter), not read."""


class Saga(msgspec.Struct, frozen=True, gc=False):
    """One run of a business transaction, as its store tells it.

    `steps` is None where the store has none to tell, and empty where it says that there are none. `source` is
    the place to name in evidence (`orders.public.sagas`). Every time is aware UTC or None.
    """

    store: str
    saga_id: str
    state: SagaState
    raw_state: str | None = None
    saga_type: str | None = None
    source: str = ""
    current_step: str | None = None
    steps: tuple[Step, ...] | None = None
    business_key: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    ended_at: datetime | None = None
    deadline: datetime | None = None
    version: str | None = None
    attempts: int | None = None
    next_attempt_at: datetime | None = None
    error: str | None = None
    owner: Owner | None = None
    waiting_for: str | None = None
    parent_id: str | None = None
    repaired_by: str | None = None
    correlation_id: str | None = None
    trace_id: str | None = None
    payload: bytes | None = None
    """Only in a detail view: the payload column as it stands."""
    outbox: tuple[OutboxEntry, ...] = ()
    received: tuple[Receipt, ...] = ()
    """Of a live saga: who received its latest commands."""
    replies: tuple[Reply, ...] = ()
    """Of a live saga: what was answered to its latest commands."""
    waits_on: tuple[LockWait, ...] = ()
    """Of a live saga: the locks that it waits for."""
    doubts: tuple[Doubt, ...] = ()
    derived: tuple[str, ...] = ()
    """Names of fields that were concluded from others (`created_at` from an id that holds milliseconds)."""

    @property
    def ref(self) -> SagaRef:
        """Return what identifies this saga."""
        return SagaRef(self.store, self.saga_id)

    @property
    def is_live(self) -> bool:
        """Say whether the saga should still be moving; an unknown state counts as live."""
        return self.state in NOT_ENDED


RUNNING_WORDS: Final[Mapping[str, SagaState]] = {
    "running": SagaState.PENDING,
    "submitted": SagaState.PENDING,
}
"""Words of other vocabularies that are read as one of ours, also on the right side of a mapping's `values`."""
