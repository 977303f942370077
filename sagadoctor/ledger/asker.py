"""Who asks the ledger: a process, its clock, and the scans that it really runs at this moment."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from sagadoctor.clock import Clock, SystemClock

from .owner import Process, this_process


class Run:
    """One scan of this process, from before its lease can be seen until it ends, well or badly."""

    _all: set[Run] = set()  # noqa: RUF012 - the process has one list of what it runs
    _changing = threading.Lock()

    def __init__(self, place: str, reader: str) -> None:
        """Run from now on; the number is known when the lease is taken."""
        self.place = place
        self.reader = reader
        self.number = 0
        with self._changing:
            self._all.add(self)

    def end(self) -> None:
        """Run no more, whether or not the ledger could be told."""
        with self._changing:
            self._all.discard(self)

    @classmethod
    def goes_on(cls, place: str, reader: str, number: int) -> bool:
        """Say whether this process runs that scan; if not, its lease was left by a failure."""
        with cls._changing:
            return any((run.place, run.reader, run.number) == (place, reader, number) for run in cls._all)


@dataclass(frozen=True, slots=True)
class Asker:
    """A process that asks, and the clock it goes by."""

    clock: Clock
    process: Process = field(default_factory=this_process)

    def monotonic(self) -> float | None:
        """Return seconds that all processes of this boot share, or None where there are none."""
        return self.clock.monotonic() if self.process.machine and isinstance(self.clock, SystemClock) else None
