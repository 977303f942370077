"""What is written is what is told: every field, every state, every row that was asked for, and no other."""

from __future__ import annotations

import unittest
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from sagadoctor.api.v1 import LIVE, Capability, Saga, SagaState, Store

from .compare import assert_each_once, checked, differences, ids_of, kept
from .setting import StoreSetting, later, look, rows_of

ODD_TEXTS = (
    "quotes ' \" ` and \\ backslashes \\n",
    "percent %s %(name)s 100%, colon :name, question ?, braces {0} {name}",
    "escape \x1b[31mred\x1b[0m, bell \x07, delete \x7f",
    "two\nlines\r\nand\ttabs",
    "right to left \u202egnp.exe\u202c, zero \u200b width",
    "žluťoučký kůň 馬 🐎 e\u0301",
    "<script>alert(1)</script> [@click=app.quit]link[/]",
)


class Facts(StoreSetting):
    """Facts come back as they were written, as far as the store can keep them."""

    def test_a_saga_comes_back_as_it_was_written(self) -> None:
        """Each state that the store can keep, with every field filled."""
        written = [self.full(number, state) for number, state in enumerate(self.states)]

        async def work(store: Store) -> None:
            self._assert_told(written, await rows_of(store, all_ended=True), store)
            fetched = await store.fetch(ids_of(written), later(), detail=True)
            checked(fetched, store.name)
            self._assert_told(written, fetched, store, detail=True)

        self.ask(written, work)

    def test_every_status_of_a_step_comes_back(self) -> None:
        """One saga with a step for each status that the store can keep."""
        if not self.tells_of("steps"):
            raise unittest.SkipTest("the store keeps no steps")
        steps = tuple(self.step(f"step_{number}", number, status) for number, status in enumerate(self.statuses))
        written = [self.full(1, current_step=None, steps=steps)]

        async def work(store: Store) -> None:
            self._assert_told(written, await rows_of(store), store)

        self.ask(written, work)

    def test_what_isnt_known_stays_unknown(self) -> None:
        """A saga of which only that is known which the store can't do without."""
        written = [self.bare(number, state) for number, state in enumerate((self.live_state, self.ended_state))]

        async def work(store: Store) -> None:
            self._assert_told(written, await store.fetch(ids_of(written), later()), store)

        self.ask(written, work)

    def test_odd_texts_come_back_as_they_were(self) -> None:
        """Nothing in a text has any power over the store."""
        names = [name for name in ("error", "business_key", "correlation_id") if self.tells_of(name)]
        if not names:
            raise unittest.SkipTest("the store keeps no free text")
        texts: list[dict[str, Any]] = [dict.fromkeys(names, text) for text in ODD_TEXTS]
        written = [self.plain(number, **fields) for number, fields in enumerate(texts)]

        async def work(store: Store) -> None:
            self._assert_told(written, await rows_of(store), store)

        self.ask(written, work)

    def test_every_live_saga_is_read_exactly_once_whatever_its_age(self) -> None:
        """Without a window for ended ones, live rows and nothing else."""
        ages = (timedelta(0), timedelta(hours=3), timedelta(days=40), timedelta(days=4_000))
        live = [state for state in self.states if state in LIVE]
        written = [
            self.plain(10 * place + number, state, created_at=self.now - age, updated_at=self.now - age)
            for place, state in enumerate(live)
            for number, age in enumerate(ages)
        ]
        ended = [self.plain(900 + number, state) for number, state in enumerate(set(self.states) - LIVE)]
        assert_each_once(self.ask([*ended, *written], rows_of), written)

    def test_ended_sagas_are_read_from_the_moment_asked_for(self) -> None:
        """A row that changed at that very moment is read, one that changed just before isn't."""
        since = self.now - timedelta(hours=24)
        moments = (self.now, since + self.resolution, since, since - self.resolution, since - timedelta(days=300))
        written = [
            self.plain(number, self.ended_state, created_at=since - timedelta(days=400), updated_at=at, ended_at=at)
            for number, at in enumerate(moments)
        ]
        live = self.plain(50, updated_at=moments[-1])

        async def work(store: Store) -> tuple[list[Saga], bool]:
            read = await rows_of(store, ended_since=since)
            return read, {Capability.TIMES, Capability.ENDED} <= store.capabilities

        read, can_tell = self.ask([*written, live], work)
        if not can_tell:
            raise unittest.SkipTest("the store doesn't tell when ended sagas changed")
        assert_each_once(read, [*written[:3], live])

    def test_an_ended_saga_that_tells_only_when_it_began_is_read_by_that(self) -> None:
        """Where the store takes its beginning for the time of its last change, it goes by it."""
        since = self.now - timedelta(hours=24)
        if "updated_at" in self.needs:
            raise unittest.SkipTest("the store keeps no row without the time of its last change")
        rows = [
            self.plain(1, self.ended_state, created_at=self.now, updated_at=None),
            self.plain(2, self.ended_state, created_at=self.now - timedelta(days=9), updated_at=None),
            self.plain(3, self.ended_state, created_at=self.now, updated_at=self.now),
        ]
        if self.expected(rows[0]).updated_at is None:
            raise unittest.SkipTest("the store tells nothing where the time of the last change is missing")

        async def work(store: Store) -> None:
            await rows_of(store)
            if Capability.TIMES not in store.capabilities:
                raise unittest.SkipTest("the store doesn't tell when ended sagas changed")
            assert_each_once(await rows_of(store, ended_since=since), kept([rows[0], rows[2]], store))

        self.ask(rows, work)

    def test_all_ended_sagas_are_read_when_all_are_asked_for(self) -> None:
        """Also those that ended long ago, and those without a time."""
        ages = (timedelta(hours=1), timedelta(days=900))
        written = [
            self.plain(10 * place + number, state, updated_at=self.now - age)
            for place, state in enumerate(self.states)
            for number, age in enumerate(ages)
        ]
        if "updated_at" not in self.needs and "created_at" not in self.needs:
            written.append(self.plain(800, self.ended_state, created_at=None, updated_at=None))

        async def work(store: Store) -> None:
            assert_each_once(await rows_of(store, all_ended=True), kept(written, store))

        self.ask(written, work)

    def test_a_store_without_times_tells_the_ids_of_ended_sagas(self) -> None:
        """Each once, in an order that stays the same."""
        written = [self.plain(number, self.ended_state) for number in range(30)]

        async def work(store: Store) -> tuple[bool, list[list[str]]]:
            await rows_of(store)
            asked = Capability.ENDED in store.capabilities and Capability.TIMES not in store.capabilities
            told: list[list[str]] = []
            for _ in range(2):
                told.append([saga_id async for page in store.ended_ids(look()) for saga_id in page])
            return asked, told

        asked, told = self.ask([*written, self.plain(40)], work)
        if not asked:
            raise unittest.SkipTest("the store has times to go by, or keeps nothing that has ended")
        assert sorted(told[0]) == sorted(ids_of(written)), "ended_ids() tells every ended saga once, and no other"
        assert told[0] == told[1], "the order of ended_ids() changed between two looks"

    def test_only_the_types_asked_for_are_read(self) -> None:
        """Live and ended alike."""
        if len(self.types) < 2 or not self.tells_of("saga_type"):
            raise unittest.SkipTest("the store has but one type")
        states = (self.live_state, self.ended_state, self.live_state, self.ended_state)
        written = [self.plain(number, state, saga_type=self.types[number // 2]) for number, state in enumerate(states)]
        wanted = frozenset(self.types[1:2])

        async def work(store: Store) -> None:
            some = await rows_of(store, all_ended=True, saga_types=wanted)
            none = await rows_of(store, all_ended=True, saga_types=frozenset(("No such type",)))
            assert_each_once(some, kept(written[2:], store))
            assert none == [], "rows were read although nobody asked for their type"

        self.ask(written, work)

    def test_a_state_that_nobody_mapped_is_told_raw(self) -> None:
        """Such a row is read, however old it is, and keeps its word."""
        if self.unknown_word is None:
            raise unittest.SkipTest("the store can't keep a word that nobody mapped")
        old = self.now - timedelta(days=90)
        odd = msgspec.structs.replace(
            self.plain(1, created_at=old, updated_at=old), state=SagaState.UNKNOWN, raw_state=self.unknown_word
        )
        written = [odd, self.plain(2)]

        async def work(store: Store) -> list[tuple[Saga, ...]]:
            return [tuple(await rows_of(store)), await store.fetch(ids_of(written), later())]

        for told in self.ask(written, work):
            assert_each_once(told, written)
            [found] = [saga for saga in told if saga.saga_id == odd.saga_id]
            assert found.state is SagaState.UNKNOWN, f"{self.unknown_word!r} was taken for {found.state}"
            assert found.raw_state == self.unknown_word, f"{self.unknown_word!r} was told as {found.raw_state!r}"

    def _assert_told(self, written: list[Saga], told: Sequence[Saga], store: Store, *, detail: bool = False) -> None:
        assert_each_once(told, kept(written, store))
        by_id = {saga.saga_id: saga for saga in told}
        for saga in kept(written, store):
            answer = by_id[saga.saga_id]
            expected = msgspec.structs.replace(self.expected(saga), store=answer.store)
            said = differences(expected, answer, detail=detail)
            assert not said, f"saga {saga.saga_id} ({saga.state.value}) came back otherwise: " + "; ".join(said)
