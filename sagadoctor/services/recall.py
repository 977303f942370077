"""The ledger for the length of one look: a ledger that fails is left alone, and nothing is concluded from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sagadoctor.errors import LedgerError

from .ports import Ledger

T = TypeVar("T")


@dataclass(slots=True)
class Recall:
    """What is remembered, as far as it can be; `failed` is why the ledger isn't asked any more."""

    ledger: Ledger | None
    failed: LedgerError | None = None

    async def ask(self, question: Callable[[Ledger], Awaitable[T]]) -> T | None:
        """Return the ledger's answer; None where there is no ledger, or it failed now or before."""
        if self.ledger is None or self.failed is not None:
            return None
        try:
            return await question(self.ledger)
        except LedgerError as error:
            self.failed = error
            return None
