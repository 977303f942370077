"""The store: `sagadoctor.api.v1.Store` over the system tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from sagadoctor.api.v1 import (
    LIVE,
    Capability,
    CheckLine,
    ConfigError,
    Deadline,
    Look,
    Page,
    PlainStore,
    Problem,
    Saga,
    SagaState,
    StoreContext,
)
from sagadoctor.api.v1.sql import MARIADB, Address, Guest, Limits, beside, parse_address

from .check import looked_over
from .options import DbosOptions
from .pages import askable, children, chunks, fetched, pages, reader_of
from .reading import Reader
from .tables import WORKFLOWS, Tables

_MOST_CHILDREN: Final = 10
_RANKED: Final = 50
"""Children of a parent that are looked at, of those that live and of those that raised: some were undone in order."""


def open_store(options: DbosOptions, context: StoreContext) -> DbosStore:
    """Return the store, not yet connected; raises ConfigError."""
    try:
        address = beside(parse_address(options.url), context.folder)
        if address.engine == MARIADB:
            raise ValueError("DBOS keeps its system tables in PostgreSQL or SQLite")
    except ValueError as error:
        raise ConfigError([Problem(str(error), key=f"stores.{context.name}.url")]) from None
    wrong = [pattern for pattern in options.undo if "{step}" not in pattern]
    if wrong:
        text = f'{wrong[0]!r} has no {{step}}: write a name\'s pattern, such as "undo_{{step}}"'
        raise ConfigError([Problem(text, key=f"stores.{context.name}.undo")])
    return DbosStore(options, context, address)


class DbosStore(PlainStore):
    """Workflows of one DBOS application, or of all that share a system database."""

    def __init__(self, options: DbosOptions, context: StoreContext, address: Address) -> None:
        """Keep the settings; nothing is contacted before the first question."""
        super().__init__(context, WORKFLOWS)
        self._options = options
        self._tables: Tables | None = None
        self._reader = Reader(context.name, options, context.policy, context.clock.now(), {})
        self._guest = Guest(
            address,
            source=context.name,
            clock=context.clock,
            password=options.password.reveal() if options.password is not None else None,
            limits=Limits(options.statement_timeout.total_seconds(), options.lock_timeout.total_seconds()),
        )

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Return what the tables can tell."""
        return self._tables.capabilities if self._tables is not None else frozenset((Capability.ENDED,))

    async def _opened(self, deadline: Deadline) -> tuple[Tables, Reader]:
        """Return the tables and the reader of this moment; every question but a page's looks anew."""
        schema = self._options.system_schema
        tables = self._tables = await self._guest.run(lambda session: Tables(session, schema), deadline)
        return tables, await reader_of(self._guest, self._reader, tables, deadline)

    async def now(self, deadline: Deadline) -> datetime:
        """Return the database's present, and look at the tables: what they can tell is known from here on."""
        _, reader = await self._opened(deadline)
        return reader.present

    async def read(self, look: Look) -> AsyncIterator[Page]:
        """Yield the live workflows and the ended ones that `look` asks for."""
        tables, reader = await self._opened(look.deadline)
        async for page in pages(self._guest, tables, reader, look, self.context.big_table):
            yield page

    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        """Return the workflows with these ids; `detail` adds the inputs."""
        tables, reader = await self._opened(deadline)
        found: dict[str, Saga] = {}
        for some in chunks(askable(ids)):
            asked = some
            sagas = await self._guest.run(
                lambda session, asked=asked: fetched(session, tables, reader, asked, detail=detail),  # type: ignore[misc]
                deadline,
            )
            found.update((saga.saga_id, saga) for saga in sagas)
        return tuple(found.values())

    async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
        """Return the live and the failed workflows that these ones started, at most ten of each."""
        tables, reader = await self._opened(deadline)
        if Capability.LINKS not in tables.capabilities:
            return ()
        found: dict[str, dict[str, Saga]] = {}
        for some in chunks(askable(dict.fromkeys(parents))):
            asked = some
            sagas = await self._guest.run(
                lambda session, asked=asked: children(session, tables, reader, asked, _RANKED),  # type: ignore[misc]
                deadline,
            )
            for saga in sagas:
                if saga.state in LIVE or saga.state is SagaState.FAILED:
                    found.setdefault(saga.parent_id or "", {})[saga.saga_id] = saga
        return tuple(saga for of_one in found.values() for saga in sorted(of_one.values(), key=_moved)[:_MOST_CHILDREN])

    async def check(self, deadline: Deadline) -> tuple[CheckLine, ...]:
        """Reach the database, find the tables, and say what they can't tell."""
        began = self.context.clock.monotonic()
        tables, reader = await self._opened(deadline)
        took = self.context.clock.monotonic() - began
        return await self._guest.run(lambda session: looked_over(session, tables, reader, took), deadline)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._guest.close()


def _moved(saga: Saga) -> tuple[float, str]:
    return (saga.updated_at.timestamp() if saga.updated_at is not None else 0.0, saga.saga_id)
