"""Values out of JSON documents, taken by the database, so that the documents stay where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1.sql import MARIADB, POSTGRESQL, Column, Kind, bound

from .cells import PACKED_BOUND, size_expression
from .mapping.columns import JsonFormat
from .paths import Path, sql_path

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_IS_JSON: Final = 160_000
"""The PostgreSQL that can ask a text whether it is JSON without raising."""

_UNREADABLE: Final = (
    r"\\u0000|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
"""Escapes that PostgreSQL keeps in a json column and raises at when they are read: NUL and half characters."""

EXTRACTED: Final = Column("(path)", Kind.TEXT, "text")
"""What the database hands back for a path: a text."""


def extracted(
    column: Column, element: ColumnElement[Any], path: Path, form: JsonFormat | None, engine: str, version: int
) -> ColumnElement[Any] | None:
    """Return the expression for the text at a path, None where this database can't do it safely."""
    from sqlalchemy import and_, case, literal_column, null

    if form is JsonFormat.JSON_DOUBLE or not path:
        return None
    size, most = size_expression(column, element, engine)
    small = size <= literal_column(str(min(most, PACKED_BOUND)))
    valid, value = _value(column, element, path, engine, version)
    if value is None:
        return None
    return case((small if valid is None else and_(small, valid), value), else_=null())


def searched(column: Column, element: ColumnElement[Any], path: Path, engine: str) -> ColumnElement[Any] | None:
    """Return the bare expression to compare with in a search, the one that an expression index holds."""
    if engine != POSTGRESQL or column.kind not in (Kind.JSON, Kind.JSONB):
        return None
    return _arrow(element, path)


def found_text(element: ColumnElement[Any], path: Path) -> ColumnElement[Any] | None:
    """Return the text that stands behind a path's last key in any text, whatever else it holds: for PostgreSQL.

    It never raises and may be indexed, as no cast to JSON may; whoever uses it looks again at what it found.
    """
    from sqlalchemy import Text, cast, func

    if not path or not isinstance(path[-1], str):
        return None
    return func.substring(element, cast(bound(text_pattern(path)), Text))


def text_pattern(path: Path) -> str:
    """Return the regular expression of PostgreSQL for the text behind a path's last key."""
    key = "".join(char if char.isalnum() or char == "_" else f"\\{char}" for char in str(path[-1]))
    return rf'"{key}"\s*:\s*"([^"\\]*)"'


def _arrow(element: ColumnElement[Any], path: Path) -> ColumnElement[Any]:
    from sqlalchemy import Text, cast

    if len(path) == 1 and isinstance(path[0], str):
        return element.op("->>")(cast(bound(path[0]), Text))
    parts = ",".join('"' + str(part).replace("\\", "\\\\").replace('"', '\\"') + '"' for part in path)
    from sqlalchemy.dialects.postgresql import ARRAY

    return element.op("#>>")(cast(bound("{" + parts + "}"), ARRAY(Text)))


def _value(
    column: Column, element: ColumnElement[Any], path: Path, engine: str, version: int
) -> tuple[ColumnElement[bool] | None, ColumnElement[Any] | None]:
    from sqlalchemy import Text, and_, cast, func, literal_column

    if engine == POSTGRESQL:
        if column.kind is Kind.JSONB:
            return None, _arrow(element, path)
        readable: ColumnElement[bool] = cast(element, Text).op("!~", is_comparison=True)(bound(_UNREADABLE))
        if column.kind is Kind.JSON:
            return readable, _arrow(element, path)
        if column.kind is Kind.TEXT and version >= _IS_JSON:
            from sqlalchemy.dialects.postgresql import JSONB

            valid = element.op("IS", is_comparison=True)(literal_column("JSON"))
            return and_(valid, readable), _arrow(cast(element, JSONB), path)
        return None, None
    where = bound(sql_path(path))
    if engine == MARIADB:
        document = (
            func.convert(element.op("USING")(literal_column("utf8mb4"))) if column.kind is Kind.BYTES else element
        )
        return func.json_valid(document) == literal_column("1"), func.json_value(document, where)
    document = cast(element, Text)
    # As text, as the other engines give it: a number compares with no text.
    return func.json_valid(document) == literal_column("1"), cast(func.json_extract(document, where), Text)
