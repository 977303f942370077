"""The conversation around live sagas, read with their page: who received a command, and what was answered to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from sagadoctor.api.v1 import Receipt, Reply, ReplyOutcome, Saga
from sagadoctor.api.v1.sql import POSTGRESQL, Kind, Row, Session, Table, access

from .advice import create_index, create_path_index, has_index
from .beside import Beside, Read, chunks, moment_of, tolerant, truth_of
from .cells import ID_BOUND
from .documents import EXTRACTED, extracted, found_text, searched
from .mapping.around import OutboxWords
from .mapping.columns import ColumnWords
from .mapping.conversation import OUTCOMES, SAGA_TYPE, ReceivedWords, ReplyWords
from .paths import parse_path
from .values import Unreadable, word

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement, Select

    from .source import Missing

ASKED: Final = 20
"""Commands of one saga that are asked about: the latest ones."""
MOST: Final = 20
"""Receipts and replies that are kept of one command: those that were read first."""
_PROBE: Final = "0"
"""What an id can be, to have a plan made for."""


class Around(msgspec.Struct, frozen=True):
    """What the tables of a conversation are read with."""

    engine: str
    version: int
    zone: ZoneInfo | None
    missing: Missing
    store: str
    big_table: int


class Received:
    """Reads what consumers have received."""

    def __init__(self, words: ReceivedWords, table: Table, around: Around) -> None:
        """Find the columns."""
        self._beside = Beside(table, around.engine, around.zone, around.missing, "received")
        self._place, self._most = f"{around.store}.{table.place}", around.big_table
        self.table = table
        source = self._beside.source
        self.message = source.column(words.message)
        self.consumer = source.column(words.consumer) if words.consumer is not None else None
        self._message = self._beside.field("message", ColumnWords(column=words.message), ID_BOUND)
        self._consumer = self._beside.field("consumer", _column(words.consumer))
        self._at = self._beside.time("at", words.at)

    @property
    def wants_index(self) -> list[str]:
        """Return the columns of the index that finds who received a message; nothing where it needs none."""
        if self.message is None or not self._beside.is_big(self._most) or has_index(self.table, self.message.name):
            return []
        return [self.message.name]

    @property
    def tells_of_one(self) -> bool:
        """Say whether it can be told if one named consumer received a message."""
        if self.message is None or self.consumer is None:
            return False
        both = {self.message.name, self.consumer.name}
        led = any(each.predicate is None and set(each.columns[:2]) == both for each in self.table.indexes)
        return led or not self.wants_index

    def receipts(self, session: Session, messages: Sequence[str]) -> dict[str, list[Receipt]]:
        """Return who received these messages."""
        found: dict[str, list[Receipt]] = {}
        for some in chunks(messages):
            for row in self._rows(session, some):
                message = _id_of(self._message, row)
                kept = found.setdefault(message, [])
                if len(kept) < MOST:
                    consumer = tolerant(self._consumer, row)
                    kept.append(Receipt(message, self._place, consumer, moment_of(self._at, row)))
        return found

    def taken(self, session: Session, by: Mapping[str, list[str]]) -> set[tuple[str, str]]:
        """Return which of these messages were received, each by the consumer that it is for."""
        found: set[tuple[str, str]] = set()
        for consumer, messages in by.items():
            for some in chunks(messages):
                found.update((consumer, _id_of(self._message, row)) for row in self._rows(session, some, consumer))
        return found

    def _rows(self, session: Session, messages: Sequence[str], consumer: str | None = None) -> Iterator[Row]:
        from sqlalchemy import select

        beside, source = self._beside, self._beside.source
        given = beside.given(self.message, messages) if self.message is not None else []
        if self.message is None or not given:
            return
        where: list[ColumnElement[bool]] = [source.element(self.message).in_(given)]
        if consumer is not None and self.consumer is not None:
            one = source.given(self.consumer, consumer)
            if one is None:
                return
            where.append(source.element(self.consumer) == one)
        yield from session.stream(select(*beside.selection.items).select_from(source.clause).where(*where))


class Replies:
    """Reads what participants have answered."""

    def __init__(self, words: ReplyWords, outbox: OutboxWords, table: Table, around: Around) -> None:
        """Find the columns; where replies lie in the outbox, what it says of its entries holds for them too."""
        same = words.table == outbox.table
        beside = self._beside = Beside(table, around.engine, around.zone, around.missing, "replies")
        self._place, self._most = f"{around.store}.{table.place}", around.big_table
        self.table, self._engine, self._taken_by = table, around.engine, words.taken_by
        self._path = words.answers.path
        self._column = beside.source.column(words.answers.column or "")
        self.element = self._searched(around)
        self._answers = beside.field("answers", words.answers, ID_BOUND)
        self._id = beside.field("id", _column(words.id or outbox.id), ID_BOUND)
        self._outcome = beside.field("outcome", words.outcome)
        told = words.sent is not None or words.sent_at is not None
        self._sent = beside.field("sent", words.sent if told or not same else outbox.sent)
        self._sent_at = beside.time("sent_at", words.sent_at if told or not same else outbox.sent_at)
        self._at = beside.time("at", words.at or (outbox.created_at if same else None))

    def _searched(self, around: Around) -> ColumnElement[Any] | None:
        """Return what the database looks replies up by; None where it can't take that out of its document."""
        source, column = self._beside.source, self._column
        if column is None:
            return None
        element = source.element(column)
        if self._path is None:
            return element
        path = parse_path(self._path)
        if around.engine == POSTGRESQL and column.kind is Kind.TEXT:
            return found_text(element, path)
        plain = searched(column, element, path, around.engine)
        return extracted(column, element, path, None, around.engine, around.version) if plain is None else plain

    def refusal(self, session: Session) -> str:
        """Say why replies can't be looked for; empty where they can."""
        table, column = self.table, self._column
        if column is None:
            return ""
        advice = "keep the id of what a reply answers in an indexed column of its own, which may be a generated one"
        if self.element is None:
            return f"{session.version} can't take {self._path} out of {column.name} of {table.place} safely: {advice}"
        if not self._beside.is_big(self._most):
            return ""
        if self._path is None:
            if has_index(table, column.name):
                return ""
            advice = create_index(table, [column.name], self._engine)
        else:
            path = parse_path(self._path)
            statement = self._statement([_PROBE])
            leading = {str(path[-1])}
            if statement is None or not access(session.explain(statement), table, leading, self._engine).sequential:
                return ""
            advice = create_path_index(table, column, path, self._engine) or advice
        return f"no index finds the replies in {table.place} (about {table.rows:,} rows): {advice}"

    def replies(self, session: Session, messages: Sequence[str]) -> dict[str, list[Reply]]:
        """Return what was answered to these messages."""
        found: dict[str, list[Reply]] = {}
        for some in chunks(messages):
            statement = self._statement(some)
            for row in session.stream(statement) if statement is not None else ():
                message = _id_of(self._answers, row)
                kept = found.setdefault(message, [])
                if len(kept) < MOST:
                    kept.append(self._reply(row, message))
        return found

    def _statement(self, messages: Sequence[str]) -> Select[Any] | None:
        from sqlalchemy import select

        source, column = self._beside.source, self._column
        if self.element is None or column is None:
            return None
        given = self._beside.given(EXTRACTED if self._path is not None else column, messages)
        if not given:
            return None
        return select(*self._beside.selection.items).select_from(source.clause).where(self.element.in_(given))

    def _reply(self, row: Row, message: str) -> Reply:
        outcome = tolerant(self._outcome, row)
        sent_at = moment_of(self._sent_at, row)
        sent = truth_of(self._sent, row) if self._sent is not None else None
        if self._sent is None and self._sent_at is not None:
            sent = sent_at is not None
        return Reply(
            _id_of(self._id, row),
            message,
            self._place,
            ReplyOutcome(outcome) if outcome in OUTCOMES else None,
            moment_of(self._at, row),
            sent,
        )

    def taker(self, saga_type: str | None) -> str | None:
        """Return the consumer that takes the replies to sagas of this type; None where nobody says."""
        if self._taken_by is None or (saga_type is None and SAGA_TYPE in self._taken_by):
            return None
        return self._taken_by.replace(SAGA_TYPE, saga_type or "")


class Conversation:
    """Completes live sagas by who received their latest commands, and what was answered to them."""

    def __init__(self, received: Received | None, replies: Replies | None) -> None:
        """Keep what is mapped; `settle` finds out what can be read."""
        self._received, self._replies = received, replies
        self._tells_receipts = received is not None
        self._tells_taken = False
        self.notes: tuple[str, ...] = ()
        """What is not read, and the statements that would help."""

    def settle(self, session: Session) -> None:
        """Find out what can be read without reading all of a big table."""
        notes: list[str] = []
        received, replies = self._received, self._replies
        if received is not None and (wanted := received.wants_index):
            self._tells_receipts = False
            table = received.table
            advice = create_index(table, wanted, session.engine)
            notes.append(
                f"who received a command was not looked at: no index finds it in {table.place} "
                f"(about {table.rows:,} rows): {advice}"
            )
        if replies is not None and (refused := replies.refusal(session)):
            self._replies = None
            notes.append(f"replies were not looked at: {refused}")
        self._tells_taken = received is not None and received.tells_of_one
        self.notes = tuple(notes)

    def told(self, session: Session, sagas: Sequence[Saga], named: Sequence[str | None]) -> list[Saga]:
        """Return the sagas with what was said about their commands; `named` is the one that each row itself names."""
        asked = [_latest(saga, name) if saga.is_live else [] for saga, name in zip(sagas, named, strict=True)]
        messages = list(dict.fromkeys(message for some in asked for message in some))
        if not messages:
            return list(sagas)
        receipts: dict[str, list[Receipt]] = {}
        if self._received is not None and self._tells_receipts:
            receipts = self._received.receipts(session, messages)
        answered = self._replies.replies(session, messages) if self._replies is not None else {}
        replies = [self._addressed(saga, some, answered) for saga, some in zip(sagas, asked, strict=True)]
        taken = self._taken(session, replies)
        return [
            replace(
                saga,
                received=tuple(each for message in some for each in receipts.get(message, ())),
                replies=tuple(_with_taking(each, taken) for each in told),
            )
            if some
            else saga
            for saga, some, told in zip(sagas, asked, replies, strict=True)
        ]

    def _addressed(self, saga: Saga, messages: Sequence[str], answered: Mapping[str, list[Reply]]) -> list[Reply]:
        found = [each for message in messages for each in answered.get(message, ())]
        taker = self._replies.taker(saga.saga_type) if found and self._replies is not None else None
        return [replace(each, taken_by=taker) for each in found] if taker is not None else found

    def _taken(self, session: Session, replies: Sequence[Sequence[Reply]]) -> set[tuple[str, str]] | None:
        """Return who took which reply; None where nobody can tell."""
        if self._received is None or not self._tells_taken:
            return None
        by: dict[str, list[str]] = {}
        for each in (reply for some in replies for reply in some):
            if each.taken_by is not None:
                by.setdefault(each.taken_by, []).append(each.reply_id)
        return self._received.taken(session, by)


def _with_taking(reply: Reply, taken: set[tuple[str, str]] | None) -> Reply:
    if taken is None or reply.taken_by is None:
        return reply
    return replace(reply, taken=(reply.taken_by, reply.reply_id) in taken)


def _latest(saga: Saga, named: str | None) -> list[str]:
    """Return the ids of the saga's latest commands, the latest one last."""
    entries = [entry.entry_id for entry in sorted(saga.outbox, key=_written)]
    if named is not None:
        entries.append(named)
    return list(dict.fromkeys(each for each in entries[-ASKED:] if each))


def _written(entry: Any) -> float:
    at = entry.created_at or entry.sent_at
    return at.timestamp() if at is not None else 0.0


def _column(name: str | None) -> ColumnWords | None:
    return ColumnWords(column=name) if name is not None else None


def _id_of(read: Read | None, row: Row) -> str:
    try:
        return word(tolerant(read, row)) or ""
    except Unreadable as odd:
        return str(odd.value)
