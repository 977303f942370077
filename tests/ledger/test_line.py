"""A database that hangs never hangs the program."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from sagadoctor.clock import StillClock
from sagadoctor.errors import LedgerError
from sagadoctor.ledger import SqlLedger
from sagadoctor.ledger.database import Contended, Database, Dropped, Row, Table

from .build import NOW


class Fake:
    """A database that answers as it is told; each connection takes the next answer."""

    place = "nowhere"

    def __init__(self, *answers: Callable[[], list[Row]]) -> None:
        """Take what `rows` does, call by call."""
        self.answers = list(answers)
        self.connected = 0
        self.interrupted = threading.Event()
        self.closed = 0
        self.let_go = threading.Semaphore(0)

    def connect(self) -> Database:
        """Count."""
        self.connected += 1
        return self

    def damaged(self, what: str) -> LedgerError:
        """Say it."""
        return LedgerError(what)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do nothing of the kind."""
        yield

    def rows(self, sql: str, *values: object) -> list[Row]:
        """Give the next answer."""
        return self.answers.pop(0)()

    def run(self, sql: str, *values: object) -> int:
        """Touch nothing."""
        return 0

    def put(self, table: Table, rows: Sequence[Sequence[Any]], merge: Mapping[str, str] | None = None) -> None:
        """Put nothing."""

    def interrupt(self) -> None:
        """Remember."""
        self.interrupted.set()

    def close(self) -> None:
        """Count, and tell whoever waits for it."""
        self.closed += 1
        self.let_go.release()


def fail(error: Exception) -> Callable[[], list[Row]]:
    """Return an answer that raises."""

    def answer() -> list[Row]:
        raise error

    return answer


def one() -> list[Row]:
    """Answer with a row."""
    return [(1,)]


def test_a_call_that_hangs_ends_in_an_error_and_the_next_one_gets_a_new_connection() -> None:
    fake = Fake()
    fake.answers = [lambda: [(fake.interrupted.wait(30),)], one]

    async def run() -> None:
        ledger = SqlLedger(fake, StillClock(NOW), call_seconds=0.5)
        with pytest.raises(LedgerError, match=r"the ledger nowhere did not answer within 0\.5 s"):
            await ledger.has_observed("orders")
        assert fake.interrupted.is_set()
        assert await ledger.has_observed("orders")
        assert fake.connected == 2
        await ledger.close()

    asyncio.run(run())
    assert all(fake.let_go.acquire(timeout=30) for _ in range(2))  # the thread that hung lets go when it notices
    assert fake.closed == 2


def test_who_stops_waiting_stops_the_work_and_nobody_else_s() -> None:
    fake = Fake()
    begun = threading.Event()

    def hang() -> list[Row]:
        begun.set()
        return [(fake.interrupted.wait(30),)]

    fake.answers = [hang, one]

    async def run() -> None:
        ledger = SqlLedger(fake, StillClock(NOW))
        first = asyncio.create_task(ledger.has_observed("orders"))
        second = asyncio.create_task(ledger.has_observed("orders"))
        await asyncio.to_thread(begun.wait)
        first.cancel()
        assert await second
        assert fake.interrupted.is_set()
        with pytest.raises(asyncio.CancelledError):
            await first
        await ledger.close()

    asyncio.run(run())


def test_work_that_nobody_wants_any_more_is_not_begun() -> None:
    fake = Fake()
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> list[Row]:
        begun.set()
        return [(go_on.wait(30),)]

    fake.answers = [slow, one, one]

    async def run() -> None:
        ledger = SqlLedger(fake, StillClock(NOW))
        first = asyncio.create_task(ledger.has_observed("orders"))
        second = asyncio.create_task(ledger.has_observed("orders"))
        await asyncio.to_thread(begun.wait)
        second.cancel()
        await asyncio.wait([second])
        go_on.set()
        assert await first
        assert await ledger.has_observed("orders")
        assert len(fake.answers) == 1
        assert not fake.interrupted.is_set()
        await ledger.close()

    asyncio.run(run())


def test_close_does_not_wait_for_a_thread_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagadoctor.ledger.sql_ledger._CLOSE_SECONDS", 0.05)
    fake, begun, never = Fake(), threading.Event(), threading.Event()
    fake.answers = [lambda: [(begun.set(), never.wait(30))]]

    async def run() -> None:
        ledger = SqlLedger(fake, StillClock(NOW))
        hanging = asyncio.create_task(ledger.has_observed("orders"))
        await asyncio.to_thread(begun.wait)
        await asyncio.wait_for(ledger.close(), 5)
        assert fake.interrupted.is_set()
        hanging.cancel()

    asyncio.run(run())
    never.set()


def test_the_program_ends_although_the_ledger_hangs() -> None:
    program = """
import asyncio, time
from sagadoctor.clock import SystemClock
from sagadoctor.errors import LedgerError
from sagadoctor.ledger import SqlLedger

class Hanging:
    place = "nowhere"
    def connect(self):
        time.sleep(60)

async def main():
    try:
        await SqlLedger(Hanging(), SystemClock(), 0.1).has_observed("orders")
    except LedgerError as error:
        print(error)

asyncio.run(main())
"""
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=True)
    assert "did not answer" in done.stdout
    assert time.monotonic() - started < 20


def test_contention_is_tried_again_on_the_same_connection() -> None:
    fake = Fake(fail(Contended("busy")), fail(Contended("busy")), one)

    async def run() -> None:
        ledger = SqlLedger(fake, StillClock(NOW))
        assert await ledger.has_observed("orders")
        assert fake.connected == 1
        await ledger.close()

    asyncio.run(run())


def test_a_connection_that_broke_is_made_anew() -> None:
    fake = Fake(fail(Dropped("gone")), one)

    async def run() -> None:
        ledger = SqlLedger(fake, StillClock(NOW))
        assert await ledger.has_observed("orders")
        assert (fake.connected, fake.closed) == (2, 1)
        await ledger.close()

    asyncio.run(run())


def test_after_a_few_times_it_is_an_error() -> None:
    fake = Fake(*[fail(Contended("busy"))] * 9)

    async def run() -> None:
        ledger = SqlLedger(fake, StillClock(NOW))
        with pytest.raises(LedgerError, match="busy"):
            await ledger.has_observed("orders")
        assert len(fake.answers) == 5
        await ledger.close()

    asyncio.run(run())
