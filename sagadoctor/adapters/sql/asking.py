"""Questions that are asked by ids beside a page of sagas: of which table, by which columns, and in which words.

Each is put to the engine's own plan before anything is read (`lookups`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sagadoctor.api.v1.sql import Column, Table

from .idents import ident

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, Select

    from .source import Source

PROBES: Final = ("0", "00", "00000000-0000-0000-0000-000000000000")
"""What some kind of id can be, to have a plan made for."""


class Part(StrEnum):
    """What a look-up brings; what is refused is left out of the facts."""

    SAGAS = "sagas"
    STEPS = "steps"
    OUTBOX = "outbox"
    RECEIVED = "received"
    TAKEN = "taken"
    REPLIES = "replies"
    OWNERS = "owners"
    LOCKS = "locks"


class Forced(msgspec.Struct):
    """The index that an engine is told to take for a look-up, where by itself it would read all of the table.

    Such an engine guesses by what the values of a column are like on average, and half of them are often NULL.
    """

    index: str | None = None

    def told(self, statement: Select[Any], clause: FromClause, engine: str) -> Select[Any]:
        """Return the statement with the word to take the index, where there is one to take."""
        if self.index is None:
            return statement
        from .roads import hinted

        return hinted(statement, clause, self.index, engine)


class Lookup(msgspec.Struct, frozen=True):
    """One question that is asked of a table by ids.

    `what` is left out where it is refused, in words with their verb: "replies were". `by` are the columns that it is
    asked by; an index that begins with one of `leading` narrows it down. `statement` makes the question for some ids
    that nobody has, None where there are none of the column's kind. `advice` makes the statement that would help.
    """

    part: Part
    what: str
    table: Table
    by: tuple[str, ...]
    statement: Callable[[], Select[Any] | None]
    leading: frozenset[str] = frozenset()
    advice: Callable[[], str] | None = None
    forced: Forced | None = None
    """What the statement is made with."""
    never: str = ""
    """Why this database can't be asked at all."""


def probes(source: Source, column: Column) -> list[ColumnElement[Any]]:
    """Return ids that nobody has as parameters that compare with a column."""
    values = [value for text in PROBES for value in ident(None, column.kind).lookups(text)]
    return [given for value in values if (given := source.given(column, value)) is not None]
