"""Conditions that a look puts on rows beside their state: since when, of which types."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from sagadoctor.api.v1 import Look

from .chronology import is_ordered, lower_bound
from .reader import SagaReader

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement


def type_filter(reader: SagaReader, look: Look) -> list[ColumnElement[bool]]:
    """Return the filter on saga types, where the type is a plain column; empty where only we can tell."""
    wanted, words = look.saga_types, reader.words.type
    if wanted is None or words is None or words.column is None or words.path or words.pattern:
        return []
    column = reader.source.table.find(words.column)
    if column is None:
        return []
    values = set(wanted) | {key for key, meant in (words.values or {}).items() if str(meant) in wanted}
    given = [each for value in sorted(values) if (each := reader.source.given(column, value)) is not None]
    return [reader.source.element(column).in_(given)]


class Since(msgspec.Struct, frozen=True):
    """The condition of ended rows that changed since: of any row, of those with a time of change, of those without."""

    either: ColumnElement[bool]
    timed: ColumnElement[bool]
    untimed: ColumnElement[bool]

    def of_timed(self, conditions: Sequence[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
        """Return the conditions for a road that leaves out rows without a time: no `or`, so that an index serves."""
        return [self.timed if each is self.either else each for each in conditions]

    def of_untimed(self, conditions: Sequence[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
        """Return the conditions for the rows that such a road leaves out."""
        return [self.untimed if each is self.either or each is self.timed else each for each in conditions]


def since_condition(reader: SagaReader, look: Look) -> Since | None:
    """Return the condition of ended rows that changed since; None where the database can't tell, or needn't."""
    from sqlalchemy import and_, or_

    if look.all_ended or look.ended_since is None:
        return None
    updated, created, ended = (
        _after(reader, name, look.ended_since) for name in ("updated_at", "created_at", "ended_at")
    )
    if updated is None:
        return None if ended is None else Since(ended, ended, ended)
    column = reader.times.columns["updated_at"][1]
    if created is None or not column.nullable:
        return Since(updated, updated, updated)
    beginning = reader.times.columns["created_at"][1]
    if beginning.nullable:  # what tells no time at all may have moved just now
        created = or_(created, reader.source.element(beginning).is_(None))
    return Since(or_(updated, and_(reader.source.element(column).is_(None), created)), updated, created)


def _after(reader: SagaReader, name: str, moment: datetime) -> ColumnElement[bool] | None:
    found = reader.times.columns.get(name)
    engine = reader.setting.engine
    if found is None or not is_ordered(found[0], found[1], engine):
        return None
    given = reader.source.given(found[1], lower_bound(found[0], found[1], engine, reader.setting.zone, moment))
    return None if given is None else reader.source.element(found[1]) >= given
