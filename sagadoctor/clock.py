"""Time in one place: everything that needs to know what time it is gets a Clock passed in."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec


class Clock(Protocol):
    """Tells the time; the wall for facts, the monotonic one for deadlines."""

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never step back, from an arbitrary start."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never step back."""
        return time.monotonic()


class StillClock(msgspec.Struct):
    """A clock that stands still until it is told to move; for tests and for `--as-of`."""

    at: datetime
    seconds: float = msgspec.field(default=0.0)

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self.at

    def monotonic(self) -> float:
        """Return the seconds it was advanced so far."""
        return self.seconds

    def advance(self, by: timedelta) -> None:
        """Move forward by `by`."""
        self.at += by
        self.seconds += by.total_seconds()
