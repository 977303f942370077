"""The next part is fetched while this one is read: a server works beside us, one part ahead and no more."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

T = TypeVar("T")


def beforehand(parts: Sequence[Callable[[], T]]) -> Generator[T, None, None]:
    """Yield what each part returns, raise what it raises; parts run one after the other in a thread of their own.

    However the iteration ends, no part runs any more once it has: a connection that parts use is free again.
    """
    if len(parts) < 2:
        for part in parts:
            yield part()
        return
    done: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()
    wanted = threading.Semaphore(2)
    stopped = threading.Event()

    def work() -> None:
        for part in parts:
            wanted.acquire()
            if stopped.is_set():
                return
            try:
                done.put((part(), None))
            except BaseException as error:  # noqa: BLE001 - raised where the part's result is awaited
                done.put((None, error))
                return

    thread = threading.Thread(target=work, name="sagadoctor-beforehand", daemon=True)
    thread.start()
    try:
        for _ in parts:
            value, error = done.get()
            if error is not None:
                raise error
            yield value  # type: ignore[misc]
            wanted.release()
    finally:
        stopped.set()
        wanted.release()
        thread.join()
