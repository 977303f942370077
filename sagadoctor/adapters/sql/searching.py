"""What the database itself can look for: columns as they stand, and values that it takes out of a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .documents import extracted, searched
from .mapping.columns import ColumnWords
from .paths import parse_path
from .reader import SagaReader

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement


def business_key_element(reader: SagaReader) -> tuple[ColumnElement[Any], str] | None:
    """Return the business key as the database sees it, and the name by which a plan shows its index."""
    return searched_element(reader, "business_key")


def searched_element(reader: SagaReader, name: str) -> tuple[ColumnElement[Any], str] | None:
    """Return one of the saga's texts to be searched by, and the name by which a plan shows its index.

    None where it isn't mapped, or where only we can tell what it says.
    """
    words: ColumnWords | None = getattr(reader.words, name)
    payload = reader.words.payload
    if words is None or words.const is not None or name in reader.payload.not_extracted:
        return None
    if words.pattern is not None or words.values:
        return None
    if words.path is not None and payload is not None and words.column in (None, payload.column):
        column = reader.source.column(payload.column or "")
        if column is None:
            return None
        element, path = reader.source.element(column), parse_path(words.path)
        plain = searched(column, element, path, reader.setting.engine)
        if plain is None:
            engine, version = reader.setting.engine, reader.setting.version
            plain = extracted(column, element, path, payload.format, engine, version)
        return None if plain is None else (plain, str(path[-1]))
    if words.path is not None:
        return None
    column = reader.source.column(words.column or "")
    return None if column is None else (reader.source.element(column), column.name)
