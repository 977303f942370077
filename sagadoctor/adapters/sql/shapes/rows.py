"""Rows of a table of steps, read with the page of sagas by their ids; what they mean is for each shape to say."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from sagadoctor.api.v1.sql import POSTGRESQL, Column, Kind, Session

from ..beforehand import beforehand
from ..beside import among, among_values
from ..cells import DETAIL_BOUND, ERROR_BOUND, NAME_BOUND
from ..identity import comparable
from ..mapping.shapes.rows import RowWords
from ..moments import check_unit
from ..selection import Selection
from ..source import Source
from ..values import Unreadable
from .port import Around, TableSteps, Told
from .reading import MOMENTS, MOST_STEPS, Odd, StepReader, has_times

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
    column: Column


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
        for each in fields:
            for key in (*MOMENTS, "at"):
                spec = getattr(each, key)
                if spec is not None and spec.column == name:
                    check_unit(spec, column, self.source, f"steps.fields.{key}")
        if column.kind in _DOCUMENTS or any(reader.wants_all_of(name) for reader in readers):
            expression, _ = self.source.document(column)
        else:
            is_error = any(each.error is not None and each.error.column == name for each in fields)
            most = DETAIL_BOUND if is_error and around.detail else max(NAME_BOUND, ERROR_BOUND)
            expression = self.source.text(column, most)
        return Field(name, self._selection.add(f"field:{column.name}", expression), self.source.opener(column), column)

    def statement(self, theirs: ColumnElement[bool]) -> Select[Any]:
        """Return the statement for the rows of some sagas, `theirs` is the condition that tells them."""
        from sqlalchemy import select

        keys = [self.source.element(column) for column in self.keys]
        order = [self.source.element(column) for column in self._order]
        chosen = select(*self._selection.items).select_from(self.source.clause).where(theirs, *self.where)
        return chosen.order_by(*keys, *order)

    def _theirs(self, identity: Identity, raws: Sequence[Sequence[Any]]) -> ColumnElement[bool] | None:
        """Return the condition of these sagas' rows; None where no row can have such an id."""
        keys = [self.source.element(column) for column in self.keys]
        values = identity.values_beside(self.source, self.keys, raws)
        if values is not None:
            return among_values(keys[0], values)
        given = [each for raw in raws if (each := identity.parameters_beside(self.source, self.keys, raw))]
        return among(keys, given) if given else None

    def gather(
        self, session: Session, identity: Identity, raws: Sequence[Sequence[Any]]
    ) -> Mapping[tuple[Any, ...], Told]:
        """Return what is told of each saga by the raw cells of the foreign key."""
        some = [raws[start : start + CHUNK] for start in range(0, len(raws), CHUNK)]
        parts = [partial(self._found, session, identity, each) for each in some]
        several = session.engine == POSTGRESQL  # a connection to SQLite belongs to one thread
        told: dict[tuple[Any, ...], Told] = {}
        for found in beforehand(parts) if several else (part() for part in parts):
            told.update((key, one.told()) for key, one in found.items())
        return told

    def _found(
        self, session: Session, identity: Identity, raws: Sequence[Sequence[Any]]
    ) -> Mapping[tuple[Any, ...], Gathering]:
        theirs = self._theirs(identity, raws)
        if theirs is None:
            return {}
        found: dict[tuple[Any, ...], Gathering] = {}
        width = len(self.keys)
        last: Any = None
        for row in session.stream(self.statement(theirs)):
            if last is None or row[:width] != last:  # the rows of one saga follow each other
                last = row[:width]
                key = comparable(last)
                one = found.get(key)
                if one is None:
                    one = found[key] = self.gathering()
                take = one.take
            take(row)
        return found

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
        self._half = most // 2
        self._first: list[Any] = []
        self._last: deque[Any] = deque(maxlen=self._half)

    def take(self, row: Any) -> None:
        """Take the next row; one in the middle of very many is let go."""
        if self.count < self._half:
            self._first.append(row)
        else:
            self._last.append(row)
        self.count += 1

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Yield the rows that were kept, with their places among all."""
        yield from enumerate(self._first)
        yield from enumerate(self._last, self.count - len(self._last))
