"""What participants have answered, looked up by the ids of the commands that the replies answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sagadoctor.api.v1 import Reply, ReplyOutcome
from sagadoctor.api.v1.sql import POSTGRESQL, Kind, Row, Session, Table, bound

from .advice import create_index, create_path_index
from .asking import PROBES, Forced, Lookup, Part
from .beside import Beside, Ids, chunks, moment_of, one_of, tolerant, truth_of
from .cells import ID_BOUND
from .documents import extracted, found_text, searched
from .mapping.around import OutboxWords
from .mapping.conversation import OUTCOMES, SAGA_TYPE, ReplyWords
from .paths import parse_path
from .source import is_storable
from .values import Unreadable, word

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from .conversation import Around

MOST: Final = 500
"""Replies to one command that are looked at; where there are more, nobody can say whether one of them was taken."""
MOST_OF_ALL: Final = 100_000
"""Replies to all commands of a page together."""
_APART: Final = "keep the id of what a reply answers in an indexed column of its own, which may be a generated one"


class Answers(msgspec.Struct):
    """The replies to one command."""

    count: int = 0
    kept: list[Reply] = msgspec.field(default_factory=list)


class Replies:
    """Reads what was answered to which command."""

    def __init__(self, words: ReplyWords, outbox: OutboxWords, table: Table, around: Around) -> None:
        """Find the columns; where replies lie in the outbox, what it says of its entries holds for them too."""
        same = words.table == outbox.table
        beside = self._beside = Beside(table, around.engine, around.zone, around.missing, "replies")
        self._place = f"{around.store}.{table.place}"
        self.table, self._engine, self._taken_by = table, around.engine, words.taken_by
        self._path = words.answers.path
        self._column = beside.source.column(words.answers.column or "")
        form = words.answers.format
        self._ids = Ids(beside, words.answers.column or "", form) if self._path is None else None
        self._element = self._searched(around) if self._path is not None else None
        self._never = ""
        if self._column is not None and self._path is not None and self._element is None:
            what = f"{around.database} can't take {self._path} out of {self._column.name} of {table.place} safely"
            self._never = f"{what}: {_APART}"
        self._forced = Forced()
        self._answers = beside.field("answers", words.answers, ID_BOUND)
        self._id = Ids(beside, words.id or outbox.id)
        self._outcome = beside.field("outcome", words.outcome)
        told = words.sent is not None or words.sent_at is not None
        self._sent = beside.field("sent", words.sent if told or not same else outbox.sent)
        self._sent_at = beside.time("sent_at", words.sent_at if told or not same else outbox.sent_at)
        self._at = beside.time("at", words.at or (outbox.created_at if same else None))

    def _searched(self, around: Around) -> ColumnElement[Any] | None:
        """Return what the database looks replies up by; None where it can't take that out of its document."""
        source, column = self._beside.source, self._column
        if column is None or self._path is None:
            return None
        element, path = source.element(column), parse_path(self._path)
        if around.engine == POSTGRESQL and column.kind is Kind.TEXT:
            return found_text(element, path)
        plain = searched(column, element, path, around.engine)
        return extracted(column, element, path, None, around.engine, around.version) if plain is None else plain

    @property
    def lookups(self) -> list[Lookup]:
        """Return what is asked of the table."""
        if self._column is None:
            return []
        path = parse_path(self._path) if self._path is not None else None
        leading = frozenset((str(path[-1]),)) if path is not None else frozenset((self._column.name,))
        statement = partial(self._statement, PROBES)
        by = (self._column.name,)
        return [
            Lookup(
                Part.REPLIES,
                "replies were",
                self.table,
                by,
                statement,
                leading,
                self._advice,
                self._forced,
                self._never,
            )
        ]

    def _advice(self) -> str:
        assert self._column is not None
        if self._path is None:
            return create_index(self.table, [self._column.name], self._engine)
        return create_path_index(self.table, self._column, parse_path(self._path), self._engine) or _APART

    def replies(self, session: Session, messages: Sequence[str]) -> dict[str, Answers]:
        """Return what was answered to these messages."""
        found: dict[str, Answers] = {}
        left = MOST_OF_ALL
        for some in chunks(messages):
            statement = self._statement(some)
            for row in session.stream(statement) if statement is not None else ():
                message = self._answered(row)
                answers = found.setdefault(message, Answers())
                answers.count += 1
                if left > 0 and len(answers.kept) < MOST:
                    left -= 1
                    answers.kept.append(self._reply(row, message))
        return found

    def _statement(self, messages: Sequence[str]) -> Select[Any] | None:
        where = self._ids.among(messages) if self._ids is not None else None
        if self._element is not None:
            given = [bound(each) for each in messages if is_storable(each, self._engine)]
            where = one_of(self._element, given) if given else None
        return None if where is None else self._beside.chosen(where, forced=self._forced)

    def _answered(self, row: Row) -> str:
        """Return the id of the command that a reply answers."""
        if self._ids is not None:
            return self._ids.of(row)
        try:
            return word(tolerant(self._answers, row)) or ""
        except Unreadable as odd:
            return str(odd.value)

    def _reply(self, row: Row, message: str) -> Reply:
        outcome = tolerant(self._outcome, row)
        sent_at = moment_of(self._sent_at, row)
        sent = truth_of(self._sent, row) if self._sent is not None else None
        if self._sent is None and self._sent_at is not None:
            sent = sent_at is not None
        return Reply(
            self._id.of(row),
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
