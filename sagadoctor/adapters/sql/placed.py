"""Where a field of the saga's own row is told: in a column, in a document in one, or in the payload."""

from __future__ import annotations

from typing import Final

from sagadoctor.api.v1.sql import Kind

from .cells import NAME_BOUND
from .mapping.columns import ColumnWords
from .payload import Payload
from .selection import Placed, Selection
from .source import Source

_DOCUMENTS: Final = (Kind.JSON, Kind.JSONB)


def placed(
    name: str, words: ColumnWords, source: Source, selection: Selection, payload: Payload, most: int = NAME_BOUND
) -> Placed | None:
    """Select a field; None where its column isn't there (noted), or the database can't take it out of the payload."""
    if payload.holds(words):
        return payload.cell(name, words, selection)
    column = source.column(words.column) if words.column is not None else None
    if column is None:
        return None
    if words.path is not None or column.kind in _DOCUMENTS:
        at = selection.add(f"document:{column.name}", source.document(column)[0])
    else:
        at = selection.add(f"{name}:{column.name}", source.text(column, most))
    return Placed(at, column, source.opener(column), words)
