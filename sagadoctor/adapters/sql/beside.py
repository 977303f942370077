"""A table that is read beside a page of sagas: what is selected of it, and how its cells are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1.sql import Column, Row, Table, bound

from .cells import ID_BOUND, NAME_BOUND
from .fields import moment_reader, text_reader
from .identity import opener_of
from .idents import ident
from .mapping.columns import ColumnWords, IdFormat, TimeColumn
from .moments import as_moment, as_time, check_unit
from .selection import Selection
from .source import Missing, Source
from .values import Unreadable, truth, word

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement, Select

    from .asking import Forced

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

    def chosen(self, *where: ColumnElement[bool], forced: Forced | None = None) -> Select[Any]:
        """Return the statement for the rows that these conditions hold for."""
        from sqlalchemy import select

        clause = self.source.clause
        statement = select(*self.selection.items).select_from(clause).where(*where)
        return statement if forced is None else forced.told(statement, clause, self.source.engine)


class Ids:
    """A column of ids of any kind: read as ids are printed, and asked for by ids as they are printed."""

    def __init__(self, beside: Beside, name: str, form: IdFormat | None = None) -> None:
        """Find the column and select it; without a format its kind decides how it is read."""
        self._source = beside.source
        self.column = beside.source.column(name)
        self._at = -1
        if self.column is not None:
            self._ident = ident(form, self.column.kind)
            self._at = beside.selection.add(f"id:{self.column.name}", beside.source.text(self.column, ID_BOUND))
            self._opened = opener_of(self._ident, self.column, beside.source)

    def of(self, row: Row) -> str:
        """Return a row's id; empty where it has none."""
        if self.column is None or row[self._at] is None:
            return ""
        try:
            return self._ident.canonical(self._opened(row[self._at]))
        except Unreadable as odd:
            return "" if odd.value is None else str(odd.value)

    def among(self, ids: Sequence[str]) -> ColumnElement[bool] | None:
        """Return the condition that a row has one of these ids; None where none of them can be one here."""
        if self.column is None:
            return None
        values = [value for each in ids for value in self._ident.lookups(each)]
        given = [fit for value in values if (fit := self._source.given(self.column, value)) is not None]
        return one_of(self._source.element(self.column), given) if given else None


def one_of(element: ColumnElement[Any], given: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
    """Return the condition that a column holds one of these; plain values stand as one list, which compiles faster."""
    from sqlalchemy import BindParameter, bindparam
    from sqlalchemy.types import NullType

    values = [each.value for each in given if isinstance(each, BindParameter)]
    if len(values) < len(given):
        return element.in_(given)
    return element.in_(bindparam(None, values, type_=NullType(), unique=True, expanding=True))


def among(
    elements: Sequence[ColumnElement[Any]], wanted: Sequence[Sequence[ColumnElement[Any]]]
) -> ColumnElement[bool]:
    """Return the condition that some columns together hold one of these combinations."""
    from sqlalchemy import tuple_

    if len(elements) == 1:
        return one_of(elements[0], [each[0] for each in wanted])
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
