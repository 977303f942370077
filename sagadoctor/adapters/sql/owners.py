"""Whether the owners of a page's sagas are alive, by their heartbeat in a table of workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sagadoctor.api.v1 import Owner
from sagadoctor.api.v1.sql import Row, Session, Table

from .asking import PROBES, Forced, Lookup, Part
from .beside import Beside, Ids, chunks
from .mapping.columns import IdFormat
from .mapping.saga import Alive
from .source import Missing
from .values import Unreadable

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy import Select


class Owners:
    """Looks owners up by their names."""

    def __init__(
        self,
        words: Alive,
        table: Table,
        engine: str,
        zone: ZoneInfo | None,
        missing: Missing,
        form: IdFormat | None = None,
    ) -> None:
        """Find the columns; `form` is that of the owner's own column."""
        self._beside = Beside(table, engine, zone, missing, "saga.owner.alive")
        self._within: timedelta = words.within
        self._names = Ids(self._beside, words.id, form)
        self._beat = self._beside.time("heartbeat", words.heartbeat)
        self._forced = Forced()

    @property
    def lookups(self) -> list[Lookup]:
        """Return what is asked of the table."""
        key, table = self._names.column, self._beside.source.table
        if key is None:
            return []
        what = "whether owners are alive was"
        return [Lookup(Part.OWNERS, what, table, (key.name,), lambda: self._statement(PROBES), forced=self._forced)]

    def gather(self, session: Session, names: Iterable[str], now: datetime) -> dict[str, Owner]:
        """Return what the table says of these owners; one that isn't in it is not alive.

        Of several rows of one name the latest heartbeat counts.
        """
        wanted = list(dict.fromkeys(names))
        found = {name: Owner(name, alive=False) for name in wanted}
        for some in chunks(wanted):
            statement = self._statement(some)
            for row in session.stream(statement) if statement is not None else ():
                name = self._names.of(row)
                told = self._told(name, row, now)
                before = found.get(name)
                if before is None or before.heartbeat_at is None or _is_later(told, before):
                    found[name] = told
        return found

    def _statement(self, names: Sequence[str]) -> Select[Any] | None:
        among = self._names.among(names)
        return None if among is None else self._beside.chosen(among, forced=self._forced)

    def _told(self, name: str, row: Row, now: datetime) -> Owner:
        try:
            beat = self._beat(row) if self._beat is not None else None
        except Unreadable:
            return Owner(name)  # nobody can tell
        if beat is not None and beat - now > self._within:  # a clock is wrong: nobody can tell
            return Owner(name, heartbeat_at=beat)
        return Owner(name, alive=beat is not None and now - beat <= self._within, heartbeat_at=beat)


def _is_later(one: Owner, other: Owner) -> bool:
    return one.heartbeat_at is not None and other.heartbeat_at is not None and one.heartbeat_at > other.heartbeat_at
