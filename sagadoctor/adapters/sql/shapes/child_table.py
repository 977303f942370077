"""`child_table`: one row a step in a table of its own, read with the page of sagas by their ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1 import Step
from sagadoctor.api.v1.sql import Column, Kind, Session

from ..cells import ERROR_BOUND, NAME_BOUND
from ..identity import comparable
from ..mapping.shapes.child_table import ChildTable
from ..selection import Selection
from ..source import Source
from ..values import Unreadable, word
from .port import Around, TableSteps
from .reading import MOST_STEPS, Odd, StepReader, has_times

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from ..identity import Identity

CHUNK: Final = 1000
"""Ids asked for in one statement."""

_DOCUMENTS: Final = (Kind.JSON, Kind.JSONB)


class ChildTableSteps(TableSteps):
    """Reads the rows of a child table for a page of sagas."""

    def __init__(self, words: ChildTable, around: Around) -> None:
        """Find the columns and make the step's reader."""
        table, zone = around.child, around.source.zone
        assert table is not None
        self.source = Source(table, around.source.engine, zone, around.source.missing)
        self.reader = StepReader(words.fields, words, zone, detail=around.detail)
        self.where = self.source.where(words.where)
        """What makes a row one of these sagas' steps, where others keep theirs in this table too."""
        self.has_times = has_times(words.fields)
        self._selection = Selection()
        self.keys: list[Column] = []
        for name in words.foreign_key:
            column = self.source.column(name)
            if column is not None:
                self.keys.append(column)
                self._selection.add(f"key:{column.name}", self.source.cell(column))
        self._columns: list[tuple[str, int, Callable[[Any], Any]]] = []
        error = words.fields.error.column if words.fields.error is not None else None
        result = words.fields.result.column if words.fields.result is not None else None
        for name in self.reader.sources:
            column = self.source.column(name)
            if column is None:
                continue
            if column.kind in _DOCUMENTS or name == result:
                expression, _ = self.source.document(column)
            else:
                most = self.reader.bounds["error"] if name == error else max(NAME_BOUND, ERROR_BOUND)
                expression = self.source.text(column, most)
            at = self._selection.add(f"field:{column.name}", expression)
            self._columns.append((name, at, self.source.opener(column)))
        order = list(words.order_by or table.primary_key)
        self._order = [column for name in order if (column := self.source.column(name)) is not None]

    def statement(self, ids: Sequence[Sequence[ColumnElement[Any]]]) -> Select[Any]:
        """Return the statement for the steps of these sagas; each id is a parameter per key column."""
        from sqlalchemy import select, tuple_

        keys = [self.source.element(column) for column in self.keys]
        if len(keys) == 1:
            among: ColumnElement[bool] = keys[0].in_([each[0] for each in ids])
        else:
            among = tuple_(*keys).in_([tuple_(*each) for each in ids])
        order = [self.source.element(column) for column in self._order]
        chosen = select(*self._selection.items).select_from(self.source.clause).where(among, *self.where)
        return chosen.order_by(*keys, *order)

    def parameters(self, identity: Identity, raw: Sequence[Any]) -> Sequence[ColumnElement[Any]] | None:
        """Return a saga's raw id as parameters that compare with the foreign key; None where no row can have it."""
        pairs = zip(self.keys, identity.columns, strict=False)
        if not any((key.kind is Kind.INT) is not (column.kind is Kind.INT) for key, column in pairs):
            return identity.parameters(raw)
        try:  # a number in one table and a text in the other: no engine compares them well
            loose = [word(opened(cell)) for opened, cell in zip(identity.openers, raw, strict=True)]
        except Unreadable:
            return None
        given = [self.source.given(column, value) for column, value in zip(self.keys, loose, strict=False)]
        whole = [each for each in given if each is not None]
        return whole if len(whole) == len(self.keys) else None

    def gather(
        self, session: Session, ids: Iterable[Sequence[ColumnElement[Any]]]
    ) -> Mapping[tuple[Any, ...], tuple[tuple[Step, ...], Odd]]:
        """Return the steps by the raw cells of their foreign key."""
        found: dict[tuple[Any, ...], _Steps] = {}
        wanted = list(ids)
        width = len(self.keys)
        for start in range(0, len(wanted), CHUNK):
            for row in session.stream(self.statement(wanted[start : start + CHUNK])):
                key = comparable(row[:width])
                steps = found.get(key)
                if steps is None:
                    steps = found[key] = _Steps()
                steps.count += 1
                if steps.count <= MOST_STEPS // 2:
                    self._read(steps.first, steps.count - 1, row, steps.odd)
                else:
                    steps.keep_last((steps.count - 1, row))
        return {key: self._whole(steps) for key, steps in found.items()}

    def _whole(self, steps: _Steps) -> tuple[tuple[Step, ...], Odd]:
        for index, row in steps.last[-(MOST_STEPS // 2) :]:
            self._read(steps.first, index, row, steps.odd)
        if steps.count > MOST_STEPS:
            half = MOST_STEPS // 2
            steps.odd.say("steps", steps.count, f"{steps.count} steps; only the first and the last {half} were kept")
        return tuple(steps.first), steps.odd

    def _read(self, into: list[Step], index: int, row: Any, odd: Odd) -> None:
        values: dict[str, Any] = {}
        for name, at, opened in self._columns:
            raw = row[at]
            if raw is None:
                continue
            try:
                values[name] = opened(raw)
            except Unreadable as unreadable:
                values[name] = odd.note(f"steps[{index}].{name}", unreadable)
        step = self.reader.step(index, values, odd, values)
        if not self.reader.is_ignored(step.name):
            into.append(step)


class _Steps:
    """The steps of one saga while its rows come in; never more than a bound is kept."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[Step] = []
        self.last: list[tuple[int, Any]] = []
        self.odd = Odd()

    def keep_last(self, entry: tuple[int, Any]) -> None:
        self.last.append(entry)
        if len(self.last) > 2 * MOST_STEPS:
            del self.last[: -(MOST_STEPS // 2)]
