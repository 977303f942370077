"""One page is read ahead, never two; errors and leaving early work as without it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import pytest

from sagadoctor.services.ahead import OneAhead


class Source:
    """Pages 0, 1, 2, …: what was begun, and whether it was let go."""

    def __init__(self, pages: int, fails: BaseException | None = None) -> None:
        self.pages, self.fails = pages, fails
        self.begun: list[int] = []
        self.closed = False

    async def read(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self.pages):
                self.begun.append(number)
                await asyncio.sleep(0)
                yield number
            if self.fails is not None:
                raise self.fails
        finally:
            self.closed = True


async def all_of(pages: AsyncIterator[int], seen: list[int]) -> None:
    async for page in pages:
        await settled()
        seen.append(page)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await work()

    asyncio.run(bounded())


def test_the_next_page_is_begun_while_one_is_judged_and_no_more() -> None:
    async def work() -> None:
        source = Source(5)
        seen: list[int] = []
        async with aclosing(OneAhead(source.read())) as pages:
            async for page in pages:
                await settled()
                seen.append(page)
                assert source.begun == list(range(min(page + 2, 5)))
        assert seen == [0, 1, 2, 3, 4]
        assert source.closed

    run(work)


def test_an_error_comes_after_everything_that_was_read_before_it() -> None:
    async def work() -> None:
        source = Source(3, ValueError("broken"))
        seen: list[int] = []
        with pytest.raises(ValueError, match="broken"):
            await all_of(OneAhead(source.read()), seen)
        assert seen == [0, 1, 2]
        assert source.closed

    run(work)


def test_a_cancellation_that_the_source_raises_itself_is_no_hang() -> None:
    async def work() -> None:
        source = Source(1, asyncio.CancelledError())
        with pytest.raises(asyncio.CancelledError):
            await all_of(OneAhead(source.read()), [])

    run(work)


def test_who_leaves_early_lets_the_source_go() -> None:
    async def work() -> None:
        source = Source(100)
        async with aclosing(OneAhead(source.read())) as pages:
            async for _ in pages:
                await settled()
                break
        assert source.closed
        assert source.begun == [0, 1]

    run(work)


def test_a_source_that_waits_for_ever_is_left_when_its_reader_is_cancelled() -> None:
    closed: list[bool] = []

    async def forever() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def look() -> None:
        async with asyncio.timeout(0.05), aclosing(OneAhead(forever())) as pages:
            await all_of(pages, [])

    async def work() -> None:
        with pytest.raises(TimeoutError):
            await look()
        assert closed == [True]

    run(work)
