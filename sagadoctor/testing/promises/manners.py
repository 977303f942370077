"""A good guest: reads and never writes, takes two connections, says what it can, fails with our own errors only."""

from __future__ import annotations

import asyncio
import time
import unittest
from datetime import datetime, timedelta
from typing import Final

from sagadoctor.api.typed import mistyped
from sagadoctor.api.v1 import Capability, CheckLevel, CheckLine, Saga, Store

from .compare import assert_each_once, checked, ids_of
from .questions import QUESTIONS, may_answer, refusal
from .setting import CLOCK, StoreSetting, Watch, alone, later, look, rows_of

MOST_CONNECTIONS: Final = 2
GIVEN_UP_AFTER: Final = (0, 0.001, 0.003, 0.01, 0.02, 0.05)
"""Seconds after which a question is given up: before, while and after it is carried out."""


class Manners(StoreSetting):
    """What the backend and the rest of the program notice of a store."""

    def test_nothing_can_be_written_over_the_stores_connection(self) -> None:
        """The backend itself refuses; that nobody means to write is not enough."""
        rows = [self.plain(number) for number in range(3)]

        async def work(store: Store) -> None:
            await rows_of(store)
            before = {saga.saga_id: saga for saga in await rows_of(store, all_ended=True)}
            try:
                await self.write(store)
            except unittest.SkipTest:
                raise
            except Exception:  # noqa: BLE001 - however the backend says no
                refused = True
            else:
                refused = False
            after = {saga.saga_id: saga for saga in await rows_of(store, all_ended=True)}
            assert after == before, "what was written over the store's connection is there now"
            assert refused, "a write over the store's connection was not refused"

        self.ask(rows, work)

    def test_never_more_than_two_connections(self) -> None:
        """However many questions are asked at once, also while they are given up; and none once it is closed."""
        if self.connections() is None:
            raise unittest.SkipTest("nobody said how to count connections: def connections(self)")
        rows = [self.plain(number) for number in range(300)]
        watch = Watch(self.connections)

        async def work(store: Store) -> None:
            await asyncio.gather(*(rows_of(store) for _ in range(3)), *(_fetch(store, rows) for _ in range(5)))
            for pause in GIVEN_UP_AFTER:
                asked = [asyncio.create_task(_fetch(store, rows)) for _ in range(4)]
                await asyncio.sleep(pause)
                for each in asked:
                    each.cancel()
                await asyncio.gather(*asked, return_exceptions=True)
            assert_each_once(await rows_of(store), rows)

        with watch.counting():
            self.ask(rows, work)
        assert watch.most, "no connection was ever seen: `connections` doesn't count them"
        assert watch.most <= MOST_CONNECTIONS, f"{watch.most} connections at one time; a guest takes two"
        self._assert_disconnected()

    def test_closing_twice_or_unused_is_fine(self) -> None:
        """Whoever closes doesn't have to know what was opened."""

        async def unused(store: Store) -> None:
            await store.close()
            await store.close()

        async def used(store: Store) -> None:
            await rows_of(store)
            await store.close()
            await store.close()

        self.ask([self.plain(1)], unused)
        self.ask([self.plain(1)], used)

    def test_the_store_knows_its_name_and_the_time(self) -> None:
        """The present is aware UTC and doesn't step back."""

        async def work(store: Store) -> None:
            assert type(store.name) is str, "a store knows its configured name"
            assert store.name, "a store's configured name isn't empty"
            moments = [await store.now(later()) for _ in range(2)]
            wrong = [said for moment in moments for said in mistyped(moment, datetime, "now()")]
            assert not wrong, wrong[0]
            assert timedelta(0) <= moments[1] - moments[0] < timedelta(minutes=1), f"now() told {moments}"

        self.ask([self.plain(1)], work)

    def test_what_it_can_do_is_known_once_it_was_asked_for_the_time(self) -> None:
        """A scan asks for the time first, and then decides by the capabilities what it asks for."""

        async def work(store: Store) -> None:
            await store.now(later())
            early = store.capabilities
            await rows_of(store, all_ended=True)
            late = sorted(store.capabilities - early)
            assert not late, (
                f"{', '.join(late)}: claimed only after the first read, so a scan asks for less than there is"
            )

        self.ask([self.plain(1), self.plain(2, self.ended_state)], work)

    def test_a_capability_that_is_claimed_can_be_had(self) -> None:
        """What the store says it can do is there in a saga that has everything."""
        rows = [self.full(1), self.full(2, self.ended_state)]

        async def work(store: Store) -> None:
            early = store.capabilities
            read = await rows_of(store, all_ended=True)
            claimed = store.capabilities
            assert all(isinstance(each, Capability) for each in claimed), f"not all are capabilities: {claimed}"
            assert early <= claimed, f"{sorted(early - claimed)} were claimed before the first read, and then no more"
            [detail] = await store.fetch([rows[0].saga_id], later(), detail=True)
            had = {
                Capability.STEPS: detail.steps is not None,
                Capability.TIMES: any(_times(detail)),
                Capability.ENDED: any(not saga.is_live for saga in read),
                Capability.BUSINESS_KEYS: bool(await store.find(rows[0].business_key or "", later())),
                Capability.OUTBOX: bool(detail.outbox),
                Capability.RECEIVED: bool(detail.received),
                Capability.REPLIES: bool(detail.replies),
                Capability.LOCKS: bool(detail.waits_on),
                Capability.LINKS: any(saga.parent_id or saga.repaired_by for saga in read),
                Capability.PAYLOAD: detail.payload is not None,
            }
            empty = sorted(capability for capability in claimed if not had[capability])
            assert not empty, f"claimed and not kept: {', '.join(empty)}"
            has_times = (await store.survey(look())).has_times
            assert has_times == (Capability.TIMES in claimed), "the survey and the capabilities differ about times"

        self.ask(rows, work)

    def test_a_check_of_a_healthy_backend_finds_no_failure(self) -> None:
        """It says at least something, and nothing that failed."""

        async def work(store: Store) -> tuple[CheckLine, ...]:
            return await store.check(later())

        lines = self.ask([self.plain(1)], work)
        assert lines, "check() said nothing"
        assert all(isinstance(line, CheckLine) for line in lines), "check() gives lines of class CheckLine"
        failed = [f"{line.about}: {line.text}" for line in lines if line.level is CheckLevel.FAILED]
        assert not failed, "; ".join(failed)

    def test_a_deadline_that_is_over_lets_nothing_begin(self) -> None:
        """Such a question ends at once, with an error of ours."""

        async def work(store: Store) -> None:
            for name in QUESTIONS:
                refused = await refusal(store, name, later(0.0), self.saga_id(1)) is not None
                assert refused or may_answer(store, name), f"{name}() was carried out although its time was over"

        self.ask([self.plain(1)], work)

    def test_a_broken_backend_raises_nothing_but_backend_errors(self) -> None:
        """Each says why, tells no secret, and is over when the backend is mended."""
        rows = [self.plain(1)]
        store = self.open(rows)
        broken = self.broken(store)
        if broken is None:
            raise unittest.SkipTest("nobody said how to break the backend: def broken(self, store)")

        async def fails() -> None:
            for name in QUESTIONS:
                error = await refusal(store, name, later(self.patience), self.saga_id(1))
                assert error is not None or may_answer(store, name), f"{name}() of a broken backend had an answer"
                told = [secret for secret in self.secrets if secret in f"{error} {getattr(error, 'hint', '')}"]
                assert not told, f"{name}() told a secret in its error"
            await store.close()

        async def works() -> list[Saga]:
            mended = self.open(rows)
            try:
                return await rows_of(mended)
            finally:
                await mended.close()

        with broken:
            alone(fails)
        assert_each_once(alone(works), rows)

    def _assert_disconnected(self) -> None:
        end = CLOCK.monotonic() + self.patience
        while (left := self.connections()) and CLOCK.monotonic() < end:
            time.sleep(0.01)
        assert not left, f"{left} connections are still there after close()"


async def _fetch(store: Store, rows: list[Saga]) -> None:
    checked(await store.fetch(ids_of(rows), later()), store.name)


def _times(saga: Saga) -> list[datetime | None]:
    told = [saga.updated_at, saga.ended_at]
    for step in saga.steps or ():
        told += [step.started_at, step.executed_at, step.compensated_at]
    return told
