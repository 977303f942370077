"""The conversation around a saga: who received its commands, what was answered, and which locks it waits for.

These models are loaded only where a mapping names such a table. Annotations in here are no texts, as they are
elsewhere: pydantic would work out each of them at every start.
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, StrictStr, model_validator

from .columns import Identifier, MaybeText, MaybeTime, Names, Table, Text, Words, told_by_columns

SAGA_TYPE: Final = "{saga_type}"
OUTCOMES: Final = ("done", "refused")
_BRACES: Final = re.compile(r"[{}]")


def _consumer(template: str) -> str:
    if not template.strip():
        raise ValueError("a consumer's name is not empty")
    if _BRACES.search(template.replace(SAGA_TYPE, "")):
        raise ValueError(f"a consumer is named by text and {SAGA_TYPE}, nothing else in braces")
    return template


class ReceivedWords(Words):
    """What consumers have received."""

    table: Table
    message: Identifier
    consumer: Identifier | None = None
    at: MaybeTime = None

    @model_validator(mode="after")
    def _is_told_by_columns(self) -> "ReceivedWords":
        told_by_columns(self, "at")
        return self


class ReplyWords(Words):
    """What participants have answered; where these lie in the outbox, what it says of its entries holds here too."""

    table: Table
    answers: Text
    id: Identifier | None = None
    outcome: MaybeText = None
    at: MaybeTime = None
    sent: MaybeText = None
    sent_at: MaybeTime = None
    taken_by: Annotated[StrictStr, AfterValidator(_consumer)] | None = None

    @model_validator(mode="after")
    def _can_be_looked_for(self) -> "ReplyWords":
        if self.answers.column is None or self.answers.pattern is not None or self.answers.values:
            raise ValueError(
                "answers is a column, or a path into one, by which the database looks replies up: "
                "without const, pattern and values"
            )
        told_by_columns(self, "outcome", "sent", "sent_at", "at")
        odd = [meant for meant in (self.outcome.values or {}).values() if meant not in OUTCOMES] if self.outcome else []
        if odd:
            raise ValueError(f"an outcome is one of {', '.join(OUTCOMES)}, not {odd[0]!r}")
        return self


class WaiterWords(Words):
    """Who waits for a lock."""

    table: Table
    target: Identifier
    saga: Names


class LockWords(Words):
    """Which saga holds a lock, and who waits for it."""

    table: Table
    target: Identifier
    holder: Names
    waiters: WaiterWords
