"""Dead letters: messages in a dead letter queue, and where they lie."""

from __future__ import annotations

from datetime import datetime

import msgspec


class LetterRef(msgspec.Struct, frozen=True, gc=False, order=True):
    """Where a letter lies: the queue's configured name and its coordinates there."""

    queue: str
    position: str


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """One message in a dead letter queue, as far as a diagnosis needs it."""

    queue: str
    position: str
    saga_id: str | None = None
    step: str | None = None
    origin: str | None = None
    reason: str | None = None
    error: str | None = None
    dead_at: datetime | None = None
    deaths: int | None = None

    @property
    def ref(self) -> LetterRef:
        """Return what identifies this letter."""
        return LetterRef(self.queue, self.position)
