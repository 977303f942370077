"""A query that a person wrote, as a part of our own statements: its text stays as it is on every driver."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import TableClause
from sqlalchemy.ext.compiler import compiles

from .statement import quoted

if TYPE_CHECKING:
    from sqlalchemy import ColumnClause, FromClause

ALIAS: Final = "sagadoctor_query"
"""The name of a query within our statements, and within the engine's plans."""


class _Written(TableClause):
    """A query in parentheses where a table may stand."""

    inherit_cache = False
    text: str


@compiles(_Written)
def _write(element: _Written, compiler: Any, **_: Any) -> str:
    """Write the text with the driver's own sign for a parameter escaped; the line behind it ends its last comment."""
    return f"({compiler.escape_literal_column(element.text)}\n)"


def written(text: str, columns: Iterable[ColumnClause[Any]], alias: str | None = None) -> FromClause:
    """Return a query for use in a statement."""
    made = _Written("query", *columns)
    made.text = text
    return made.alias(quoted(alias or ALIAS))


def selected(text: str) -> str:
    """Return the statement that reads all of a query: its own text, which the mapping's author wrote."""
    return f"select * from ({text}\n) as {ALIAS}"  # noqa: S608
