"""Conditions that a look puts on rows beside their state: since when, of which types."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

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


def since_condition(reader: SagaReader, look: Look) -> list[ColumnElement[bool]]:
    """Return the condition of ended rows that changed since; empty where the database can't tell, or needn't."""
    from sqlalchemy import and_, or_

    if look.all_ended or look.ended_since is None:
        return []
    updated, created, ended = (
        _after(reader, name, look.ended_since) for name in ("updated_at", "created_at", "ended_at")
    )
    if updated is None:
        return [] if ended is None else [ended]
    column = reader.times.columns["updated_at"][1]
    if created is None or not column.nullable:
        return [updated]
    return [or_(updated, and_(reader.source.element(column).is_(None), created))]


def _after(reader: SagaReader, name: str, moment: datetime) -> ColumnElement[bool] | None:
    found = reader.times.columns.get(name)
    engine = reader.setting.engine
    if found is None or not is_ordered(found[0], found[1], engine):
        return None
    given = reader.source.given(found[1], lower_bound(found[0], found[1], engine, reader.setting.zone, moment))
    return None if given is None else reader.source.element(found[1]) >= given
