"""Recording that a person knows of a finding, or of all findings of one cause."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from sagadoctor.errors import LedgerError
from sagadoctor.model.seen import Acknowledgement

from .backends import Backends


class Acknowledged(msgspec.Struct, frozen=True):
    """What was recorded; `unseen` are the findings and groups among it that no scan of this ledger has had."""

    made: tuple[Acknowledgement, ...]
    unseen: tuple[str, ...] = ()


async def acknowledge(
    backends: Backends,
    targets: Sequence[str],
    lasting: timedelta,
    by: str,
    reason: str,
    timeout: float | None = 60.0,
) -> Acknowledged:
    """Acknowledge findings (`f-…`) or groups (`g-…`) from now on for `lasting`; raises LedgerError.

    What no scan has had is acknowledged all the same: `show` may have told of it first. `timeout` is for all
    of it, in seconds.
    """
    if backends.ledger is None:
        raise LedgerError("there is no ledger to write an acknowledgement to")
    now = backends.clock.now()
    reason = backends.redactor.text(reason)  # the ledger keeps no secrets, and others will read it
    asked = list(dict.fromkeys(targets))
    findings = [target for target in asked if target.startswith("f-")]
    groups = [target for target in asked if target.startswith("g-")]
    made = tuple(Acknowledgement(target, now + lasting, by, reason, now) for target in targets)
    try:
        async with asyncio.timeout(timeout) as limit:
            known = {*(await backends.ledger.known(findings) if findings else ())}
            known |= await backends.ledger.known_groups(groups) if groups else frozenset()
            await backends.ledger.acknowledge(made)
    except TimeoutError as error:
        if not limit.expired():
            raise
        unsure = (
            f"the ledger {backends.ledger.place} did not answer within {timeout:g} s; look with `show` and try again"
        )
        raise LedgerError(unsure) from error
    return Acknowledged(made, tuple(target for target in asked if target not in known))
