"""What consumers have received, looked up by the ids of messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1 import Receipt
from sagadoctor.api.v1.sql import Row, Session, Table

from .advice import create_index
from .asking import PROBES, Forced, Lookup, Part
from .beside import Beside, Ids, chunks, moment_of, tolerant
from .mapping.columns import ColumnWords
from .mapping.conversation import ReceivedWords

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from .conversation import Around

MOST: Final = 20
"""Receipts that are kept of one command: those that were read first."""


class Received:
    """Reads who received which message."""

    def __init__(self, words: ReceivedWords, table: Table, around: Around) -> None:
        """Find the columns."""
        self._beside = Beside(table, around.engine, around.zone, around.missing, "received")
        self._place, self._engine = f"{around.store}.{table.place}", around.engine
        self.table = table
        self._message = Ids(self._beside, words.message)
        self._by = Ids(self._beside, words.consumer) if words.consumer is not None else None
        said = ColumnWords(column=words.consumer) if words.consumer is not None else None
        self._consumer = self._beside.field("consumer", said)
        self._at = self._beside.time("at", words.at)
        self._every, self._one = Forced(), Forced()

    @property
    def lookups(self) -> list[Lookup]:
        """Return what is asked of the table: who received a message, and whether one named consumer did."""
        message = self._message.column
        if message is None:
            return []
        every = Lookup(
            Part.RECEIVED,
            "who received a command was",
            self.table,
            (message.name,),
            partial(self._statement, PROBES),
            forced=self._every,
        )
        if self._by is None or self._by.column is None:
            return [every]
        both = (message.name, self._by.column.name)
        led = any(each.predicate is None and set(each.columns[:2]) == set(both) for each in self.table.indexes)
        one = Lookup(
            Part.TAKEN,
            "whether replies were received was",
            self.table,
            both,
            partial(self._statement, PROBES, PROBES[0]),
            frozenset(both if led else both[:1]),
            lambda: create_index(self.table, list(both), self._engine),
            self._one,
        )
        return [every, one]

    def receipts(self, session: Session, messages: Sequence[str]) -> dict[str, list[Receipt]]:
        """Return who received these messages."""
        found: dict[str, list[Receipt]] = {}
        for row in self._rows(session, messages):
            message = self._message.of(row)
            kept = found.setdefault(message, [])
            if len(kept) < MOST:
                consumer = tolerant(self._consumer, row)
                kept.append(Receipt(message, self._place, consumer, moment_of(self._at, row)))
        return found

    def taken(self, session: Session, by: Mapping[str, list[str]]) -> set[tuple[str, str]]:
        """Return which of these messages were received, each by the consumer that it is for."""
        found: set[tuple[str, str]] = set()
        for consumer, messages in by.items():
            found.update((consumer, self._message.of(row)) for row in self._rows(session, messages, consumer))
        return found

    def _rows(self, session: Session, messages: Sequence[str], consumer: str | None = None) -> Iterator[Row]:
        for some in chunks(messages):
            statement = self._statement(some, consumer)
            if statement is not None:
                yield from session.stream(statement)

    def _statement(self, messages: Sequence[str], consumer: str | None = None) -> Select[Any] | None:
        where: list[ColumnElement[bool] | None] = [self._message.among(messages)]
        if consumer is not None and self._by is not None:
            where.append(self._by.among([consumer]))
        known = [each for each in where if each is not None]
        if len(known) < len(where):  # no row can have such an id
            return None
        return self._beside.chosen(*known, forced=self._every if consumer is None else self._one)
