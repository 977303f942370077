"""The one place that catches everything: whatever a backend's code does wrong becomes a BackendError with words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from sagadoctor.errors import BackendError, DeadlineExceeded
from sagadoctor.redaction import Redactor

T = TypeVar("T")
GRACE = 2.0
"""Seconds that a backend gets beyond its deadline to let go by itself, before it is left behind."""


@asynccontextmanager
async def guarded(redactor: Redactor, seconds: float | None = None) -> AsyncIterator[None]:
    """Give a backend so many seconds; raise BackendError, without secrets in it, for all that goes wrong inside."""
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except BackendError as error:
        error.reason, error.hint = redactor.text(error.reason), redactor.text(error.hint)
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise _failed(error, redactor) from error
    except Exception as error:
        if isinstance(error, TimeoutError) and limit.expired():
            raise DeadlineExceeded("did not end within its time and was left behind", hint="raise --timeout") from None
        raise _failed(error, redactor) from error


@asynccontextmanager
async def closing(pages: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Let a store's pages go when whoever reads them leaves before their end."""
    try:
        yield pages
    finally:
        if isinstance(pages, AsyncGenerator):
            await pages.aclose()


def _failed(error: BaseException, redactor: Redactor) -> BackendError:
    said = redactor.text(str(error))
    return BackendError(f"the store's plugin failed: {type(error).__name__}" + (f": {said}" if said else ""))
