"""Reaching every backend once and saying how it went, with the time it took."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import CheckLevel, CheckLine, Store
from sagadoctor.errors import BackendError, LedgerError

from .backends import Backends

_GRACE = 2.0


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
        async with asyncio.timeout(None if remaining is None else remaining + _GRACE):
            return Checked(store.name, await store.check(deadline))
    except BackendError as error:
        return Checked(store.name, (CheckLine("reached", CheckLevel.FAILED, error.reason, error.hint),))
    except TimeoutError:
        line = CheckLine("reached", CheckLevel.FAILED, "did not answer within its time", "raise --timeout")
        return Checked(store.name, (line,))
    except Exception as error:  # noqa: BLE001 - a plugin's own mistake must not stop the other checks
        text = f"the plugin failed: {type(error).__name__}: {backends.redactor.text(str(error))}"
        return Checked(store.name, (CheckLine("plugin", CheckLevel.FAILED, text),))


async def _check_ledger(backends: Backends) -> Checked:
    if backends.ledger is None:
        return Checked("ledger", (CheckLine("ledger", CheckLevel.WARNING, "there is none"),))
    try:
        await backends.ledger.acknowledged((), backends.clock.now())
    except LedgerError as error:
        return Checked("ledger", (CheckLine("ledger", CheckLevel.WARNING, str(error)),))
    return Checked("ledger", (CheckLine("ledger", CheckLevel.OK, f"usable at {backends.ledger.place}"),))
