"""Queries in the place of a table: what the engines' catalogues share of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sagadoctor.errors import (
    AccessDenied,
    BackendError,
    Busy,
    DeadlineExceeded,
    Lost,
    SchemaMismatch,
    TooManyConnections,
    Unreachable,
)

from .catalog import Column, Index, Query, Table, nearest

if TYPE_CHECKING:
    from .driver import Driver

_NOT_ITS_FAULT: Final = (Unreachable, DeadlineExceeded, Busy, TooManyConnections, Lost)


@contextmanager
def telling(place: str, driver: Driver) -> Iterator[None]:
    """Turn what a database says against a query into a SchemaMismatch that names its place."""
    try:
        yield
    except SchemaMismatch as mismatch:
        raise SchemaMismatch(f"{place}: {mismatch.reason}", hint=mismatch.hint) from None
    except Exception as error:
        told = error if isinstance(error, BackendError) else driver.translate(error)
        if told is None or isinstance(told, _NOT_ITS_FAULT):
            raise
        hint = told.hint if isinstance(told, AccessDenied) else "try it in the database's own shell"
        raise SchemaMismatch(f"{place}: the database refuses this query: {told.reason}", hint=hint) from None


def query_table(place: str, columns: Sequence[Column], key: Sequence[str], query: Query, rows: int) -> Table:
    """Return a query as a table; raises SchemaMismatch where its columns have one name, or lack its key."""
    names = [column.name for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SchemaMismatch(
            f"two columns are called {', '.join(map(repr, twice))}", hint="name them apart: select a.id as saga_id, …"
        )
    table = Table(None, place, tuple(columns), rows=rows, query=query)
    found = [(name, table.find(name)) for name in key]
    for name, column in found:
        if column is None:
            near = nearest(name, names)
            hint = f", did you mean {near!r}?" if near else ""
            raise SchemaMismatch(f"its key {name!r} is no column of it{hint} (it has {', '.join(names)})")
    index = Index("", tuple(column.name for _, column in found if column is not None), primary=True)
    return Table(None, place, table.columns, (index,), rows, query=query)


def shown_names(text: str, tables: Iterable[Table]) -> tuple[tuple[str, int], ...]:
    """Return the rows of tables by every name that a plan may show for them: their own, and their aliases in a text."""
    found: dict[str, int] = {}
    for table in tables:
        name = rf'["`\[]?\b{re.escape(table.name)}\b["`\]]?'
        aliases = re.findall(rf'(?i){name}\s+(?:as\s+)?["`\[]?(\w+)', text)
        for each in (table.name, *aliases):
            found[each.casefold()] = max(table.rows, found.get(each.casefold(), 0))
    return tuple(found.items())


def named_in(text: str, names: Iterable[str]) -> list[str]:
    """Return which tables of a database a text names."""
    words = {word.casefold() for word in re.findall(r"\w+", text)}
    return [name for name in names if (words >= {each.casefold() for each in re.findall(r"\w+", name)})]
