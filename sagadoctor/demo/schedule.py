"""The demo's time: events in order, and a clock that moves only from one event to the next."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from sagadoctor.clock import StillClock


@dataclass(order=True, slots=True)
class Event:
    """Something that will happen; `number` keeps two events of one moment in the order they were asked for."""

    when: datetime
    number: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Let it not happen."""
        self.cancelled = True


class Schedule:
    """A discrete-event simulation: three simulated hours take as long as their events, not three hours."""

    def __init__(self, starts_at: datetime) -> None:
        """Begin at `starts_at` with nothing to do."""
        self.clock = StillClock(starts_at)
        self._events: list[Event] = []
        self._numbers = count()

    def now(self) -> datetime:
        """Return the simulated present."""
        return self.clock.now()

    def at(self, when: datetime, action: Callable[[], None]) -> Event:
        """Have `action` called at `when`, or as soon as possible when that is past."""
        event = Event(max(when, self.now()), next(self._numbers), action)
        heapq.heappush(self._events, event)
        return event

    def after(self, delay: timedelta, action: Callable[[], None]) -> Event:
        """Have `action` called `delay` from now."""
        return self.at(self.now() + delay, action)

    def run(self, until: datetime) -> None:
        """Let everything happen that is due up to and including `until`, and leave the clock there."""
        while self._events and self._events[0].when <= until:
            event = heapq.heappop(self._events)
            if event.cancelled:
                continue
            self._move_to(event.when)
            event.action()
        self._move_to(until)

    def _move_to(self, when: datetime) -> None:
        if when > self.now():
            self.clock.advance(when - self.now())
