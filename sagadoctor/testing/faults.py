"""What can go wrong in a backend, said in a line each: a test gives a store one fault for each of its methods."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagadoctor.api.v1 import Deadline, DeadlineExceeded


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong; in a method that yields pages at the page of this number, the first being 0."""

    page: int = field(default=0, kw_only=True)


@dataclass(frozen=True, slots=True)
class Raises(Fault):
    """Raise this instead of answering; a store may only raise a `BackendError`, a broken plugin raises anything."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Hangs(Fault):
    """Never answer: until the deadline and no longer, or for ever where the deadline isn't heeded."""

    heeds_deadline: bool = False


@dataclass(frozen=True, slots=True)
class Slow(Fault):
    """Answer after that many seconds; a slow store is slow from this page on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answers(Fault):
    """Answer this instead of the truth, whatever its type."""

    value: Any


NO_FAULTS: Mapping[str, Fault] = {}


async def suffer(fault: Fault | None, page: int, deadline: Deadline | None, source: str) -> Answers | None:
    """Let the fault happen if it is due at this page; return what is to be answered instead of the truth."""
    match fault:
        case Raises(error, page=at) if at == page:
            raise error
        case Hangs(heeds, page=at) if at == page:
            await _hang(deadline if heeds else None, source)
        case Slow(seconds, page=at) if at <= page:
            await asyncio.sleep(seconds)
        case Answers(page=at) if at == page:
            return fault
    if deadline is not None:
        deadline.check(source)
    return None


async def _hang(deadline: Deadline | None, source: str) -> None:
    try:
        async with asyncio.timeout(None if deadline is None else deadline.remaining()):
            await asyncio.get_running_loop().create_future()
    except TimeoutError:
        raise DeadlineExceeded("not finished within the time it was given", source=source) from None
