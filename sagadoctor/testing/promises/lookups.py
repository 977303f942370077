"""Looking sagas up: by id however it is spelt, by the business's key, by what they share; hostile words are inert."""

from __future__ import annotations

import unittest
from datetime import timedelta
from typing import Final

from sagadoctor.api.typed import mistyped
from sagadoctor.api.v1 import LIVE, BackendError, Capability, Saga, SagaState, Store, Survey

from .compare import assert_each_once, checked, ids_of, kept
from .setting import StoreSetting, later, look, rows_of

HOSTILE: Final = (
    "'; DROP TABLE sagas; --",
    "' OR '1'='1",
    '"',
    "%",
    "_",
    "a%b",
    "a_b",
    "axb",
    "\\",
    "\\'",
    "../../../etc/passwd",
    "$(reboot) `id`",
    "%s %(id)s :id ? {0}",
    "\x1b[31mred",
    "line\nbreak",
    "tab\there",
    "\u202egnp.exe",
    "žluťoučký 🐎",
    "cafe\u0301",
    "café",
    " leading",
    "trailing ",
    "Mixed",
    "mixed",
    "a,b/c",
    "-1",
    "007",
    "null",
    "x" * 200,
)
"""Ids that some system somewhere has: each is one row's and no other's."""

NOBODYS: Final = ("", "\x00", "a\x00b", "\ud800", "no such id", "9" * 40, "x" * 100_000)
"""What people paste that can't be any row's id."""

MOST_CHILDREN: Final = 10
"""Children of one parent that the port asks for."""


class Lookups(StoreSetting):
    """Looking up what a person or another row names."""

    def test_an_id_is_found_however_it_is_spelt(self) -> None:
        """Live or ended, and no other row with it."""
        rows = [self.plain(1), self.plain(2, self.ended_state), self.plain(3)]

        async def work(store: Store) -> None:
            await rows_of(store)
            for saga in rows:
                for spelt in self.spellings(saga.saga_id):
                    found = await store.fetch([spelt], later())
                    checked(found, store.name)
                    if not saga.is_live and Capability.ENDED not in store.capabilities:
                        assert found == (), f"{spelt!r} has ended, which this store doesn't keep"
                    else:
                        assert ids_of(found) == [saga.saga_id], f"{spelt!r} gave {ids_of(found)}"

        self.ask(rows, work)

    def test_many_ids_are_fetched_at_once_each_row_once(self) -> None:
        """More than any database takes as values of one statement, some of them twice, some of nobody."""
        rows = [self.plain(number) for number in range(self.many)]
        missing = [self.saga_id(number) for number in range(self.many, self.many + 50)]

        async def work(store: Store) -> None:
            asked = [*ids_of(rows), *missing, *ids_of(rows)[:100]]
            assert_each_once(await store.fetch(asked, later()), rows)
            assert await store.fetch([], later()) == (), "nothing was asked for, and something was told"
            assert await store.fetch(missing, later()) == (), "ids of nobody were found"

        self.ask(rows, work)

    def test_only_a_detail_view_has_the_payload(self) -> None:
        """The saga's data is read for one saga, never for a page."""
        rows = [self.full(1)]

        async def work(store: Store) -> None:
            plain = [*await rows_of(store), *await store.fetch(ids_of(rows), later())]
            assert all(saga.payload is None for saga in plain), "the payload was read although nobody asked for it"
            [detail] = await store.fetch(ids_of(rows), later(), detail=True)
            if Capability.PAYLOAD in store.capabilities:
                assert detail.payload, "the detail view has no payload, which the capabilities promise"

        self.ask(rows, work)

    def test_sagas_are_found_by_business_key(self) -> None:
        """All with this very key, at most 100; no other."""
        several = [self.plain(number, business_key="K-1") for number in range(3)]
        crowd = [self.plain(100 + number, business_key="K-crowd") for number in range(120)]
        others = [self.plain(50 + number, business_key=key) for number, key in enumerate(("k-1", "K-10", "K_1", "K"))]

        async def work(store: Store) -> bool:
            await rows_of(store)
            can = Capability.BUSINESS_KEYS in store.capabilities
            for key, rows in (("K-1", several), ("K_1", others[2:3]), ("no such key", [])):
                found = await store.find(key, later())
                checked(found, store.name)
                assert_each_once(found, rows if can else [])
            found = await store.find("K-crowd", later())
            assert len(found) == (100 if can else 0), f"find() told {len(found)} of 120 rows; the port says at most 100"
            assert len(set(ids_of(found))) == len(found), "find() told a row twice"
            return can

        if not self.ask([*several, *crowd, *others], work):
            raise unittest.SkipTest("the store knows no business keys")

    def test_children_are_found_by_their_parents(self) -> None:
        """The live and the failed ones of many parents at once; nobody else's, and none that has ended well."""
        parents = [self.saga_id(number) for number in range(2_000, 3_200)]
        blocking = [state for state in self.states if state in LIVE or state is SagaState.FAILED]
        children = [
            self.plain(number, blocking[number % len(blocking)], parent_id=parents[number]) for number in range(1_200)
        ]
        over = [state for state in self.states if state not in blocking]
        ended = [self.plain(4_000 + number, state, parent_id=parents[0]) for number, state in enumerate(over)]
        others = [self.plain(5_000, parent_id=self.saga_id(6_000)), self.plain(5_001, parent_id=None)]

        async def work(store: Store) -> bool:
            await rows_of(store)
            can = self._knows_parents(store)
            found = await store.children([*parents, *parents[:10], self.saga_id(6_001)], later())
            checked(found, store.name)
            assert_each_once(found, kept(children, store) if can else [])
            wrong = [saga for saga in found if saga.parent_id not in parents]
            assert not wrong, f"a child was told with another parent than it was asked for by: {wrong[:1]}"
            assert await store.children([], later()) == (), "nobody's children were asked for, and some were told"
            return can

        if not self.ask([*children, *ended, *others], work):
            raise unittest.SkipTest("the store knows no parents")

    def test_of_very_many_children_those_are_told_that_stood_still_longest(self) -> None:
        """Ten of each parent at most, so that one with a crowd doesn't fill the memory."""
        crowd = [self._child(number, minutes=number) for number in range(60)]
        few = [self._child(100 + number, minutes=number, parent=8_001) for number in range(3)]
        done = [self._child(200 + number, self.ended_state, days=9) for number in range(60)]
        done = [saga for saga in done if saga.state is not SagaState.FAILED]

        async def work(store: Store) -> bool:
            await rows_of(store)
            can = self._knows_parents(store)
            if can:
                found = await store.children([self.saga_id(8_000), self.saga_id(8_001)], later())
                timed = Capability.TIMES in store.capabilities and self.tells_of("updated_at")
                mine = [saga for saga in found if saga.parent_id == self.saga_id(8_000)]
                assert len(mine) == MOST_CHILDREN, f"{len(mine)} children of one parent were told"
                assert_each_once([saga for saga in found if saga not in mine], few)
                if timed:
                    assert_each_once(mine, crowd[-MOST_CHILDREN:])
            return can

        if not self.ask([*crowd, *few, *done], work):
            raise unittest.SkipTest("the store knows no parents")

    def _child(self, number: int, state: SagaState | None = None, parent: int = 8_000, **ago: float) -> Saga:
        moved = self.now - timedelta(days=1) - timedelta(**ago)
        return self.plain(number, state, parent_id=self.saga_id(parent), created_at=moved, updated_at=moved)

    def _knows_parents(self, store: Store) -> bool:
        return Capability.LINKS in store.capabilities and self.tells_of("parent_id")

    def test_a_survey_tells_the_keys_that_live_sagas_of_a_type_share(self) -> None:
        """Ended sagas and other types don't count, and a key is another key in capitals."""
        shared = [self.plain(number, business_key="K-1") for number in range(3)]
        older = self.plain(9, business_key="K-1", created_at=self.now - timedelta(days=5))
        alone = [
            self.plain(20, business_key="k-1"),
            self.plain(21, self.ended_state, business_key="K-1"),
            self.plain(22, business_key="K-2"),
            self.plain(23, self.ended_state, business_key="K-2"),
        ]
        if len(self.types) > 1 and self.tells_of("saga_type"):
            alone.append(self.plain(24, saga_type=self.types[1], business_key="K-1"))

        async def work(store: Store) -> tuple[Survey, Survey, bool]:
            await rows_of(store)
            survey, other = await store.survey(look()), await store.survey(look(saga_types=frozenset(("No such",))))
            return survey, other, Capability.BUSINESS_KEYS in store.capabilities

        survey, other, can = self.ask([*alone, *shared, older], work)
        wrong = next(mistyped(survey, Survey, "survey"), None)
        assert wrong is None, wrong
        if not can:
            assert survey.shared_keys == (), "keys were told which the capabilities don't promise"
            raise unittest.SkipTest("the store knows no business keys")
        told = [(key.business_key, key.count, frozenset(key.saga_ids)) for key in survey.shared_keys]
        assert told == [("K-1", 4, frozenset(ids_of([*shared, older])))], f"the survey told {told}"
        if self.types and self.tells_of("saga_type"):
            assert survey.shared_keys[0].saga_type == self.types[0], "the survey names another type"
            assert other.shared_keys == (), "the survey told of a type that nobody asked for"

    def test_a_hostile_id_is_one_rows_id_and_nothing_more(self) -> None:
        """Read, fetched alone and fetched together, each comes back as it was written."""
        if not self.ids_are_text:
            raise unittest.SkipTest("the store's ids are no free text")
        rows = [self.plain(number, saga_id=text) for number, text in enumerate(HOSTILE)]

        async def work(store: Store) -> None:
            assert_each_once(await rows_of(store), rows)
            for saga in rows:
                found = ids_of(await store.fetch([saga.saga_id], later()))
                assert found == [saga.saga_id], f"{saga.saga_id!r} gave {found}"
            assert_each_once(await store.fetch(ids_of(rows), later()), rows)
            assert_each_once(await rows_of(store), rows)

        self.ask(rows, work)

    def test_an_id_of_nobody_finds_nobody_and_hinders_nobody(self) -> None:
        """What can't be an id here is like an id that isn't there, also beside one that is."""
        rows = [self.plain(number) for number in range(3)]

        async def work(store: Store) -> None:
            for odd in (*NOBODYS, *HOSTILE):
                try:
                    found = ids_of(await store.fetch([odd], later()))
                    beside = ids_of(await store.fetch([odd, rows[1].saga_id], later()))
                    assert await store.find(odd, later()) == (), f"the key {odd[:50]!r} found somebody"
                    assert await store.children([odd], later()) == (), f"{odd[:50]!r} has children"
                except BackendError as error:
                    raise AssertionError(f"{odd[:50]!r} can't be an id, yet it made the store fail: {error}") from error
                assert found == [], f"{odd[:50]!r} found {found}"
                assert beside == [rows[1].saga_id], f"{odd[:50]!r} beside {rows[1].saga_id!r} gave {beside}"
            assert_each_once(await rows_of(store), rows)

        self.ask(rows, work)
