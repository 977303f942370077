"""A process of the company, which can die and be started again by its supervisor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from .faults import CrashBetweenSaveAndPublish, Faults, Moment
from .schedule import Schedule


class ProcessDied(Exception):
    """The process is gone: what it had not committed, and all it held in memory, is lost."""


class Process:
    """Is up or down; what it holds in memory says in `on_death` how it forgets."""

    restart_after = timedelta(seconds=20)

    def __init__(self, schedule: Schedule, faults: Faults) -> None:
        """Begin up."""
        self.up = True
        self.on_death: list[Callable[[], None]] = []
        self._schedule = schedule
        self._faults = faults

    def is_up(self) -> bool:
        """Say whether it can take a message now."""
        return self.up

    def reach(self, moment: Moment, reference: str | None, topic: str | None) -> None:
        """Come to a moment at which it may die, and perhaps do so."""
        now = self._schedule.now()
        strike = self._faults.strike(
            CrashBetweenSaveAndPublish, reference, topic, now, meant=lambda fault: fault.moment is moment
        )
        if strike is not None:
            self.die()
            raise ProcessDied(f"died {moment}")

    def die(self) -> None:
        """Go down, forget, and come up again a little later without looking back."""
        self.up = False
        for forget in self.on_death:
            forget()
        self._schedule.after(self.restart_after, self._come_up)

    def _come_up(self) -> None:
        self.up = True
