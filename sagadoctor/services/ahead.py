"""Reading one page ahead: while a page is judged, the source already works on the next one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

import msgspec

from .guard import GRACE, closing

T = TypeVar("T")


class _End(msgspec.Struct, frozen=True):
    """What a source's pages ended with."""

    error: BaseException | None


async def one_ahead(pages: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """Yield what comes, while the next one is being made; never more than one waits, so that memory stays flat.

    An error comes where it would have come: after everything that was read before it.
    """
    told: asyncio.Queue[T | _End] = asyncio.Queue()

    async def read() -> None:
        error: BaseException | None = None
        try:
            async with closing(pages):
                async for page in pages:
                    told.put_nowait(page)
                    await told.join()
        except BaseException as raised:  # noqa: BLE001 - whatever it is, it is raised again, by whoever waits
            error = raised
        told.put_nowait(_End(error))

    reading = asyncio.create_task(read())
    try:
        while True:
            page = await told.get()
            told.task_done()
            if isinstance(page, _End):
                if page.error is not None:
                    raise page.error
                return
            yield page
    finally:
        reading.cancel()
        await asyncio.wait({reading}, timeout=GRACE)
