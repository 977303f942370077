"""Scans that crashed are not waited for, scans that run are left alone, whatever the wall clock does."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sagadoctor.clock import StillClock, SystemClock
from sagadoctor.errors import LedgerError, LedgerLocked
from sagadoctor.ledger import SqlLedger, asker, open_ledger
from sagadoctor.ledger.line import Line, Work
from sagadoctor.ledger.owner import this_process

from .build import LEASE, NOW, after, finding, scan, using

PROGRAM = """
import asyncio, sys
from sagadoctor.clock import StillClock
from sagadoctor.ledger import open_ledger
from tests.ledger.build import LEASE, NOW, finding

async def main():
    ledger = open_ledger(sys.argv[1], None, StillClock(NOW))
    ticket = await ledger.begin("cron", NOW, LEASE)
    await ledger.compare(ticket, [finding("f-1")], NOW)
    print("scanning", flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


@pytest.fixture
def scanning(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Give another process in the middle of its scan."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "ledger.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "scanning\n"
        yield process
        process.kill()


def test_row_75_the_scan_of_another_process_is_told_and_a_killed_one_taken_over(
    tmp_path: Path, scanning: subprocess.Popen[str]
) -> None:
    async def use(ledger: SqlLedger) -> None:
        with pytest.raises(LedgerLocked, match=rf"as process {scanning.pid} on {os.uname().nodename}"):
            await ledger.begin("cron", after(1), LEASE)
        scanning.send_signal(signal.SIGKILL)
        # Dead, and not even buried yet.
        await asyncio.to_thread(os.waitid, os.P_PID, scanning.pid, os.WEXITED | os.WNOWAIT)
        assert await scan(ledger, "f-1", 2) == ({"f-1": "new"}, ())
        scanning.wait()

    using(lambda: open_ledger(tmp_path / "ledger.db", None, StillClock(NOW)), use)


def test_row_75_a_number_that_another_process_got_since_is_not_taken_for_the_scan(
    tmp_path: Path, scanning: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sagadoctor.ledger.owner._stat", lambda pid: ("S", "another birth"))
    using(lambda: open_ledger(tmp_path / "ledger.db", None, StillClock(NOW)), lambda ledger: scan(ledger, "f-1", 1))


def test_row_75_a_scan_whose_beginning_was_not_heard_of_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Line.run

    async def deaf(line: Line, work: Work[Any]) -> Any:
        await answer(line, work)
        raise LedgerError("the answer was lost")

    async def use(ledger: SqlLedger) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Line, "run", deaf)
            with pytest.raises(LedgerError, match="was lost"):
                await ledger.begin("cron", NOW, LEASE)
        assert (await ledger.begin("cron", after(1), LEASE)).number == 2

    using(lambda: open_ledger(tmp_path / "ledger.db", None, StillClock(NOW)), use)


@pytest.mark.parametrize("elsewhere", [{"host": "other"}, {"machine": "another boot"}])
def test_row_75_a_scan_of_another_host_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: dict[str, str]
) -> None:
    gone = replace(this_process(), pid=2**22 + 1, **elsewhere)

    async def use(ledger: SqlLedger) -> None:
        with monkeypatch.context() as patched:
            patched.setattr("sagadoctor.ledger.sql_ledger.Asker", lambda clock: asker.Asker(clock, gone))
            await ledger.begin("cron", NOW, LEASE)
        with pytest.raises(LedgerLocked):
            await ledger.begin("cron", after(1), LEASE)
        await ledger.begin("cron", after(LEASE), LEASE)

    using(lambda: open_ledger(tmp_path / "ledger.db", None, StillClock(NOW)), use)


@dataclass
class Ticking(SystemClock):
    """The clock of this machine, with hands that a test moves."""

    seconds: float = 0.0

    def monotonic(self) -> float:
        """Return what the test says."""
        return self.seconds


def test_row_76_the_steady_clock_of_another_machine_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Ticking()

    async def use(ledger: SqlLedger) -> None:
        with monkeypatch.context() as patched:
            away = replace(this_process(), host="other", machine="another boot")
            patched.setattr("sagadoctor.ledger.sql_ledger.Asker", lambda clock: asker.Asker(clock, away))
            await ledger.begin("cron", NOW, LEASE)
        clock.seconds = 10 * LEASE
        with pytest.raises(LedgerLocked):
            await ledger.begin("cron", after(LEASE - 1), LEASE)
        assert (await ledger.begin("cron", after(LEASE), LEASE)).number == 2

    using(lambda: open_ledger(tmp_path / "ledger.db", None, clock), use)


@pytest.mark.skipif(not this_process().machine, reason="needs Linux: elsewhere processes share no steady clock")
def test_row_76_on_one_machine_the_steady_clock_ends_a_lease(tmp_path: Path) -> None:
    clock = Ticking()

    async def use(ledger: SqlLedger) -> None:
        ticket = await ledger.begin("cron", NOW, LEASE)
        clock.seconds = LEASE - 1
        for stepped in (-86_400, 0, 86_400):
            with pytest.raises(LedgerLocked):
                await ledger.begin("cron", after(stepped), LEASE)
        await ledger.compare(ticket, [finding("f-1")], NOW)
        clock.seconds = 2 * LEASE - 2
        with pytest.raises(LedgerLocked):
            await ledger.begin("cron", NOW, LEASE)
        clock.seconds = 2 * LEASE - 1
        assert (await ledger.begin("cron", after(-86_400), LEASE)).number == 2

    using(lambda: open_ledger(tmp_path / "ledger.db", None, clock), use)
