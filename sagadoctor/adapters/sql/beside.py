"""A table that is read beside a page of sagas: what is selected of it, and how its cells are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1.sql import Column, Row, Table, bound

from .cells import NAME_BOUND
from .fields import moment_reader, text_reader
from .mapping.columns import ColumnWords, TimeColumn
from .moments import as_moment, as_time, check_unit
from .selection import Selection
from .source import Missing, Source
from .values import Unreadable, truth, word

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement

CHUNK: Final = 1000
"""Keys asked for in one statement."""

Read = Callable[[Row], Any]
"""Takes a row, returns a field's value; raises Unreadable."""


class Beside:
    """One table beside the sagas' own."""

    def __init__(
        self, table: Table, engine: str, zone: ZoneInfo | None, missing: Missing, section: str = "outbox"
    ) -> None:
        """Keep the table, and which part of the mapping it is of; nothing is selected yet."""
        self._section = section
        self.source = Source(table, engine, zone, missing)
        self.selection = Selection()

    def key(self, name: str) -> Column | None:
        """Select a column whose raw cells come back as parameters."""
        column = self.source.column(name)
        if column is not None:
            self.selection.add(f"key:{column.name}", self.source.cell(column))
        return column

    def field(self, name: str, words: ColumnWords | None, most: int = NAME_BOUND) -> Read | None:
        """Select a text; None where nothing is mapped."""
        if words is None:
            return None
        column = self.source.column(words.column) if words.column is not None else None
        if column is None:
            constant = word(words.const) if words.const is not None else None
            return lambda row: constant
        is_document = words.path is not None
        expression = self.source.document(column)[0] if is_document else self.source.text(column, most)
        at = self.selection.add(f"{'document' if is_document else name}:{column.name}", expression)
        opened, read = self.source.opener(column), text_reader(words)

        def value(row: Row) -> Any:
            return None if row[at] is None else read(opened(row[at]))

        return value

    def time(self, name: str, words: TimeColumn | None) -> Read | None:
        """Select a time; None where nothing is mapped."""
        column = self.source.column(words.column) if words is not None and words.column is not None else None
        if words is None or column is None:
            return None
        check_unit(words, column, self.source, f"{self._section}.{name}")
        is_document = words.path is not None
        expression = self.source.document(column)[0] if is_document else self.source.text(column, NAME_BOUND)
        at = self.selection.add(f"{'document' if is_document else name}:{column.name}", expression)
        opened, read = as_time(self.source.opener(column)), moment_reader(words, self.source.zone)

        def value(row: Row) -> Any:
            loose = None if row[at] is None else opened(row[at])
            return None if loose is None else read(loose)

        return value

    def is_big(self, most: int) -> bool:
        """Say whether the table is too big to be read without an index for every page; of a view nobody can tell."""
        return self.source.table.rows > most and not self.source.table.is_view

    def given(self, column: Column, texts: Sequence[str]) -> list[ColumnElement[Any]]:
        """Return texts as parameters; one that the column can't hold is left out."""
        return [given for text in texts if (given := self.source.given(column, text)) is not None]


def among(
    elements: Sequence[ColumnElement[Any]], wanted: Sequence[Sequence[ColumnElement[Any]]]
) -> ColumnElement[bool]:
    """Return the condition that some columns together hold one of these combinations."""
    from sqlalchemy import tuple_

    if len(elements) == 1:
        return elements[0].in_([each[0] for each in wanted])
    return tuple_(*elements).in_([tuple_(*each) for each in wanted])


def among_values(element: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Return the condition that a column holds one of these values, given to PostgreSQL as one parameter.

    A parameter for each would cost more than the rows that are found by them.
    """
    from sqlalchemy import func

    found: ColumnElement[bool] = element == func.any(bound(list(values)))
    return found


def tolerant(read: Read | None, row: Row) -> Any:
    """Return a field's value; of one that can't be read what is to go on with."""
    if read is None:
        return None
    try:
        return read(row)
    except Unreadable as odd:
        return odd.value


def moment_of(read: Read | None, row: Row) -> datetime | None:
    """Return a time, None where there is none or it can't be read."""
    return as_moment(tolerant(read, row))


def truth_of(read: Read | None, row: Row) -> bool | None:
    """Return what a flag says, None where it says nothing that can be read."""
    try:
        return truth(tolerant(read, row))
    except Unreadable:
        return None


def chunks(given: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield some keys after the other, as many at a time as one statement asks for."""
    for start in range(0, len(given), CHUNK):
        yield given[start : start + CHUNK]
