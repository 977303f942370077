"""A thread with an event loop of its own for the code of one plugin: it may block, and nobody else notices."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")
_SHORT: Final = 0.1


class HouseholdTimeoutError(Exception):
    """The plugin did not answer in time; its thread goes on, or hangs, without us."""


class Household:
    """Runs one plugin's code; a daemon thread, so that the program ends without it."""

    def __init__(self, plugin: str) -> None:
        """Name the plugin; the thread starts with the first question."""
        self.plugin = plugin
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun = threading.Lock()
        self._blocked = False
        """Nothing has run there since somebody waited in vain."""

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._begun:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                name = f"plugin-{self.plugin}"
                threading.Thread(target=self._run, args=(self._loop,), name=name, daemon=True).start()
            return self._loop

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        while True:
            try:
                loop.run_forever()
            except BaseException:  # noqa: BLE001, S112 - `sys.exit` in a task of the plugin's ends its loop, not ours
                continue

    def call(self, work: Callable[[], T], seconds: float) -> T:
        """Run a blocking function there and wait; raises what it raises, or HouseholdTimeoutError.

        Of whoever waits here everything waits: only for what comes before an event loop runs.
        """
        answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

        def run() -> None:
            try:
                answers.put((work(), None))
            except BaseException as error:  # noqa: BLE001 - handed over to whoever waits
                answers.put((None, _carried(error)))

        self._running().call_soon_threadsafe(run)
        try:
            value, error = answers.get(timeout=seconds)
        except queue.Empty:
            raise HouseholdTimeoutError from None
        if error is not None:
            raise error
        return value  # type: ignore[return-value]

    def _moves(self) -> None:
        self._blocked = False

    async def ask(self, work: Callable[[], Coroutine[Any, Any, T]], seconds: float | None) -> T:
        """Run a coroutine there and wait; raises what it raises, or HouseholdTimeoutError.

        Whoever is cancelled is let go at once, and the plugin's own work is told to end. Where the thread itself hangs,
        nobody waits for long a second time.
        """
        if self._blocked:
            seconds = _SHORT if seconds is None else min(seconds, _SHORT)
        ours, theirs = asyncio.get_running_loop(), self._running()
        answer: asyncio.Future[T] = ours.create_future()
        begun: list[asyncio.Task[None]] = []

        def settle(value: Any, error: BaseException | None) -> None:
            if not answer.done():
                if error is None:
                    answer.set_result(value)
                else:
                    answer.set_exception(error)

        async def main() -> None:
            value: T | None = None
            error: BaseException | None = None
            try:
                value = await work()
            except asyncio.CancelledError:
                error = RuntimeError("it cancelled itself")
            except BaseException as raised:  # noqa: BLE001 - handed over to whoever waits
                error = _carried(raised)
            try:
                ours.call_soon_threadsafe(settle, value, error)
            except RuntimeError:
                return  # our loop is closed: nobody waits any more

        def begin() -> None:
            if not answer.cancelled():
                begun.append(theirs.create_task(main()))

        theirs.call_soon_threadsafe(begin)
        try:
            async with asyncio.timeout(seconds) as limit:
                return await answer
        except TimeoutError:
            if limit.expired():
                self._blocked = True
                theirs.call_soon_threadsafe(self._moves)
                raise HouseholdTimeoutError from None
            raise
        finally:
            if not answer.done() or answer.cancelled():
                theirs.call_soon_threadsafe(lambda: [task.cancel() for task in begun])


def _carried(raised: BaseException) -> BaseException:
    """Return an error that a future can hold, and whose traceback holds on to nothing."""
    if not isinstance(raised, Exception) or isinstance(raised, StopIteration):
        return RuntimeError(f"{type(raised).__name__}{f': {raised}' if str(raised) else ''}")
    return raised
