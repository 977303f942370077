"""Who asks the ledger: a process, its clock, and the scans that it really runs at this moment."""

from __future__ import annotations

import threading

import msgspec

from sagadoctor.clock import Clock, SystemClock

from .owner import Process, this_process


class Run:
    """One scan of this process, from before its lease can be seen until it ends, well or badly."""

    _all: set[Run] = set()  # noqa: RUF012 - the process has one list of what it runs
    _changing = threading.Lock()

    def __init__(self, place: str, environment: str, reader: str) -> None:
        """Run from now on; the number is known when the lease is taken."""
        self.place = place
        self.environment = environment
        self.reader = reader
        self.number = 0
        with self._changing:
            self._all.add(self)

    def end(self) -> None:
        """Run no more, whether or not the ledger could be told."""
        with self._changing:
            self._all.discard(self)

    def is_run_here(self, number: int) -> bool:
        """Say whether this process runs the scan of this number and reader; if not, a failure left its lease."""
        wanted = (self.place, self.environment, self.reader, number)
        with self._changing:
            return any((run.place, run.environment, run.reader, run.number) == wanted for run in self._all)


class Asker(msgspec.Struct, frozen=True):
    """A process that asks, and the clock it goes by."""

    clock: Clock
    process: Process = msgspec.field(default_factory=this_process)

    def monotonic(self) -> float | None:
        """Return seconds that all processes of this boot share, or None where there are none."""
        return self.clock.monotonic() if self.process.machine and isinstance(self.clock, SystemClock) else None
