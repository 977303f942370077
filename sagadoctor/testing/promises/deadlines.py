"""A backend that hangs is left by the deadline, and nothing of it keeps the program from going on or ending."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import unittest
from collections.abc import Iterator
from functools import partial

from sagadoctor.api.v1 import Saga, Store

from .compare import assert_each_once
from .manners import MOST_CONNECTIONS
from .questions import QUESTIONS, may_answer, refusal
from .setting import CLOCK, StoreSetting, Watch, alone, later, rows_of


class Deadlines(StoreSetting):
    """What happens when the backend takes a question and never answers."""

    def test_a_backend_that_hangs_is_left_by_the_deadline(self) -> None:
        """Each question ends with a BackendError, and so does the event loop."""
        rows = [self.plain(1)]
        with self._hanging(rows) as store:
            threads = set(threading.enumerate())
            for name in QUESTIONS:
                alone(partial(self._assert_left, store, name), self.short + 2 * self.patience)
            self._assert_may_end(threads)

    def test_after_a_hang_the_store_can_be_asked_again(self) -> None:
        """In the same loop, over the connections that were left."""
        rows = [self.plain(1)]
        with contextlib.ExitStack() as until_mended:
            store = until_mended.enter_context(self._hanging(rows))

            async def work() -> list[Saga]:
                try:
                    for _ in range(3):
                        await self._assert_left(store, "fetch", close=False)
                    until_mended.close()
                    return await rows_of(store)
                finally:
                    await store.close()

            assert_each_once(alone(work, 4 * (self.short + self.patience)), rows)

    def test_whoever_gives_up_waiting_is_let_go_at_once(self) -> None:
        """A cancelled question ends now, not when the backend answers; never more than two connections."""
        rows = [self.plain(1)]
        watch = Watch(self.connections)
        with self._hanging(rows) as store:

            async def work() -> None:
                try:
                    for _ in range(4):
                        asked = [
                            asyncio.create_task(refusal(store, "fetch", later(), self.saga_id(1))) for _ in range(4)
                        ]
                        await asyncio.sleep(self.short / 5)
                        began = CLOCK.monotonic()
                        for each in asked:
                            each.cancel()
                        await asyncio.gather(*asked, return_exceptions=True)
                        took = CLOCK.monotonic() - began
                        assert took < self.patience, f"a cancelled question went on for {took:.1f} s"
                finally:
                    await store.close()

            threads = set(threading.enumerate())
            with watch.counting():
                alone(work, 4 * (self.short + self.patience))
            self._assert_may_end(threads)
        assert watch.most <= MOST_CONNECTIONS, f"{watch.most} connections at one time; a guest takes two"

    @contextlib.contextmanager
    def _hanging(self, rows: list[Saga]) -> Iterator[Store]:
        store = self.open(rows)
        hanging = self.hanging(store)
        if hanging is None:
            raise unittest.SkipTest("nobody said how to make the backend hang: def hanging(self, store)")
        with hanging:
            yield store

    async def _assert_left(self, store: Store, name: str, *, close: bool = True) -> None:
        began = CLOCK.monotonic()
        try:
            refused = await refusal(store, name, later(self.short), self.saga_id(1)) is not None
            assert refused or may_answer(store, name), f"{name}() had an answer although the backend hangs; or does it?"
        finally:
            if close:
                await store.close()
        took = CLOCK.monotonic() - began
        assert took < self.short + self.patience, f"{name}() was left after {took:.1f} s; its time was {self.short} s"

    def _assert_may_end(self, before: set[threading.Thread]) -> None:
        stuck = [each.name for each in set(threading.enumerate()) - before if not each.daemon]
        assert not stuck, f"threads that aren't daemons keep the program from ending: {', '.join(stuck)}"
