"""Whether the owners of a page's sagas are alive, by their heartbeat in a table of workers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sagadoctor.api.v1 import Owner
from sagadoctor.api.v1.sql import Kind, Session, Table

from .cells import NAME_BOUND
from .fields import moment_reader
from .idents import ident
from .mapping.columns import IdFormat
from .mapping.saga import Alive
from .moments import check_unit
from .selection import Selection
from .source import Missing, Source
from .values import Unreadable, word

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_CHUNK: Final = 1000


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
        self.source = Source(table, engine, zone, missing)
        self._selection = Selection()
        self._within: timedelta = words.within
        self.key = self.source.column(words.id)
        self._beat = self.source.column(words.heartbeat.column or "")
        self._read = moment_reader(words.heartbeat, zone)
        if self.key is None or self._beat is None:
            return
        check_unit(words.heartbeat, self._beat, self.source, "saga.owner.alive.heartbeat")
        self._ident = ident(form, self.key.kind) if form is not None or self.key.kind is Kind.UUID else None
        self._selection.add("id", self.source.text(self.key, NAME_BOUND))
        is_document = words.heartbeat.path is not None
        beat = self.source.document(self._beat)[0] if is_document else self.source.text(self._beat, NAME_BOUND)
        self._selection.add("beat", beat)

    def gather(self, session: Session, names: Iterable[str], now: datetime) -> dict[str, Owner]:
        """Return what the table says of these owners; one that isn't in it is not alive."""
        from sqlalchemy import select

        wanted = list(dict.fromkeys(names))
        found = {name: Owner(name, alive=False) for name in wanted}
        if self.key is None or self._beat is None:
            return found
        id_of, beat_of = self.source.opener(self.key), self.source.opener(self._beat)
        for start in range(0, len(wanted), _CHUNK):
            some = wanted[start : start + _CHUNK]
            spelt = [value for name in some for value in (self._ident.lookups(name) if self._ident else [name])]
            given = [each for value in spelt if (each := self.source.given(self.key, value)) is not None]
            statement = (
                select(*self._selection.items)
                .select_from(self.source.clause)
                .where(self.source.element(self.key).in_(given))
            )
            for raw_id, raw_beat in session.stream(statement):
                try:
                    loose_id = id_of(raw_id)
                    name = (self._ident.canonical(loose_id) if self._ident else word(loose_id)) or ""
                except Unreadable:
                    continue
                try:
                    loose = None if raw_beat is None else beat_of(raw_beat)
                    beat = None if loose is None else self._read(loose)
                except Unreadable:
                    found[name] = Owner(name)  # nobody can tell
                    continue
                alive = beat is not None and now - beat <= self._within
                found[name] = Owner(name, alive=alive, heartbeat_at=beat)
        return found
