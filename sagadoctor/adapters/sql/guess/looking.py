"""Looking into a database's tables within a bounded time: each is sampled once, and what can't be read is noted."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec.structs import replace
from pydantic import ValidationError

from sagadoctor.api.v1 import BackendError, ConfigError
from sagadoctor.api.v1.proposing import Draft, Inquiry, Inventory, Listed
from sagadoctor.api.v1.sql import Guest, Session

from ..opened import open_mapping
from ..options import SqlOptions
from ..presets import expand
from .meanings import Meanings
from .sampling import sample, unread, words_beyond
from .seen import Seen
from .verdicts import plugin_table

SAMPLING: Final = 5.0
"""Seconds after which no further table is sampled."""
ONE_TABLE: Final = 2.0
"""Seconds that one table may take."""

Place = tuple[str | None, str]
"""Schema and name."""


def place_of(listed: Listed) -> Place:
    """Return what a table is known by."""
    return listed.table.schema, listed.table.name


class Looker:
    """One look at one database: the tables that were sampled, and what there is to say about the others."""

    def __init__(self, guest: Guest, inquiry: Inquiry, url: str) -> None:
        """Keep the connection; nothing is asked yet."""
        self._guest, self._inquiry, self._url = guest, inquiry, url
        self._seen: dict[Place, Seen] = {}
        self._until = inquiry.context.clock.monotonic() + SAMPLING
        self.notes: list[str] = []

    @property
    def _is_late(self) -> bool:
        return self._inquiry.context.clock.monotonic() > self._until

    async def list(self) -> tuple[Inventory, str, datetime]:
        """Return what is there, what the server calls itself, and its present."""

        def listing(session: Session) -> tuple[Inventory, str, datetime]:
            told = session.version
            product = told if told.startswith(session.product) else f"{session.product} {told}"
            return session.catalog.inventory(self._inquiry.schema), product, session.now()

        told = await self._guest.run(listing, self._inquiry.deadline)
        self._until = self._inquiry.context.clock.monotonic() + SAMPLING
        return told

    async def look_into(self, listed: Listed) -> Seen:
        """Return a table with a sample of its rows; one that can't be read, or not in time, without."""
        place = place_of(listed)
        known = self._seen.get(place)
        if known is not None:
            return known
        if self._is_late:
            return unread(listed, "there was no time left to look into it")
        try:
            seen = await self._guest.run(
                lambda session: sample(session, listed), self._inquiry.deadline.sooner(ONE_TABLE)
            )
        except BackendError as error:
            self._inquiry.deadline.check(self._inquiry.context.name)
            seen = unread(listed, error.reason)
            self.notes.append(f"{listed.table.place} could not be read: {error.reason}")
        self._seen[place] = seen
        return seen

    async def with_more_words(self, seen: Seen, state: Meanings) -> Seen:
        """Return the table with words of its state that no sample showed."""
        assert state.column is not None
        name = state.column.name
        table, column = seen.listed.table, state.column.column
        if seen.whole or seen.trouble or self._is_late:
            return seen
        try:
            more, every = await self._guest.run(
                lambda session: words_beyond(session, table, column), self._inquiry.deadline.sooner(ONE_TABLE)
            )
        except BackendError:
            return seen
        columns = tuple(
            replace(each, more=more, all_words=each.all_words or every) if each.name == name else each
            for each in seen.columns
        )
        return replace(seen, columns=columns)

    async def opens(self, draft: Draft) -> str | None:
        """Return why a draft can't be opened on this database; None where it can."""
        try:
            table = plugin_table(draft)
            options = SqlOptions.model_validate({"url": self._url, **expand(table)})
            await open_mapping(self._guest, options, self._inquiry.context, self._inquiry.deadline)
        except ValidationError as error:
            return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        except ConfigError as error:
            return str(error)
        except BackendError as error:
            self._inquiry.deadline.check(self._inquiry.context.name)
            return str(error)
        return None
