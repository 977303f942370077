"""The application's outbox table, read beside a page by its ids: which commands left, and which still lie there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sagadoctor.api.v1 import Doubt, OutboxEntry
from sagadoctor.api.v1.sql import Column, Row, Session, Table

from .asking import Forced, Lookup, Part, probes
from .beside import Beside, Ids, among, chunks, moment_of, tolerant, truth_of
from .identity import comparable, opener_of, parameter_beside
from .idents import ident
from .mapping.around import OutboxWords
from .selection import Selection
from .source import Source
from .values import Unreadable

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
        self.source = beside.source
        self.place = f"{store}.{table.place}"
        self._sagas = sagas
        self._link: Column | None = None
        self._link_at = -1
        if words.saga is not None:
            self._link = sagas.column(words.saga)
            if self._link is not None:
                self._link_at = selection.add(f"key:{self._link.name}", sagas.cell(self._link))
                self._link_id = ident(None, self._link.kind)
                self._link_opened = opener_of(self._link_id, self._link, sagas)
        names = (words.id,) if words.saga is not None else words.saga_id or ()
        keys = [beside.key(name) for name in names]
        self.keys = [column for column in keys if column is not None]
        entry = self.source.column(words.id)
        self._id_element = None if entry is None or entry in self.keys else self.source.element(entry)
        self._id = Ids(beside, words.id)
        self._beside, self._forced = beside, Forced()
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
            return self._link_id.canonical(self._link_opened(row[self._link_at]))
        except Unreadable as odd:
            return None if odd.value is None else str(odd.value)

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

    @property
    def lookups(self) -> list[Lookup]:
        """Return what is asked of the table."""
        by = tuple(column.name for column in self.keys)
        if not by:
            return []

        def statement() -> Any:
            given = list(zip(*(probes(self.source, column) for column in self.keys), strict=False))
            return self.statement(given) if given else None

        what = "commands in the outbox were"
        return [Lookup(Part.OUTBOX, what, self.source.table, by, statement, forced=self._forced)]

    def _given(self, link: tuple[Any, ...], identity: Identity) -> Sequence[ColumnElement[Any]] | None:
        """Return the parameters by which the entries of a saga are looked up; None where none can be its."""
        if self._link is None:
            return identity.parameters_beside(self.source, self.keys, link)
        given = parameter_beside(self._sagas, self._link, self.source, self.keys[0], link[0])
        return None if given is None else [given]

    def statement(self, links: Sequence[Sequence[ColumnElement[Any]]]) -> Any:
        """Return the statement for the entries of these sagas; each link is a parameter per key column."""
        elements = [self.source.element(column) for column in self.keys]
        order = elements if self._id_element is None else [*elements, self._id_element]
        return self._beside.chosen(among(elements, links), forced=self._forced).order_by(*order)

    def _entry(self, row: Row) -> OutboxEntry:
        sent_at = moment_of(self._sent_at, row)
        sent = truth_of(self._sent, row) if self._sent is not None else sent_at is not None
        return OutboxEntry(
            self._id.of(row), self.place, tolerant(self._step, row), sent, moment_of(self._created_at, row), sent_at
        )
