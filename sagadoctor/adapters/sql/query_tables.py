"""Queries in the place of tables: met with the database, and what can be looked up in them by an index below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from sagadoctor.api.v1.sql import POSTGRESQL, Column, Index, Kind, Session, Table, access, bound

from .mapping.query import QueryTable

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select


_NUMBERS: Final = (Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.BOOL)
_TIMES: Final = (Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.DATE)


def open_query(session: Session, words: QueryTable, place: str, by: Iterable[Sequence[str]], bearable: int) -> Table:
    """Return a query as a table; for those columns of `by` that the database finds by an index it says one.

    `bearable` is how many rows may be read from end to end without being asked for. Raises SchemaMismatch.
    """
    table = session.catalog.query(words.query, words.key, place, bearable)
    found: list[Index] = list(table.indexes)
    for names in by if table.rows > bearable else ():  # a small one needs none
        columns = [column for name in names if (column := table.find(name)) is not None]
        if columns and len(columns) == len(names) and _is_served(session, table, columns):
            found.append(Index("", tuple(column.name for column in columns)))
    return replace(table, indexes=tuple(found))


def _is_served(session: Session, table: Table, columns: Sequence[Column]) -> bool:
    """Say whether a look-up by these columns reads no more than it brings."""
    from sqlalchemy import literal_column, select

    clause = table.clause()
    conditions = [clause.c[column.name] == _probed(column, session.engine) for column in columns]
    statement: Select[Any] = select(literal_column("1")).select_from(clause).where(*conditions)
    return not access(session.explain(statement), table, (), session.engine).sequential


def _probed(column: Column, engine: str) -> ColumnElement[Any]:
    if engine == POSTGRESQL:  # of any type, and unknown to the planner
        from sqlalchemy import literal_column

        unknown: ColumnElement[Any] = literal_column(f"(select cast(null as {column.type_text}))")
        return unknown
    if column.kind in _NUMBERS:
        return bound(0)
    if column.kind in _TIMES:
        return bound("2000-01-01")
    return bound(b"0" if column.kind is Kind.BYTES else "0")
