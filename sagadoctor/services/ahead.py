"""Reading one page ahead: while a page is judged, the source already works on the next one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

import msgspec

from .guard import GRACE, closing

T = TypeVar("T")


class _End(msgspec.Struct, frozen=True):
    """What a source's pages ended with."""

    error: BaseException | None


class OneAhead(Generic[T]):
    """Yields what comes, while the next one is being made; the first one is begun at once.

    Never more than one page waits, so that memory stays flat. An error comes where it would have come: after everything
    that was read before it.
    """

    def __init__(self, pages: AsyncIterator[T]) -> None:
        """Begin to read; must be closed."""
        self._told: asyncio.Queue[T | _End] = asyncio.Queue()
        self._ended = False
        self._reading = asyncio.create_task(self._read(pages))

    async def _read(self, pages: AsyncIterator[T]) -> None:
        told, error = self._told, None
        try:
            async with closing(pages):
                async for page in pages:
                    told.put_nowait(page)
                    await told.join()
        except BaseException as raised:  # noqa: BLE001 - whatever it is, it is raised again, by whoever waits
            error = raised
        told.put_nowait(_End(error))

    def __aiter__(self) -> OneAhead[T]:
        """Return the pages themselves."""
        return self

    async def __anext__(self) -> T:
        """Return the next page when it is there; raises what the source raised."""
        if self._ended:
            raise StopAsyncIteration
        page = await self._told.get()
        self._told.task_done()
        if not isinstance(page, _End):
            await asyncio.sleep(0)  # let the source be asked for the next one before this one is judged
            return page
        self._ended = True
        if page.error is not None:
            raise page.error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Let the source go."""
        self._ended = True
        self._reading.cancel()
        await asyncio.wait({self._reading}, timeout=GRACE)
