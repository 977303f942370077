"""What a mapping can't know, and what follows: which rules can never fire on its sagas, what is judged otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from sagadoctor.api.v1 import Capability, CheckLevel, CheckLine

if TYPE_CHECKING:
    from .opened import Opened

_BY_STEPS: Final = (
    "forward-while-compensating",
    "concurrent-steps",
    "late-success",
    "undone-past-pivot",
    "false-completion",
    "half-compensated",
    "failure-not-handled",
    "nothing-to-compensate",
    "compensation-not-sent",
    "step-timed-out",
    "dirty-timeout",
    "wrong-compensation-order",
)
_UNSEARCHABLE: Final = (
    "business keys are read, but the database can't search what they are made of (pattern, values, const): sagas "
    "can't be found by key, nor those that share one"
)


def unknowable(opened: Opened) -> Iterator[CheckLine]:
    """Yield what this mapping can't know; what changes most of a diagnosis is a warning."""
    told, options = opened.capabilities, opened.options

    def warned(text: str, todo: str = "") -> CheckLine:
        return CheckLine("mapping", CheckLevel.WARNING, text, todo)

    if Capability.STEPS not in told:
        rules = ", ".join(_BY_STEPS)
        yield warned(f"no steps: half-compensated sagas can't be found, nor is any of {rules}; no repair is offered")
    if Capability.TIMES not in told:
        yield warned(
            "no time of change: progress is what two scans see, so the first scan judges nothing, and what is late is "
            "known only as well as scans are often"
        )
    if Capability.BUSINESS_KEYS not in told:
        if options.saga.business_key is not None:
            yield warned(_UNSEARCHABLE, "map the key as it stands in a column, or in the payload")
        else:
            yield warned("no business key: sagas can't be found by it, nor those that share one (duplicate-saga)")
    if Capability.PAYLOAD not in told:
        yield warned("no payload: messages can't be rebuilt from this store")
    fields = getattr(options.steps, "fields", None)
    columns = getattr(options.steps, "steps", ())
    places = [fields, options.steps, *columns]
    if not any(getattr(each, "error", None) is not None for each in places) and options.saga.error is None:
        yield warned("no error texts: causes can't be grouped, and a retry loop is found by its count alone")
    if options.saga.version is None and "updated_at" not in opened.reader.times.columns:
        yield warned("no version and no time of change: only a row's whole content tells that it changed")
    missing = list(_unmapped(opened))
    if missing:
        yield CheckLine("mapping", CheckLevel.OK, f"not mapped, so these are never found: {', '.join(missing)}")


def _unmapped(opened: Opened) -> Iterator[str]:
    """Yield what else could be mapped, with the rule that needs it."""
    saga, options = opened.options.saga, opened.options
    fields = getattr(options.steps, "fields", None)
    if saga.attempts is None and getattr(fields, "attempts", None) is None and options.steps.shape != "log_table":
        yield "attempts (retry-loop)"
    if saga.next_attempt_at is None and getattr(fields, "next_attempt_at", None) is None:
        yield "the next attempt (wake-up-missed)"
    if saga.owner is None:
        yield "owner (owner-gone)"
    elif saga.owner.alive is None and saga.lease_until is None:
        yield "an owner's lease or heartbeat (owner-gone)"
    for capability, text in (
        (Capability.OUTBOX, "outbox (outbox-unpublished)"),
        (Capability.REPLIES, "replies (reply-lost)"),
    ):
        if capability not in opened.capabilities:
            yield text
    if not opened.capabilities & {Capability.LOCKS, Capability.LINKS}:
        yield "parents or locks (blocked-by)"
