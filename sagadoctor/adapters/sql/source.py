"""A table of the mapping met with the real one: columns found, expressions made, what is missing collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from sagadoctor.api.v1 import SchemaMismatch
from sagadoctor.api.v1.sql import MARIADB, POSTGRESQL, SQLITE, Column, Kind, Table, bound, nearest

from .cells import ID_BOUND, Opener, document_expressions, opener, parameter, text_expression
from .mapping.columns import Scalar
from .truths import Wanted
from .values import Unreadable, truth, word

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause


_NUMBERS = (Kind.INT, Kind.FLOAT, Kind.DECIMAL)


class Missing(msgspec.Struct):
    """Everything that the mapping names and the database doesn't have, to be said all at once."""

    texts: list[str] = msgspec.field(default_factory=list)
    seen: set[tuple[str, str]] = msgspec.field(default_factory=set)
    units: dict[str, tuple[Table, Column]] = msgspec.field(default_factory=dict)
    """The keys of times that are numbers of an unknown unit."""
    forms: dict[str, str] = msgspec.field(default_factory=dict)
    """What is wrong with formats, by their keys."""
    said: Callable[[Table, str], str] | None = None
    """Where the mapping names a column of a table."""

    def column(self, table: Table, name: str) -> None:
        """Note a column that isn't there, with the nearest that is."""
        if (table.place, name) in self.seen:
            return
        self.seen.add((table.place, name))
        near = nearest(name, [each.name for each in table.columns])
        hint = f", did you mean {near!r}?" if near else ""
        there = ", ".join(each.name for each in table.columns)
        place = self.said(table, name) if self.said is not None else ""
        named = f" ({place})" if place else ""
        self.texts.append(f"{table.place} has no column {name!r}{named}{hint} (it has {there})")

    def note(self, text: str) -> None:
        """Note anything else that doesn't fit."""
        self.texts.append(text)

    def check(self) -> None:
        """Raise SchemaMismatch with everything noted."""
        if self.texts:
            raise SchemaMismatch("; ".join(self.texts), hint="mend the mapping, or grant what is missing")


class Source:
    """One table as a statement and a decoder see it."""

    def __init__(self, table: Table, engine: str, zone: ZoneInfo | None, missing: Missing) -> None:
        """Keep the real table and where to note what it lacks."""
        self.table = table
        self.engine = engine
        self.zone = zone
        self.missing = missing
        self.clause: FromClause = table.clause()

    def column(self, name: str) -> Column | None:
        """Return the real column; a missing one is noted."""
        found = self.table.find(name)
        if found is None:
            self.missing.column(self.table, name)
        return found

    def element(self, column: Column) -> ColumnElement[Any]:
        """Return the column for use in a statement."""
        element: ColumnElement[Any] = self.clause.c[column.name]
        return element

    def by_bytes(self, column: Column) -> ColumnElement[Any]:
        """Return the column as its bytes alone tell it, also where the engine compares its texts loosely."""
        from sqlalchemy import LargeBinary, Text, cast, collate, func, literal_column

        plain = self.element(column)
        if self.engine == MARIADB:  # which leaves out spaces at the end by most collations, also by those of bytes
            needed = column.kind is not Kind.BYTES and (column.loose or column.kind not in _NUMBERS)
            return cast(func.convert(plain.op("USING")(literal_column("utf8mb4"))), LargeBinary) if needed else plain
        if not column.loose:
            return plain
        return collate(cast(plain, Text), "C") if self.engine == POSTGRESQL else collate(plain, "BINARY")

    def text(self, column: Column, bound_to: int) -> ColumnElement[Any]:
        """Return what to select for a column, bounded."""
        return text_expression(column, self.element(column), self.engine, bound_to)

    def cell(self, column: Column) -> ColumnElement[Any]:
        """Return what to select for a column whose raw cells come back as parameters."""
        return text_expression(column, self.element(column), self.engine, ID_BOUND)

    def document(self, column: Column) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """Return what to select for a JSON document: itself, and its size when it is too big."""
        return document_expressions(column, self.element(column), self.engine)

    def opener(self, column: Column) -> Opener:
        """Return what makes loose values of the column's raw cells."""
        return opener(column, self.engine)

    def parameter(self, column: Column, raw: Any) -> ColumnElement[Any]:
        """Return a raw cell as a parameter."""
        return parameter(column, self.engine, raw)

    def given(self, column: Column, value: Any) -> ColumnElement[Any] | None:
        """Return a loose value as a parameter; None for a value that the column can't hold."""
        if column.kind is Kind.INT and not isinstance(value, int):
            try:
                return bound(int(value))
            except (TypeError, ValueError):
                return None
        if column.kind is Kind.INT:
            return bound(int(value))
        if column.kind is Kind.ENUM and self.engine == POSTGRESQL and value not in column.labels:
            return None
        if column.kind is Kind.BOOL:
            try:
                meant = truth(value)
            except Unreadable:
                return None
            return None if meant is None else bound(meant if self.engine == POSTGRESQL else int(meant))
        if isinstance(value, str) and not is_storable(value, self.engine):
            return None
        if isinstance(value, bytes) and column.kind is Kind.TEXT:  # elsewhere no text can be such bytes
            return self.parameter(column, value) if self.engine == SQLITE else None
        if isinstance(value, bytes) or (isinstance(value, int | float) and self.engine == SQLITE):
            return bound(value)
        return bound(word(value))

    def holds(self, name: str, wanted: Wanted) -> ColumnElement[bool]:
        """Return the condition that a column holds a value, one of a list, "null" or "not null"."""
        from sqlalchemy import false, or_

        column = self.column(name)
        if column is None:
            return false()
        if isinstance(wanted, list | tuple):
            return or_(*(self._holds_one(column, each) for each in wanted)) if wanted else false()
        assert isinstance(wanted, bool | int | float | str)
        return self._holds_one(column, wanted)

    def _holds_one(self, column: Column, wanted: Scalar) -> ColumnElement[bool]:
        from sqlalchemy import false

        element = self.element(column)
        if wanted == "null":
            return element.is_(None)
        if wanted == "not null":
            return element.is_not(None)
        if isinstance(wanted, bool) and column.kind not in (*_NUMBERS, Kind.BOOL):
            words = ("true", "t", "1", "True", "TRUE", "T") if wanted else ("false", "f", "0", "False", "FALSE", "F")
            fits = [given for each in words if (given := self.given(column, each)) is not None]
            return element.in_(fits) if fits else false()
        if isinstance(wanted, bool) and column.kind in (Kind.FLOAT, Kind.DECIMAL):
            return element == bound(int(wanted))
        given = self.given(column, wanted)
        return false() if given is None else element == given

    def where(self, conditions: Mapping[str, Wanted]) -> list[ColumnElement[bool]]:
        """Return the conditions of a mapping's `where`."""
        return [self.holds(name, wanted) for name, wanted in conditions.items()]


def is_storable(text: str, engine: str = "") -> bool:
    """Say whether a database can hold this text at all: no half characters, and no NUL but in SQLite."""
    if "\x00" in text and engine != SQLITE:
        return False
    return not any("\ud800" <= char <= "\udfff" for char in text)
