"""A moment by which work must have ended, measured on the monotonic clock."""

from __future__ import annotations

import msgspec

from sagadoctor.clock import Clock
from sagadoctor.errors import DeadlineExceeded


class Deadline(msgspec.Struct, frozen=True):
    """Ends at `ends` on `clock.monotonic()`; None never ends."""

    clock: Clock
    ends: float | None

    @classmethod
    def after(cls, clock: Clock, seconds: float | None) -> Deadline:
        """Return a deadline `seconds` from now; None for none."""
        return cls(clock, None if seconds is None else clock.monotonic() + seconds)

    def sooner(self, seconds: float) -> Deadline:
        """Return whichever comes first: this deadline, or `seconds` from now."""
        other = self.clock.monotonic() + seconds
        return Deadline(self.clock, other if self.ends is None else min(self.ends, other))

    def remaining(self) -> float | None:
        """Return the seconds left, never below zero; None when there is no end."""
        return None if self.ends is None else max(0.0, self.ends - self.clock.monotonic())

    def check(self, source: str) -> None:
        """Raise DeadlineExceeded when the time is over."""
        if self.ends is not None and self.clock.monotonic() >= self.ends:
            raise DeadlineExceeded("not finished within the time it was given", source=source, hint="raise --timeout")
