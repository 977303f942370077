"""Everything that a service works with, wired once by bootstrap."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec

from sagadoctor.api.ports import Store
from sagadoctor.clock import Clock
from sagadoctor.errors import BackendError, LedgerError
from sagadoctor.model.policy import Policy
from sagadoctor.redaction import Redactor

from .guard import guarded
from .ports import Ledger

_CLOSE_SECONDS = 3.0


class Backends(msgspec.Struct, frozen=True):
    """The configured backends of one environment; `ledger` is None where none can be had."""

    stores: tuple[Store, ...]
    policy: Policy
    clock: Clock
    ledger: Ledger | None = None
    redactor: Redactor = msgspec.field(default_factory=Redactor)
    live_cap: int = 200_000

    def named(self, names: frozenset[str] | None) -> tuple[Store, ...]:
        """Return the stores of these names, or all."""
        return tuple(store for store in self.stores if names is None or store.name in names)

    async def close(self) -> None:
        """Let go of every backend at once; one that fails to close, or hangs, doesn't keep the others open."""
        backends: tuple[Store | Ledger, ...] = self.stores if self.ledger is None else (*self.stores, self.ledger)
        await asyncio.gather(*map(self._close, backends))

    async def _close(self, backend: Store | Ledger) -> None:
        with suppress(BackendError, LedgerError):
            async with guarded(self.redactor, _CLOSE_SECONDS):
                await backend.close()
