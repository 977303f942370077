"""The SQL store: the port's questions, answered with statements that a guest may ask."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from sagadoctor.api.v1 import (
    Capability,
    CheckLine,
    Deadline,
    Look,
    Page,
    Saga,
    StoreContext,
    Survey,
)
from sagadoctor.api.v1.sql import Guest, Limits, parse_address

from .find import fetch_rows, find_rows
from .live import live_pages
from .opened import Opened, open_mapping
from .options import SqlOptions


class SqlStore:
    """Sagas in the tables of one database, read through one mapping; see `sagadoctor.api.ports.Store`."""

    def __init__(self, options: SqlOptions, context: StoreContext) -> None:
        """Keep the settings; nothing is contacted before the first question."""
        self._options = options
        self._context = context
        self._opened: Opened | None = None
        self._guest = Guest(
            parse_address(options.url),
            source=context.name,
            clock=context.clock,
            password=options.password.reveal() if options.password is not None else None,
            limits=Limits(options.statement_timeout.total_seconds(), options.lock_timeout.total_seconds()),
        )

    @property
    def name(self) -> str:
        """Return the configured name."""
        return self._context.name

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Return what this mapping and this database can do together; complete after the first read."""
        return self._opened.capabilities if self._opened is not None else frozenset((Capability.ENDED,))

    async def _ready(self, deadline: Deadline) -> Opened:
        if self._opened is None:
            self._opened = await open_mapping(self._guest, self._options, self._context, deadline)
        return self._opened

    async def now(self, deadline: Deadline) -> datetime:
        """Return the server's own present."""
        return await self._guest.now(deadline)

    async def read(self, look: Look) -> AsyncIterator[Page]:
        """Yield all live rows and the ended ones that `look` asks for."""
        opened = await self._ready(look.deadline)
        async for page in live_pages(self._guest, opened, look):
            yield page

    async def ended_ids(self, look: Look) -> AsyncIterator[Sequence[str]]:
        """Yield the ids of ended rows in key order."""
        await self._ready(look.deadline)
        for ids in ():
            yield ids

    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        """Return every row with one of these ids, in any usual spelling."""
        opened = await self._ready(deadline)
        return await fetch_rows(self._guest, opened, ids, deadline, detail=detail)

    async def find(self, business_key: str, deadline: Deadline) -> tuple[Saga, ...]:
        """Return the rows with this business key, at most 100."""
        opened = await self._ready(deadline)
        return await find_rows(self._guest, opened, business_key, deadline)

    async def survey(self, look: Look) -> Survey:
        """Return live sagas that share a business key."""
        opened = await self._ready(look.deadline)
        return Survey(self.name, f"{self.name}.{opened.reader.source.table.place}")

    async def check(self, deadline: Deadline) -> tuple[CheckLine, ...]:
        """Try everything that a scan needs."""
        await self._ready(deadline)
        return ()

    async def close(self) -> None:
        """Let go of every connection."""
        await self._guest.close()
