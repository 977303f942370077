"""Between a column and a loose value: what to select, how to open the driver's raw cell, how to give it back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1.sql import MARIADB, POSTGRESQL, SQLITE, Column, Kind, bound

from .times import parse_iso
from .values import Unreadable, as_text, raw_text, whole_characters

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

Opener = Callable[[Any], Any]
"""Takes a raw cell that isn't NULL, returns a loose value; raises Unreadable."""

NAME_BOUND: Final = 1000
ID_BOUND: Final = 65_536
ERROR_BOUND: Final = 4000
DETAIL_BOUND: Final = 65_536
DOCUMENT_BOUND: Final = 16 * 1024 * 1024
PACKED_BOUND: Final = 1024 * 1024
"""For documents whose size only the compressed form tells cheaply (PostgreSQL's json and jsonb)."""
_CUTS: Final = frozenset(4 * (bound_to + 1) for bound_to in (NAME_BOUND, ID_BOUND, ERROR_BOUND, DETAIL_BOUND))
"""The lengths in bytes of what SQLite may have cut within a character."""

_CAST: Final = (
    Kind.ENUM,
    Kind.DECIMAL,
    Kind.OTHER,
    Kind.ARRAY,
    Kind.UUID,
    Kind.TIMESTAMP,
    Kind.TIMESTAMPTZ,
    Kind.DATE,
)
"""What PostgreSQL writes out as text for us: cheaper than to do it here, and it never fails."""


def text_expression(column: Column, element: ColumnElement[Any], engine: str, bound_to: int) -> ColumnElement[Any]:
    """Return what to select for a column: `bound_to` characters of a text, and one more where it is longer."""
    from sqlalchemy import LargeBinary, Text, case, cast, func, literal_column

    limit: ColumnElement[Any] = literal_column(str(int(bound_to) + 1))
    if engine == POSTGRESQL and column.kind in _CAST:
        element = cast(element, Text)
        return func.left(element, limit) if column.kind is Kind.OTHER else element
    if engine == POSTGRESQL and column.type_text.startswith("character("):
        element = cast(element, Text)  # without the spaces that fill it up, which mean nothing
    small = column.length is not None and column.length <= bound_to
    if engine == SQLITE:
        if column.kind is Kind.INT:
            return element
        # As bytes: on texts, the functions of SQLite stop at a NUL.
        data = cast(element, LargeBinary)
        most: ColumnElement[Any] = literal_column(str(4 * (bound_to + 1)))
        shown = cast(element, Text) if column.kind is Kind.TEXT else element
        return case((func.length(data) > most, func.substr(data, literal_column("1"), most)), else_=shown)
    if column.kind in (Kind.TEXT, Kind.BYTES) and not small:
        if engine == POSTGRESQL and column.kind is Kind.BYTES:
            return func.substr(element, literal_column("1"), limit)
        return func.left(element, limit)
    return element


def size_expression(column: Column, element: ColumnElement[Any], engine: str) -> tuple[ColumnElement[Any], int]:
    """Return an expression for the size of a document in bytes, cheap to compute, and the bound to hold it to."""
    from sqlalchemy import func

    if engine == SQLITE:
        return func.length(element), DOCUMENT_BOUND
    if engine == POSTGRESQL and column.kind not in (Kind.TEXT, Kind.BYTES):
        return func.pg_column_size(element), PACKED_BOUND
    return func.octet_length(element), DOCUMENT_BOUND


def document_expressions(
    column: Column, element: ColumnElement[Any], engine: str
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return what to select for a JSON document: the document when it is small enough, its size when it isn't."""
    from sqlalchemy import Text, case, cast, literal_column, null

    size, most = size_expression(column, element, engine)
    limit: ColumnElement[Any] = literal_column(str(most))
    shown = cast(element, Text) if engine == POSTGRESQL and column.kind in _CAST else element
    return case((size <= limit, shown), else_=null()), case((size > limit, size), else_=null())


def opener(column: Column, engine: str) -> Opener:
    """Return what makes a loose value of this column's raw cells."""
    if engine == POSTGRESQL:
        return _postgresql(column.kind)
    if engine == MARIADB:
        return _mariadb(column.kind)
    return _keep if column.kind is Kind.BYTES else _sqlite


def _keep(raw: Any) -> Any:
    return raw


def _sqlite(raw: Any) -> Any:
    if not isinstance(raw, bytes):
        return raw
    return as_text(whole_characters(raw) if len(raw) in _CUTS else raw)


def _postgresql(kind: Kind) -> Opener:
    match kind:
        case Kind.INT | Kind.FLOAT | Kind.BOOL | Kind.BYTES:
            return _keep
        case Kind.JSONB:
            return lambda raw: as_text(raw[1:])
        case _:
            return as_text


def _mariadb(kind: Kind) -> Opener:
    match kind:
        case Kind.BYTES:
            return _keep
        case Kind.INT:
            return int
        case Kind.FLOAT:
            return float
        case Kind.BOOL:
            return lambda raw: raw not in (b"\x00", b"0")
        case Kind.TIMESTAMPTZ:
            return _session_time
        case _:
            return as_text


def _session_time(raw: bytes) -> datetime | None:
    """Read a TIMESTAMP column: the server gives it in the session's zone, and ours is UTC."""
    try:
        moment = parse_iso(raw.decode("ascii"))
    except ValueError:
        raise Unreadable(raw_text(raw), "not a time") from None
    return None if moment is None else moment.replace(tzinfo=UTC)


def parameter(column: Column, engine: str, raw: Any) -> ColumnElement[Any]:
    """Return a raw cell as a parameter that compares with its own column, byte for byte."""
    if engine == POSTGRESQL:
        is_text = isinstance(raw, bytes) and column.kind is not Kind.BYTES
        return bound(raw.decode("utf-8", "surrogateescape") if is_text else raw)
    if engine == MARIADB:
        if column.kind is Kind.INT and isinstance(raw, bytes):
            return bound(int(raw))
        return bound(raw if column.kind is Kind.BYTES or not isinstance(raw, bytes) else raw.decode("utf-8", "replace"))
    if isinstance(raw, bytes) and column.kind is not Kind.BYTES:
        if column.kind is Kind.TEXT:
            with contextlib.suppress(UnicodeDecodeError):
                return bound(raw.decode())
        from sqlalchemy import Text, cast

        return cast(bound(raw), Text)
    return bound(raw)
