"""Timing: interleaved runs, medians, and the largest memory of a process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SCALE = int(os.environ.get("SCALE", "500000"))
"""Sagas in all."""
ROUNDS = int(os.environ.get("ROUNDS", "7"))
LIVE = (10_000, 100_000)
STUCK = 2_000


def say(text: str) -> None:
    """Tell whoever waits what is going on."""
    sys.stderr.write(text + "\n")


@dataclass(slots=True)
class Figures:
    """The runs of one thing: seconds each, and the largest resident set of the process in MiB."""

    seconds: list[float] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Return the median of the seconds."""
        return statistics.median(self.seconds)

    @property
    def memory(self) -> float:
        """Return the median of the largest resident sets."""
        return statistics.median(self.mebibytes)

    @property
    def spread(self) -> str:
        """Return min and max, for a reader to see how noisy the machine was."""
        return f"{min(self.seconds) * 1000:.0f}..{max(self.seconds) * 1000:.0f} ms"


def process(
    command: Sequence[str | Path], environment: dict[str, str] | None = None, codes: Sequence[int] = (0,)
) -> Figures:
    """Run one process with its output thrown away; raises RuntimeError when it ends with another code."""
    # Compiled modules must be kept, as an installation keeps them: else each run compiles whatever changed last.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    child = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env={**inherited, **(environment or {})},
    )
    assert child.stderr is not None
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in codes:
        raise RuntimeError(f"{command[0]} ended with {child.returncode}: {said.decode(errors='replace')[-2000:]}")
    return Figures([seconds], [usage.ru_maxrss / 1024])


def interleaved(rounds: int, **things: Callable[[], Figures]) -> dict[str, Figures]:
    """Run each thing once a round, in turn, so that a noisy moment hits all of them; one round before warms up."""
    measured = {name: Figures() for name in things}
    for number in range(rounds + 1):
        for name, thing in things.items():
            figures = thing()
            if number:
                measured[name].seconds += figures.seconds
                measured[name].mebibytes += figures.mebibytes
    return measured


def bare_import() -> list[str]:
    """Return the command whose time is what any such Python program pays before it does anything."""
    return [sys.executable, "-c", "import sqlalchemy, psycopg, typer"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what, the ratio, the limit, and the figures it comes from."""

    what: str
    ratio: float
    limit: float
    figures: str

    def __str__(self) -> str:
        """Return a line of a Markdown table."""
        held = "yes" if self.ratio <= self.limit else "NO"
        return f"| {self.what} | {self.ratio:.2f} | {self.limit:g} | {held} | {self.figures} |"


HEADER = "| what | ratio | limit | held | figures |\n|---|---|---|---|---|"
