"""Rows of a table of steps, read with the page of sagas by their ids; what they mean is for each shape to say."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from sagadoctor.api.v1.sql import Column, Kind, Session

from ..asking import Forced, Lookup, Part, probes
from ..beside import among
from ..cells import DETAIL_BOUND, ERROR_BOUND, NAME_BOUND
from ..identity import comparable
from ..mapping.shapes.rows import RowWords
from ..selection import Selection
from ..source import Source
from ..values import Unreadable
from .port import Around, TableSteps, Told
from .reading import MOST_STEPS, Odd, StepReader, has_times

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from ..identity import Identity

CHUNK: Final = 1000
"""Ids asked for in one statement."""

_DOCUMENTS: Final = (Kind.JSON, Kind.JSONB)


class Gathering(Protocol):
    """What becomes of one saga's rows while they come in, in their order; never more than a bound is kept."""

    def take(self, row: Any) -> None:
        """Take the next row."""

    def told(self) -> Told:
        """Return what all rows tell together."""


class Field(msgspec.Struct, frozen=True):
    """A column of the rows: its place, and what makes a loose value of its cells."""

    name: str
    at: int
    opened: Callable[[Any], Any]


class StepRows(TableSteps):
    """Finds the rows of a page of sagas."""

    def __init__(
        self, words: RowWords, around: Around, readers: Sequence[StepReader], besides: Iterable[str] = ()
    ) -> None:
        """Find the columns that the readers want, and those that are wanted besides."""
        table, zone = around.child, around.source.zone
        assert table is not None
        self.source = Source(table, around.source.engine, zone, around.source.missing)
        self.where = self.source.where(words.where)
        """What makes a row one of these sagas' steps, where others keep theirs in this table too."""
        self.has_times = any(has_times(reader.fields) for reader in readers)
        self._selection = Selection()
        self._forced = Forced()
        self.keys: list[Column] = []
        for name in words.foreign_key:
            column = self.source.column(name)
            if column is not None:
                self.keys.append(column)
                self._selection.add(f"key:{column.name}", self.source.cell(column))
        names = dict.fromkeys([*(name for reader in readers for name in reader.sources), *besides])
        self.fields = [field for name in names if (field := self._field(name, readers, around)) is not None]
        order = [self.source.column(name) for name in self.order(words)]
        self._order = [column for column in order if column is not None]

    def order(self, words: RowWords) -> Sequence[str]:
        """Return the names of the columns that one saga's rows are in the order of."""
        return words.order_by or self.source.table.primary_key

    def _field(self, name: str, readers: Sequence[StepReader], around: Around) -> Field | None:
        column = self.source.column(name)
        if column is None:
            return None
        fields = [reader.fields for reader in readers]
        if column.kind in _DOCUMENTS or any(each.result is not None and each.result.column == name for each in fields):
            expression, _ = self.source.document(column)
        else:
            is_error = any(each.error is not None and each.error.column == name for each in fields)
            most = DETAIL_BOUND if is_error and around.detail else max(NAME_BOUND, ERROR_BOUND)
            expression = self.source.text(column, most)
        return Field(name, self._selection.add(f"field:{column.name}", expression), self.source.opener(column))

    def statement(self, ids: Sequence[Sequence[ColumnElement[Any]]]) -> Select[Any]:
        """Return the statement for the rows of these sagas; each id is a parameter per key column."""
        from sqlalchemy import select

        keys = [self.source.element(column) for column in self.keys]
        order = [self.source.element(column) for column in self._order]
        chosen = select(*self._selection.items).select_from(self.source.clause).where(among(keys, ids), *self.where)
        return self._forced.told(chosen, self.source.clause, self.source.engine).order_by(*keys, *order)

    @property
    def lookups(self) -> list[Lookup]:
        """Return what is asked of the table."""

        def statement() -> Select[Any] | None:
            given = list(zip(*(probes(self.source, column) for column in self.keys), strict=False))
            return self.statement(given) if given else None

        by = tuple(column.name for column in self.keys)
        return [Lookup(Part.STEPS, "steps were", self.source.table, by, statement, forced=self._forced)] if by else []

    def parameters(self, identity: Identity, raw: Sequence[Any]) -> Sequence[ColumnElement[Any]] | None:
        """Return a saga's raw id as parameters that compare with the foreign key; None where no row can have it."""
        return identity.parameters_beside(self.source, self.keys, raw)

    def gather(self, session: Session, ids: Iterable[Sequence[ColumnElement[Any]]]) -> Mapping[tuple[Any, ...], Told]:
        """Return what is told of each saga by the raw cells of the foreign key."""
        told: dict[tuple[Any, ...], Told] = {}
        wanted = list(ids)
        width = len(self.keys)
        for start in range(0, len(wanted), CHUNK):
            found: dict[tuple[Any, ...], Gathering] = {}
            for row in session.stream(self.statement(wanted[start : start + CHUNK])):
                key = comparable(row[:width])
                if key not in found:
                    found[key] = self.gathering()
                found[key].take(row)
            told.update((key, one.told()) for key, one in found.items())
        return told

    @abstractmethod
    def gathering(self) -> Gathering:
        """Return what takes the rows of one saga."""

    def values(self, row: Any, place: str, odd: Odd) -> dict[str, Any]:
        """Return the loose values of a row; what can't be opened is noted under the place's name."""
        values: dict[str, Any] = {}
        for field in self.fields:
            raw = row[field.at]
            if raw is None:
                continue
            try:
                values[field.name] = field.opened(raw)
            except Unreadable as unreadable:
                values[field.name] = odd.note(f"{place}.{field.name}", unreadable)
        return values


class BothEnds:
    """The first and the last rows of one saga, with their places among all of them."""

    def __init__(self, most: int = MOST_STEPS) -> None:
        """Begin with none."""
        self.count = 0
        self._first: list[tuple[int, Any]] = []
        self._last: deque[tuple[int, Any]] = deque(maxlen=most // 2)

    def take(self, row: Any) -> None:
        """Take the next row; one in the middle of very many is let go."""
        kept = self._first if len(self._first) < (self._last.maxlen or 0) else self._last
        kept.append((self.count, row))
        self.count += 1

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Yield the rows that were kept."""
        yield from self._first
        yield from self._last
