"""What lies around a saga's row: the outbox, what was received and replied, locks, the writer."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from .columns import Identifier, MaybeText, MaybeTime, Table, Text, Time, Words, not_yet


class OutboxWords(Words):
    """The commands that left, or wait to leave."""

    table: Table
    id: Identifier
    saga: Identifier | None = None
    saga_id: Identifier | None = None
    step: MaybeText = None
    sent: MaybeText = None
    sent_at: MaybeTime = None
    created_at: MaybeTime = None

    @model_validator(mode="after")
    def _tied_to_the_saga(self) -> OutboxWords:
        if (self.saga is None) == (self.saga_id is None):
            raise ValueError("say saga = the saga's column that holds this id, or saga_id = a column of this table")
        if self.sent is None and self.sent_at is None:
            raise ValueError("say what tells that a command was sent: sent = … or sent_at = …")
        return self


class ReceivedWords(Words):
    """What a consumer took."""

    table: Table
    message: Identifier
    consumer: Identifier
    at: Time | None = None


class RepliesWords(Words):
    """What participants answered."""

    table: Table
    answers: Text
    outcome: Text
    taken_by: str


class WaitersWords(Words):
    """Who waits for a lock."""

    table: Table
    target: Identifier
    saga: Identifier


class LocksWords(Words):
    """Who holds which lock."""

    table: Table
    target: Identifier
    holder: Identifier
    waiters: WaitersWords | None = None


class CloseWords(Words):
    """From which words, to which word, a saga may be closed."""

    from_: tuple[str, ...] = Field(alias="from", min_length=1)
    to: str


class WriterWords(Words):
    """The writer's own way in, for close-saga only."""

    url: str
    password: Any = None
    close: CloseWords


MaybeReceived = Annotated[ReceivedWords | None, not_yet("received")]
MaybeReplies = Annotated[RepliesWords | None, not_yet("replies")]
MaybeLocks = Annotated[LocksWords | None, not_yet("locks")]
MaybeWriter = Annotated[WriterWords | None, not_yet("writer")]
