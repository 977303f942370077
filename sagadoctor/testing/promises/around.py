"""What lies around a live saga comes with it: receipts and replies of its own commands, and the locks it waits for."""

from __future__ import annotations

import unittest
from typing import Any

from sagadoctor.api.v1 import LockWait, OutboxEntry, Receipt, Saga, Store

from .compare import AROUND, assert_each_once, differences, ids_of
from .setting import StoreSetting, later, rows_of


class AroundSagas(StoreSetting):
    """Each saga has its own, live ones alone, and `fetch()` tells what `read()` does."""

    def _with_mail(self, number: int, **fields: Any) -> Saga:
        sent = OutboxEntry(f"message-{number}", "", "charge_card", sent=True, created_at=self.now, sent_at=self.now)
        return self.plain(number, outbox=(sent,), **fields)

    def _assert_own(self, rows: list[Saga]) -> None:
        """Refuse what differs from what was written, read or fetched."""

        async def work(store: Store) -> list[list[Saga]]:
            return [await rows_of(store), list(await store.fetch(ids_of(rows), later()))]

        for told in self.ask(rows, work):
            assert_each_once(told, rows)
            by_id = {saga.saga_id: saga for saga in told}
            for saga in rows:
                said = differences(self.expected(saga), by_id[saga.saga_id])
                wrong = [each for each in said if each.partition("[")[0].partition(":")[0] in AROUND]
                assert not wrong, f"saga {saga.saga_id}: " + "; ".join(wrong)

    def test_each_saga_has_the_replies_to_its_own_commands(self) -> None:
        """Whether one was taken is told of each; a saga that nobody answered has none."""
        if not (self.tells_of("replies") and self.tells_of("outbox")):
            raise unittest.SkipTest("the store tells nothing of replies")
        taken = self.reply(2, taken=True)
        self._assert_own(
            [
                self._with_mail(1, replies=(self.reply(1),)),
                self._with_mail(2, replies=(taken,)),
                self._with_mail(3),
                self.plain(4),
            ]
        )

    def test_each_saga_has_the_receipts_of_its_own_commands(self) -> None:
        """Who received a command; one that nobody received has none."""
        if not (self.tells_of("received") and self.tells_of("outbox")):
            raise unittest.SkipTest("the store tells nothing of who received a command")
        receipts = [Receipt(f"message-{number}", "", consumer, self.now) for number, consumer in ((1, "a"), (2, "b"))]
        self._assert_own(
            [*(self._with_mail(number, received=(receipts[number - 1],)) for number in (1, 2)), self._with_mail(3)]
        )

    def test_locks_are_told_of_who_waits_with_the_saga_that_holds_them(self) -> None:
        """The holder by its id as it is printed, so that it can be fetched; None where nobody holds the lock."""
        if not self.tells_of("waits_on"):
            raise unittest.SkipTest("the store tells nothing of locks")
        holder = self.saga_id(3)
        rows = [
            self.plain(1, waits_on=(LockWait("card", "", holder),)),
            self.plain(2, waits_on=(LockWait("card", "", holder),)),
            self.plain(3),
            self.plain(4, waits_on=(LockWait("nobody's", "", None),)),
        ]
        self._assert_own(rows)

        async def work(store: Store) -> list[str]:
            [waiting] = await store.fetch([self.saga_id(1)], later())
            return ids_of(await store.fetch([str(each.holder_id) for each in waiting.waits_on], later()))

        assert self.ask(rows, work) == [holder], "the holder is not found by the id that the lock names"

    def test_of_ended_sagas_nothing_around_them_is_told(self) -> None:
        """Nobody waits for a reply any more, nor for a lock."""
        kept = [name for name in AROUND[1:] if self.tells_of(name)]
        if not kept:
            raise unittest.SkipTest("the store tells nothing of what lies around a saga")
        full = self.full(1)
        around = {name: getattr(full, name) for name in kept}
        written = self.full(1, self.ended_state, **around)

        async def work(store: Store) -> list[Saga]:
            return [*await rows_of(store, all_ended=True), *await store.fetch([written.saga_id], later())]

        for saga in self.ask([written], work):
            told = [name for name in kept if getattr(saga, name)]
            assert not told, f"saga {saga.saga_id} has ended, and still tells {', '.join(told)}"

    def test_what_is_told_around_sagas_is_claimed(self) -> None:
        """Whoever asks the capabilities first must not miss anything."""
        rows = [self.full(1)]

        async def work(store: Store) -> None:
            await rows_of(store)
            [saga] = await store.fetch(ids_of(rows), later())
            claimed = {str(each) for each in store.capabilities}
            for name in AROUND:
                capability = "locks" if name == "waits_on" else name
                assert not getattr(saga, name) or capability in claimed, f"{name} is told, and not claimed"

        self.ask(rows, work)
