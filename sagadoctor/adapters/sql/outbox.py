"""The application's outbox table, read beside a page by its ids: which commands left, and which still lie there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sagadoctor.api.v1 import Doubt, OutboxEntry
from sagadoctor.api.v1.sql import Column, Row, Session, Table

from .cells import ID_BOUND, NAME_BOUND
from .fields import moment_reader, text_reader
from .identity import comparable
from .mapping.around import OutboxWords
from .mapping.columns import ColumnWords, TimeColumn
from .moments import as_moment, as_time
from .selection import Selection
from .source import Missing, Source
from .values import Unreadable, truth, word

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement

MOST: Final = 200
"""Entries of one saga that are kept: those that are not sent first, then the newest."""
_CHUNK: Final = 1000


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
        missing: Missing = sagas.missing
        self.source = Source(table, sagas.engine, zone, missing)
        self.place = f"{store}.{table.place}"
        self._selection = Selection()
        self._sagas = sagas
        self._link: Column | None = None
        self._link_at = -1
        if words.saga is not None:
            self._link = sagas.column(words.saga)
            if self._link is not None:
                self._link_at = selection.add(f"key:{self._link.name}", sagas.cell(self._link))
        key = self.source.column(words.id if words.saga is not None else words.saga_id or "")
        self.key = key
        if key is not None:
            self._selection.add("key", self.source.cell(key))
        entry = self.source.column(words.id)
        self._id_element = None if entry is None or entry is key else self.source.element(entry)
        self._id = self._field("id", ColumnWords(column=words.id), ID_BOUND)
        self._step = self._field("step", words.step, NAME_BOUND) if words.step is not None else None
        self._sent = self._field("sent", words.sent, NAME_BOUND) if words.sent is not None else None
        self._sent_at = self._time("sent_at", words.sent_at)
        self._created_at = self._time("created_at", words.created_at)

    def _field(self, name: str, words: ColumnWords, most: int) -> Callable[[Row], Any]:
        column = self.source.column(words.column) if words.column is not None else None
        if column is None:
            constant = word(words.const) if words.const is not None else None
            return lambda row: constant
        expression = self.source.document(column)[0] if words.path is not None else self.source.text(column, most)
        at = self._selection.add(f"{name}:{column.name}", expression)
        opened, read = self.source.opener(column), text_reader(words)

        def value(row: Row) -> Any:
            return None if row[at] is None else read(opened(row[at]))

        return value

    def _time(self, name: str, words: TimeColumn | None) -> Callable[[Row], Any] | None:
        column = self.source.column(words.column) if words is not None and words.column is not None else None
        if words is None or column is None:
            return None
        at = self._selection.add(f"{name}:{column.name}", self.source.text(column, NAME_BOUND))
        opened, read = as_time(self.source.opener(column)), moment_reader(words, self.source.zone)

        def value(row: Row) -> Any:
            loose = None if row[at] is None else opened(row[at])
            return None if loose is None else read(loose)

        return value

    def link_of(self, row: Row, raw_id: tuple[Any, ...]) -> Any:
        """Return the raw cell by which a saga's entries are looked up."""
        return row[self._link_at] if self._link is not None else raw_id[0]

    def gather(self, session: Session, links: Sequence[Any], ids: Column) -> dict[Any, Entries]:
        """Return the entries by the raw cell that ties them to a saga."""
        found: dict[Any, Entries] = {}
        if self.key is None:
            return {}
        wanted = list(dict.fromkeys(link for link in links if link is not None))
        column = self._link if self._link is not None else ids
        for start in range(0, len(wanted), _CHUNK):
            chunk = [self._sagas.parameter(column, raw) for raw in wanted[start : start + _CHUNK]]
            for row in session.stream(self.statement(chunk)):
                key = comparable(row[:1])
                entries = found.get(key)
                if entries is None:
                    entries = found[key] = Entries()
                entries.add(self._entry(row))
        return found

    def statement(self, links: Sequence[ColumnElement[Any]]) -> Any:
        """Return the statement for the entries of these sagas."""
        from sqlalchemy import select

        assert self.key is not None
        element = self.source.element(self.key)
        order = [element] if self._id_element is None else [element, self._id_element]
        return select(*self._selection.items).select_from(self.source.clause).where(element.in_(links)).order_by(*order)

    def _entry(self, row: Row) -> OutboxEntry:
        sent_at = as_moment(_tolerant(self._sent_at, row))
        sent: bool | None = None
        if self._sent is not None:
            try:
                sent = truth(_tolerant(self._sent, row))
            except Unreadable:
                sent = None
        elif self._sent_at is not None:
            sent = sent_at is not None
        entry_id = word(_tolerant(self._id, row)) or ""
        created_at = as_moment(_tolerant(self._created_at, row))
        return OutboxEntry(entry_id, self.place, _tolerant(self._step, row), sent, created_at, sent_at)


def _tolerant(read: Callable[[Row], Any] | None, row: Row) -> Any:
    if read is None:
        return None
    try:
        return read(row)
    except Unreadable as odd:
        return odd.value
