"""Recording that a person knows of a finding, or of all findings of one cause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sagadoctor.errors import LedgerError
from sagadoctor.model.seen import Acknowledgement

from .backends import Backends


async def acknowledge(
    backends: Backends, targets: Sequence[str], lasting: timedelta, by: str, reason: str
) -> tuple[Acknowledgement, ...]:
    """Acknowledge findings (`f-…`) or groups (`g-…`) from now on for `lasting`; raises LedgerError."""
    if backends.ledger is None:
        raise LedgerError("there is no ledger to write an acknowledgement to")
    now = backends.clock.now()
    made = tuple(Acknowledgement(target, now + lasting, by, reason, now) for target in targets)
    await backends.ledger.acknowledge(made)
    return made
