"""Treatments proposed: what kind, on which step, how safe, and why."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class RemedyKind(StrEnum):
    """What would be done."""

    RESEND_COMPENSATION = "resend-compensation"
    RETRY_STEP = "retry-step"
    DELIVER_REPLY = "deliver-reply"
    FAIL_STEP = "fail-step"
    CLOSE_SAGA = "close-saga"
    REQUEUE_LETTER = "requeue-letter"
    REPUBLISH_EVENT = "republish-event"
    RESTART_RELAY = "restart-relay"
    WAIT = "wait"
    RESOLVE = "resolve"
    ARCHIVE_LETTER = "archive-letter"
    CALL_HUMAN = "call-human"


REPAIRS = frozenset(
    (
        RemedyKind.RESEND_COMPENSATION,
        RemedyKind.RETRY_STEP,
        RemedyKind.DELIVER_REPLY,
        RemedyKind.FAIL_STEP,
        RemedyKind.CLOSE_SAGA,
        RemedyKind.REQUEUE_LETTER,
        RemedyKind.REPUBLISH_EVENT,
    )
)
"""Kinds that change something outside; the two-facts rule is about these."""


class Advice(StrEnum):
    """How safe a remedy is: `safe` needs a second source, `ask` a person who knows the participant."""

    SAFE = "safe"
    ASK = "ask"
    WAIT = "wait"
    REFUSE = "refuse"


class Remedy(msgspec.Struct, frozen=True, gc=False):
    """A treatment proposed; `override` is the code with which a person who knows better lifts a refusal."""

    kind: RemedyKind
    advice: Advice
    because: str
    step: str | None = None
    override: str | None = None
