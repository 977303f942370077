"""Timers for steps, kept in memory only: a restart forgets them, and nobody notices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from .process import ProcessDied
from .schedule import Event, Schedule


class TimeoutChecker:
    """Calls `on_timeout(saga_id, step_name)` when a step's time is over."""

    def __init__(self, schedule: Schedule) -> None:
        """Begin running, without timers."""
        self.on_timeout: Callable[[str, str], None] = lambda saga_id, step_name: None
        self._schedule = schedule
        self._running = True
        self._timers: dict[tuple[str, str], Event] = {}

    def arm(self, saga_id: str, step_name: str, at: datetime) -> None:
        """Check the step at `at`; while the checker is stopped nobody takes the note."""
        if self._running:
            check = partial(self._check, saga_id, step_name)
            self._timers[saga_id, step_name] = self._schedule.at(at, check)

    def start(self) -> None:
        """Take timers again, from now on."""
        self._running = True

    def stop(self) -> None:
        """Take no timers, and forget those there are."""
        self._running = False
        self.forget()

    def forget(self) -> None:
        """Lose every timer, as a restart does."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _check(self, saga_id: str, step_name: str) -> None:
        self._timers.pop((saga_id, step_name), None)
        try:
            self.on_timeout(saga_id, step_name)
        except ProcessDied:
            return
