"""Reaching every backend once and saying how it went, with the time it took."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import CheckLevel, CheckLine, Store
from sagadoctor.errors import BackendError, LedgerError

from .backends import Backends
from .guard import GRACE, guarded


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found out about one backend."""

    source: str
    lines: tuple[CheckLine, ...]

    @property
    def worst(self) -> CheckLevel:
        """Return the worst level among the lines."""
        levels = {line.level for line in self.lines}
        for level in (CheckLevel.FAILED, CheckLevel.WARNING):
            if level in levels:
                return level
        return CheckLevel.OK


async def check(backends: Backends, stores: frozenset[str] | None, timeout: float | None) -> tuple[Checked, ...]:
    """Check all backends side by side; one that fails or hangs is a line, never an exception."""
    deadline = Deadline.after(backends.clock, timeout)
    about_stores = await asyncio.gather(*(_check_store(store, backends, deadline) for store in backends.named(stores)))
    return (*about_stores, await _check_ledger(backends))


async def _check_store(store: Store, backends: Backends, deadline: Deadline) -> Checked:
    remaining = deadline.remaining()
    try:
        async with guarded(backends.redactor, None if remaining is None else remaining + GRACE):
            lines = tuple(await store.check(deadline))
            if not all(isinstance(line, CheckLine) for line in lines):
                raise TypeError("check() gave something else than lines")
    except BackendError as error:
        lines = (CheckLine("reached", CheckLevel.FAILED, error.reason, error.hint),)
    return Checked(store.name, lines)


async def _check_ledger(backends: Backends) -> Checked:
    if backends.ledger is None:
        return Checked("ledger", (CheckLine("ledger", CheckLevel.WARNING, "there is none"),))
    try:
        await backends.ledger.acknowledged((), backends.clock.now())
    except LedgerError as error:
        return Checked("ledger", (CheckLine("ledger", CheckLevel.WARNING, str(error)),))
    return Checked("ledger", (CheckLine("ledger", CheckLevel.OK, f"usable at {backends.ledger.place}"),))
