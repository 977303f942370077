"""A daemon thread for a blocking library: the event loop waits for its answers, never for the thread itself."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Worker:
    """One daemon thread that runs blocking calls in the order they are asked for.

    A call that hangs keeps its thread, not the program: `asyncio.run` and the interpreter leave without it.
    """

    def __init__(self, name: str) -> None:
        """Name the thread; it starts with the first call."""
        self._name = name
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()

    async def call(self, work: Callable[..., T], *args: Any, timeout: float | None = None) -> T:
        """Run `work(*args)` in the thread and return what it returns, or raise what it raises.

        Raises TimeoutError after `timeout` seconds; the call then goes on in its thread and its answer is dropped,
        so whoever gives a timeout also ends the work (cancels the statement, closes the socket).
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(value: Any, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)

        def call() -> None:
            value, error = None, None
            try:
                value = work(*args)
            except BaseException as raised:  # noqa: BLE001 - handed over to whoever awaits
                error = raised
            try:
                loop.call_soon_threadsafe(settle, value, error)
            except RuntimeError:
                return  # the loop is closed: nobody waits for this answer any more

        self._calls.put(call)
        async with asyncio.timeout(timeout):
            return await future

    def stop(self) -> None:
        """Let the thread end after what it is doing; nobody waits for it."""
        if self._thread is not None:
            self._calls.put(None)
            self._thread = None
