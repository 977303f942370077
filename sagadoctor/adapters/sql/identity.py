"""What a saga is known by: one column or several, read, printed and given back as parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1 import Doubt
from sagadoctor.api.v1.sql import POSTGRESQL, Column, Kind

from .forms import check_form
from .idents import Ident, TextIdent, WholeId, ident
from .mapping.saga import IdWords
from .selection import Selection
from .source import Source
from .values import Unreadable, word

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_AS_ONE: Final = (Kind.TEXT, Kind.UUID, Kind.INT)
"""Kinds of which many values may be given as one list."""

CellReader = Callable[[Any], Any]


class Identity:
    """The id columns of one saga table."""

    def __init__(self, words: IdWords, source: Source, selection: Selection) -> None:
        """Find the columns and select them."""
        self._source = source
        self.columns: list[Column] = []
        self._cells: list[tuple[int, CellReader]] = []
        parts: list[Ident] = []
        for name in words.columns:
            column = source.column(name)
            if column is not None:
                at = selection.add(f"key:{column.name}", source.cell(column))
                self.columns.append(column)
                check_form(words.format, column, source, "saga.id")
                part = ident(words.format, column.kind)
                self._cells.append((at, opener_of(part, column, source)))
                parts.append(part)
        self.whole = WholeId(tuple(parts))

    @property
    def openers(self) -> list[CellReader]:
        """Return what makes loose values of each column's raw cells."""
        return [opened for _, opened in self._cells]

    @property
    def short_road(self) -> tuple[int, CellReader] | None:
        """Return where an id of one column stands and what reads it; None for several columns."""
        if len(self._cells) != 1:
            return None
        at, opened = self._cells[0]
        return at, _cell(self.whole.parts[0], opened, self.columns[0])

    def read(self, cells: Sequence[Any], doubts: list[Doubt]) -> str:
        """Return an id's raw cells in the canonical form; what can't be read is noted."""
        try:
            pairs = zip(self._cells, cells, strict=True)
            return self.whole.canonical([None if raw is None else opened(raw) for (_, opened), raw in pairs])
        except Unreadable as odd:
            doubts.append(Doubt("id", odd.raw, odd.reason))
            return "" if odd.value is None else str(odd.value)

    def raw(self, row: Any) -> tuple[Any, ...]:
        """Return the raw cells of a row's id."""
        return tuple(row[at] for at, _ in self._cells)

    def parameters(self, raw: Sequence[Any]) -> list[ColumnElement[Any]]:
        """Return the raw cells of an id as parameters."""
        return [self._source.parameter(column, cell) for column, cell in zip(self.columns, raw, strict=True)]

    def values_beside(
        self, source: Source, columns: Sequence[Column], raws: Sequence[Sequence[Any]]
    ) -> list[Any] | None:
        """Return raw ids as plain values that PostgreSQL compares with one column of another table.

        None where each needs a parameter of its own: elsewhere, for columns of another kind, for several columns.
        """
        if source.engine != POSTGRESQL or len(columns) != 1 or len(self.columns) != 1:
            return None
        if columns[0].kind is not self.columns[0].kind or columns[0].kind not in _AS_ONE:
            return None
        if columns[0].kind is Kind.INT:
            return [raw for (raw,) in raws]
        return [raw.decode("utf-8", "surrogateescape") for (raw,) in raws]

    def parameters_beside(
        self, source: Source, columns: Sequence[Column], raw: Sequence[Any]
    ) -> Sequence[ColumnElement[Any]] | None:
        """Return a raw id as parameters that compare with columns of another table; None where no row can have it."""
        pairs = zip(columns, self.columns, strict=False)
        if not any((key.kind is Kind.INT) is not (column.kind is Kind.INT) for key, column in pairs):
            return self.parameters(raw)
        try:  # a number in one table and a text in the other: no engine compares them well
            loose = [word(opened(cell)) for opened, cell in zip(self.openers, raw, strict=True)]
        except Unreadable:
            return None
        given = [source.given(column, value) for column, value in zip(columns, loose, strict=False)]
        whole = [each for each in given if each is not None]
        return whole if len(whole) == len(columns) else None


def opener_of(part: Ident, column: Column, source: Source) -> CellReader:
    """Return what makes loose values of raw cells; a text's bytes are read by the id itself."""
    opened = source.opener(column)
    if not isinstance(part, TextIdent) or column.kind in (Kind.JSON, Kind.JSONB):
        return opened
    return lambda raw: raw if isinstance(raw, bytes) else opened(raw)


def _cell(part: Ident, opened: CellReader, column: Column) -> CellReader:
    """Return the reader of an id of one column; a UUID that the database wrote is in its canonical form already."""
    if isinstance(part, TextIdent):
        return part.canonical
    return opened if column.kind is Kind.UUID else lambda raw: part.canonical(opened(raw))


def comparable(cells: Sequence[Any]) -> tuple[Any, ...]:
    """Return raw cells so that an id and a foreign key of another type are equal when they mean one row."""
    if len(cells) == 1:
        return (_plain(cells[0]),)
    return tuple([_plain(cell) for cell in cells])


def _plain(cell: Any) -> Any:
    if type(cell) is bytes:
        # a UUID, which one table may keep as text
        return cell.lower() if len(cell) == 36 and cell.count(b"-") == 4 else cell
    return str(int(cell)).encode() if isinstance(cell, int) else cell
