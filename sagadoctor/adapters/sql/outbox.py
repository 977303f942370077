"""The application's outbox table, read beside a page by its ids: which commands left, and which still lie there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sagadoctor.api.v1 import Doubt, OutboxEntry
from sagadoctor.api.v1.sql import Column, Row, Session, Table

from .beside import Beside, among, chunks, moment_of, tolerant, truth_of
from .cells import ID_BOUND
from .identity import comparable
from .mapping.around import OutboxWords
from .mapping.columns import ColumnWords
from .selection import Selection
from .source import Source
from .values import Unreadable, word

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement

    from .identity import Identity

MOST: Final = 200
"""Entries of one saga that are kept: those that are not sent first, then the newest."""


class Entries(msgspec.Struct):
    """The entries of one saga in the order of their ids while they come in; never more than a bound is kept."""

    count: int = 0
    kept: list[OutboxEntry] = msgspec.field(default_factory=list)

    def add(self, entry: OutboxEntry) -> None:
        """Keep an entry, for now."""
        self.count += 1
        self.kept.append(entry)
        if len(self.kept) >= 2 * MOST:
            self.kept = self.told

    @property
    def told(self) -> list[OutboxEntry]:
        """Return the entries that matter most: those that are not sent, or may not be, then the newest."""
        if len(self.kept) <= MOST:
            return self.kept
        ranked = sorted(range(len(self.kept)), key=self._rank)
        return [self.kept[at] for at in sorted(ranked[:MOST])]

    def _rank(self, at: int) -> tuple[int, float, int]:
        entry = self.kept[at]
        moment = entry.created_at or entry.sent_at
        order = {False: 0, None: 1, True: 2}[entry.sent]
        return order, -moment.timestamp() if moment is not None else 0.0, -at

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """Say that there were more."""
        if self.count <= MOST:
            return ()
        reason = f"{self.count} entries; only {MOST} were kept, those not sent first, then the newest"
        return (Doubt("outbox", str(self.count), reason),)


class Outbox:
    """Reads entries for sagas: tied by a column of the saga that holds an entry's id, or by the saga's id."""

    def __init__(
        self, words: OutboxWords, table: Table, sagas: Source, selection: Selection, zone: ZoneInfo | None, store: str
    ) -> None:
        """Find the columns of both tables; `selection` is the saga row's own."""
        beside = Beside(table, sagas.engine, zone, sagas.missing)
        self.source, self._selection = beside.source, beside.selection
        self.place = f"{store}.{table.place}"
        self._sagas = sagas
        self._link: Column | None = None
        self._link_at = -1
        if words.saga is not None:
            self._link = sagas.column(words.saga)
            if self._link is not None:
                self._link_at = selection.add(f"key:{self._link.name}", sagas.cell(self._link))
        names = (words.id,) if words.saga is not None else words.saga_id or ()
        keys = [beside.key(name) for name in names]
        self.keys = [column for column in keys if column is not None]
        entry = self.source.column(words.id)
        self._id_element = None if entry is None or entry in self.keys else self.source.element(entry)
        self._id = beside.field("id", ColumnWords(column=words.id), ID_BOUND)
        self._step = beside.field("step", words.step)
        self._sent = beside.field("sent", words.sent)
        self._sent_at = beside.time("sent_at", words.sent_at)
        self._created_at = beside.time("created_at", words.created_at)

    @property
    def key(self) -> Column | None:
        """Return the column that an index which finds entries begins with."""
        return self.keys[0] if self.keys else None

    def link_of(self, row: Row, raw_id: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the raw cells by which a saga's entries are looked up."""
        return (row[self._link_at],) if self._link is not None else raw_id

    def message_of(self, row: Row) -> str | None:
        """Return the id of the command that the saga's row names, also where its entry isn't in the table any more."""
        if self._link is None or row[self._link_at] is None:
            return None
        try:
            return word(self._sagas.opener(self._link)(row[self._link_at]))
        except Unreadable:
            return None

    def gather(
        self, session: Session, links: Sequence[tuple[Any, ...]], identity: Identity
    ) -> dict[tuple[Any, ...], Entries]:
        """Return the entries by the raw cells that tie them to a saga."""
        found: dict[tuple[Any, ...], Entries] = {}
        wanted = list(dict.fromkeys(link for link in links if None not in link))
        given = [each for link in wanted if (each := self._given(link, identity))] if self.keys else []
        width = len(self.keys)
        for some in chunks(given):
            for row in session.stream(self.statement(some)):
                key = comparable(row[:width])
                entries = found.get(key)
                if entries is None:
                    entries = found[key] = Entries()
                entries.add(self._entry(row))
        return found

    def _given(self, link: tuple[Any, ...], identity: Identity) -> Sequence[ColumnElement[Any]] | None:
        """Return the parameters by which the entries of a saga are looked up; None where none can be its."""
        if self._link is not None:
            return [self._sagas.parameter(self._link, link[0])]
        return identity.parameters_beside(self.source, self.keys, link)

    def statement(self, links: Sequence[Sequence[ColumnElement[Any]]]) -> Any:
        """Return the statement for the entries of these sagas; each link is a parameter per key column."""
        from sqlalchemy import select

        elements = [self.source.element(column) for column in self.keys]
        order = elements if self._id_element is None else [*elements, self._id_element]
        chosen = select(*self._selection.items).select_from(self.source.clause).where(among(elements, links))
        return chosen.order_by(*order)

    def _entry(self, row: Row) -> OutboxEntry:
        sent_at = moment_of(self._sent_at, row)
        sent = truth_of(self._sent, row) if self._sent is not None else sent_at is not None
        entry_id = word(tolerant(self._id, row)) or ""
        return OutboxEntry(
            entry_id, self.place, tolerant(self._step, row), sent, moment_of(self._created_at, row), sent_at
        )
