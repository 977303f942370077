"""Pages: none misses a row, none repeats one, and no reader holds what it doesn't need."""

from __future__ import annotations

import unittest
from collections.abc import AsyncGenerator
from datetime import timedelta

from sagadoctor.api.v1 import Capability, Page, Saga, Store

from .compare import assert_each_once, kept
from .setting import StoreSetting, look, pages_of, rows_of


class Paging(StoreSetting):
    """Reading page by page."""

    def test_more_rows_than_a_page_are_read_once_each(self) -> None:
        """Ids and times in no order at all, as tables have them."""
        spread = timedelta(days=9)
        self._assert_paged(
            [
                self.plain(number, updated_at=self.now - spread * (number * 617 % self.many) / self.many)
                for number in range(self.many)
            ]
        )

    def test_rows_of_one_time_are_read_once_each(self) -> None:
        """A batch job gave all rows the same time."""
        then = self.now - timedelta(hours=5)
        self._assert_paged([self.plain(number, created_at=then, updated_at=then) for number in range(self.many)])

    def test_rows_without_a_time_are_read_once_each(self) -> None:
        """Some rows have times, most have none."""
        if {"created_at", "updated_at"} & self.needs:
            raise unittest.SkipTest("the store keeps no row without times")
        self._assert_paged(
            [
                self.plain(number) if number % 5 == 0 else self.plain(number, created_at=None, updated_at=None)
                for number in range(self.many)
            ]
        )

    def test_live_and_ended_rows_come_once_each_over_many_pages(self) -> None:
        """Every third row has ended."""
        rows = [self.plain(each, self.live_state if each % 3 else self.ended_state) for each in range(self.many)]

        async def work(store: Store) -> None:
            assert_each_once(await rows_of(store, all_ended=True), kept(rows, store))

        self.ask(rows, work)

    def test_above_the_cap_the_oldest_are_read_and_it_is_said(self) -> None:
        """At most so many live rows, those that moved longest ago first."""
        rows = [
            self.bare(number, created_at=self.now - timedelta(days=30), updated_at=self.now - timedelta(hours=number))
            for number in range(40)
        ]

        async def work(store: Store) -> tuple[list[Page], bool]:
            return await pages_of(store, look(live_cap=15)), Capability.TIMES in store.capabilities

        pages, has_times = self.ask(rows, work)
        told = [saga for page in pages for saga in page.sagas]
        assert len(told) <= 15, f"{len(told)} rows were read, the cap was 15"
        assert any(page.truncated for page in pages), "rows were left out, and no page says so"
        if has_times:
            assert_each_once(told, rows[-15:])

    def test_exactly_as_many_rows_as_the_cap_are_all(self) -> None:
        """Nothing is left out, and nothing says so."""
        rows = [self.plain(number) for number in range(15)]

        async def work(store: Store) -> list[Page]:
            return await pages_of(store, look(live_cap=15))

        pages = self.ask(rows, work)
        assert_each_once([saga for page in pages for saga in page.sagas], rows)
        assert not any(page.truncated for page in pages), "no row was left out, and a page says so"

    def test_an_empty_store_has_no_rows(self) -> None:
        """No page, or empty ones; nothing left out."""

        async def work(store: Store) -> list[Page]:
            return await pages_of(store, look(all_ended=True))

        pages = self.ask([], work)
        assert all(not page.sagas and not page.truncated for page in pages), "an empty store told rows"

    def test_a_reader_may_leave_after_the_first_page(self) -> None:
        """The store can be asked again, however often that was done, and all of it is there."""
        rows = [self.plain(number) for number in range(50)]

        async def work(store: Store) -> list[Saga]:
            for _ in range(4):
                pages = store.read(look())
                await anext(pages)
                if isinstance(pages, AsyncGenerator):
                    await pages.aclose()
            return await rows_of(store)

        assert_each_once(self.ask(rows, work), rows)

    def _assert_paged(self, rows: list[Saga]) -> None:
        async def work(store: Store) -> list[Page]:
            return await pages_of(store, look())

        pages = self.ask(rows, work)
        assert_each_once([saga for page in pages for saga in page.sagas], rows)
        assert len(pages) > 1, f"{len(rows)} rows came in one page: nothing was tested; set `many` above a page"
