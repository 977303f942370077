"""What lies around a saga's row: the outbox.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from pydantic import model_validator

from .columns import Identifier, MaybeText, MaybeTime, Names, Table, Words, told_by_columns


class OutboxWords(Words):
    """The commands that left, or wait to leave."""

    table: Table
    id: Identifier
    saga: Identifier | None = None
    saga_id: Names | None = None
    """The columns that hold the saga's id, as many as that has."""
    step: MaybeText = None
    sent: MaybeText = None
    sent_at: MaybeTime = None
    created_at: MaybeTime = None

    @model_validator(mode="after")
    def _tied_to_the_saga(self) -> "OutboxWords":
        if (self.saga is None) == (self.saga_id is None):
            raise ValueError("say saga = the saga's column that holds this id, or saga_id = a column of this table")
        if self.sent is None and self.sent_at is None:
            raise ValueError("say what tells that a command was sent: sent = … or sent_at = …")
        told_by_columns(self, "step", "sent", "sent_at", "created_at")
        return self
