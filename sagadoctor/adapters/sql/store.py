"""The SQL store: the port's questions, answered with statements that a guest may ask.

What a question needs beside what every scan does is loaded when it is asked: cron starts this a thousand times a day.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from sagadoctor.api.v1 import (
    Capability,
    CheckLine,
    ConfigError,
    Deadline,
    Look,
    Page,
    Problem,
    Saga,
    SchemaMismatch,
    StoreContext,
    Survey,
)
from sagadoctor.api.v1.sql import Address, Guest, Limits, beside, parse_address

from .live import scan_pages
from .opened import Opened, open_mapping
from .options import SqlOptions
from .survey import survey

T = TypeVar("T")

_STILL_FRESH: Final = 5.0
"""Seconds for which a look at the tables holds for the scan that began with it."""
_LOOK_AGAIN: Final = 30.0
"""Seconds between two looks at the tables for the sake of odd rows."""


def _address(url: str, folder: str | None) -> Address:
    try:
        return beside(parse_address(url), folder)
    except ValueError as error:
        raise ConfigError([Problem(str(error), key="url")]) from None


class SqlStore:
    """Sagas in the tables of one database, read through one mapping; see `sagadoctor.api.ports.Store`."""

    def __init__(self, options: SqlOptions, context: StoreContext) -> None:
        """Keep the settings; nothing is contacted before the first question."""
        self._options = options
        self._context = context
        self._opened: Opened | None = None
        self._opened_at = float("-inf")
        """When the tables were last looked at for a scan, by the clock that only counts."""
        self._look_again_at = context.clock.monotonic()
        self._guest = Guest(
            _address(options.url, context.folder),
            source=context.name,
            clock=context.clock,
            password=options.password.reveal() if options.password is not None else None,
            limits=Limits(options.statement_timeout.total_seconds(), options.lock_timeout.total_seconds()),
            plain=True,
        )

    @property
    def name(self) -> str:
        """Return the configured name."""
        return self._context.name

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Return what this mapping and this database can do together; complete after the first read."""
        return self._opened.capabilities if self._opened is not None else frozenset((Capability.ENDED,))

    async def _ready(self, deadline: Deadline, *, fresh: bool = False) -> Opened:
        """Return the mapping met with the tables; `fresh` looks at the tables again."""
        deadline.check(self.name)
        opened = self._opened
        if opened is None or fresh:
            opened = self._opened = await open_mapping(self._guest, self._options, self._context, deadline)
        return opened

    async def _asked(self, question: Callable[[Opened], Awaitable[T]], deadline: Deadline) -> T:
        """Answer a question; when the tables have changed meanwhile, look at them again once."""
        known = self._opened is not None
        try:
            return await question(await self._ready(deadline))
        except SchemaMismatch:
            if not known:
                raise
            return await question(await self._ready(deadline, fresh=True))

    async def _rows(
        self, question: Callable[[Opened], Awaitable[tuple[Saga, ...]]], deadline: Deadline
    ) -> tuple[Saga, ...]:
        """Answer with rows; odd ones may mean that a column has become another one, so look at the tables again."""
        sagas = await self._asked(question, deadline)
        now = self._context.clock.monotonic()
        if self._opened is None or not any(saga.doubts for saga in sagas) or now < self._look_again_at:
            return sagas
        self._look_again_at = now + _LOOK_AGAIN
        before = self._opened
        opened = await self._ready(deadline, fresh=True)
        return sagas if opened.is_like(before) else await question(opened)

    async def now(self, deadline: Deadline) -> datetime:
        """Return the server's own present, and look at the tables: every scan begins with this question."""
        present = await self._guest.now(deadline)
        await self._ready(deadline, fresh=True)
        self._opened_at = self._context.clock.monotonic()
        return present

    async def read(self, look: Look) -> AsyncIterator[Page]:
        """Yield all live rows and the ended ones that `look` asks for."""
        fresh = self._context.clock.monotonic() - self._opened_at > _STILL_FRESH
        self._opened_at = float("-inf")
        opened = await self._ready(look.deadline, fresh=fresh)
        if look.allow_full_scan:  # also of what is asked by id while this scan goes on
            opened = self._opened = opened.allowing()
        async for page in scan_pages(self._guest, opened, look):
            yield page

    async def ended_ids(self, look: Look) -> AsyncIterator[Sequence[str]]:
        """Yield the ids of ended rows in key order."""
        from .ended import ended_pages

        opened = await self._ready(look.deadline)
        async for ids in ended_pages(self._guest, opened, look):
            yield ids

    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        """Return every row with one of these ids, in any usual spelling."""
        from .find import fetch_rows

        return await self._rows(lambda opened: fetch_rows(self._guest, opened, ids, deadline, detail=detail), deadline)

    async def find(self, business_key: str, deadline: Deadline) -> tuple[Saga, ...]:
        """Return the rows with this business key, at most 100."""
        from .find import find_rows

        return await self._rows(lambda opened: find_rows(self._guest, opened, business_key, deadline), deadline)

    async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
        """Return the live and the failed rows whose parent is one of these, at most ten of each."""
        from .children import child_rows

        return await self._rows(lambda opened: child_rows(self._guest, opened, parents, deadline), deadline)

    async def survey(self, look: Look) -> Survey:
        """Return live sagas that share a business key, and steps that belong to no saga."""
        return await self._asked(lambda opened: survey(self._guest, opened, look), look.deadline)

    async def check(self, deadline: Deadline) -> tuple[CheckLine, ...]:
        """Try everything that a scan needs."""
        from .check import check_store

        return await check_store(self._guest, self._options, self._context, deadline)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._guest.close()
