"""A road through a table: conditions, an order that continues from page to page, and how far it was walked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sagadoctor.api.v1 import Saga
from sagadoctor.api.v1.sql import MARIADB, SQLITE, Column, Row, beyond, bound

from .chronology import is_ordered
from .opened import Opened

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, Select

PAGE_ROWS: Final = 4000
SORTED_ROWS: Final = 16_000
"""Rows of a page that the server has to sort for: fewer, bigger pages, since each one costs a sort."""
MOST_UNKEYED: Final = 1000
"""Rows that are read although no key tells them apart, so that they can't be paged."""
_PROGRESS: Final = ("updated_at", "ended_at")
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


class Key(msgspec.Struct, frozen=True):
    """One column of an order: where its raw cell stands in a row; a row id has no column."""

    element: ColumnElement[Any]
    at: int
    column: Column | None


class Road(msgspec.Struct):
    """Rows that fulfil `conditions`, in the order of `keys`."""

    opened: Opened
    conditions: list[ColumnElement[bool]]
    keys: tuple[Key, ...]
    unique: bool
    leading: frozenset[str] = frozenset()
    """The columns that a useful index begins with."""
    by_time: bool = False
    untimed: list[ColumnElement[bool]] | None = None
    """Where the order leaves out rows without a time: the conditions by which these are found."""
    mixed: bool = False
    """Live and ended rows are expected side by side; elsewhere a row that isn't what was asked for is kept."""
    index: str | None = None
    """The index to use: left alone, MariaDB and SQLite walk along the key long before that is better for others."""
    rows: int = PAGE_ROWS
    in_order: bool = False
    """An index gives the rows in the order of the keys, and each page is to be read along it."""
    least: int = 1
    """A page has to be this long, also where fewer rows are wanted: one key has more of them than were asked for."""
    last: list[Any] | None = None
    done: bool = False
    repeats: bool = False
    """Rows of one key were met."""
    unkeyed: int = 0
    """Rows without a key that were met."""
    reached: datetime = msgspec.field(default=_BEGINNING)
    """How far in time this road has come; a road without an order of time stays at the beginning."""

    def statement(self, limit: int | None = None) -> Select[Any]:
        """Return the statement of the next page."""
        from sqlalchemy import literal_column, select

        reader = self.opened.reader
        elements = [key.element for key in self.keys]
        conditions = [*reader.where, *self.conditions]
        if self.last is not None:
            conditions.append(beyond(elements, self._parameters(self.last), self.opened.engine))
        statement = select(*reader.selection.items).select_from(reader.source.clause).where(*conditions)
        if self.index is not None:
            statement = hinted(statement, reader.source.clause, self.index, self.opened.engine)
        return statement.order_by(*elements).limit(literal_column(str(limit or self.rows)))

    def step(self, size: int) -> Select[Any]:
        """Return the statement for the key that lies so many rows further; no row when there are fewer."""
        from sqlalchemy import literal_column, select

        elements = [key.element for key in self.keys]
        source = self.opened.reader.source
        cells = [key.element if key.column is None else source.cell(key.column) for key in self.keys]
        statement = select(*cells).select_from(source.clause).where(*self.conditions, *self.between(None))
        statement = statement.order_by(*elements).limit(literal_column("1"))
        return statement.offset(literal_column(str(size - 1)))

    def between(self, end: list[Any] | None) -> list[ColumnElement[bool]]:
        """Return the condition of rows after where the road stands, up to and with `end`."""
        from sqlalchemy import not_

        elements = [key.element for key in self.keys]
        found: list[ColumnElement[bool]] = []
        if self.last is not None:
            found.append(beyond(elements, self._parameters(self.last), self.opened.engine))
        if end is not None:
            found.append(not_(beyond(elements, self._parameters(end), self.opened.engine)))
        return found

    def _parameters(self, raw: list[Any]) -> list[ColumnElement[Any]]:
        source = self.opened.reader.source
        return [
            bound(cell) if key.column is None else source.parameter(key.column, cell)
            for key, cell in zip(self.keys, raw, strict=True)
        ]

    def key_of(self, row: Row) -> list[Any]:
        """Return the raw key of a row."""
        return [row[key.at] for key in self.keys]

    def walked(self, last: Row | None, count: int, limit: int, sagas: list[Saga], *, cut: bool) -> None:
        """Note how far a page came."""
        if last is None or (count < limit and not cut):
            self.done = True
            return
        self.last = self.key_of(last)
        if self.by_time and sagas:
            self.reached = max(self.reached, sagas[-1].updated_at or _BEGINNING)
        if not self.unique and None in self.last:
            self.done = True


def hinted(statement: Select[Any], clause: FromClause, index: str, engine: str) -> Select[Any]:
    """Return the statement with the word to use this index, where the engine knows one."""
    if not index:  # of a query, which has no index of its own to name
        return statement
    if engine == MARIADB:
        name = index.replace("`", "``").replace("%", "%%")
        return statement.with_hint(clause, f"FORCE INDEX (`{name}`)", "mysql")
    if engine == SQLITE:
        name = index.replace('"', '""')
        return statement.with_hint(clause, f'INDEXED BY "{name}"', "sqlite")
    return statement


def row_keys(opened: Opened) -> tuple[tuple[Key, ...], bool]:
    """Return the columns that tell any two rows apart, and whether they really do."""
    reader = opened.reader
    table = opened.table
    if table.row_id is not None:
        element: Any = reader.source.clause.c[table.row_id]
        return (Key(element, reader.selection.add("row id", element), None),), True
    names = table.primary_key
    columns = [column for name in names if (column := table.find(name)) is not None] or reader.identity.columns
    keys = tuple(
        Key(
            reader.source.element(column),
            reader.selection.add(f"key:{column.name}", reader.source.cell(column)),
            column,
        )
        for column in columns
    )
    return keys, table.is_unique([column.name for column in columns])


def time_key(opened: Opened) -> Key | None:
    """Return the column that tells when a saga last moved, where the database can order by it."""
    reader = opened.reader
    for name in _PROGRESS:
        found = reader.times.columns.get(name)
        if found is not None and is_ordered(found[0], found[1], opened.engine):
            at = reader.selection.add(f"key:{found[1].name}", reader.source.cell(found[1]))
            return Key(reader.source.element(found[1]), at, found[1])
    return None
