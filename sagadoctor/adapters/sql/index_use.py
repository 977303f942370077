"""Whether everything that is asked by ids goes by an index, and what a user may not read of it: for `check`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sagadoctor.api.v1 import AccessDenied, CheckLevel, CheckLine
from sagadoctor.api.v1.sql import Session, Table

from .asking import Lookup, Part
from .find import by_id
from .lookups import is_by_index, todo
from .opened import Opened

if TYPE_CHECKING:
    from sqlalchemy import Select


def lookups_of(opened: Opened) -> list[Lookup]:
    """Return everything that is asked by ids: sagas, and what belongs to them."""
    return [*by_id(opened.reader), *opened.scan.lookups]


def unread(session: Session, opened: Opened) -> list[Table]:
    """Return the tables of which this user may not read what the mapping names."""
    from sqlalchemy import literal_column, select

    reader = opened.reader
    own = select(*reader.selection.items).select_from(reader.source.clause).limit(literal_column("1"))
    asked: list[tuple[Table, Select[Any] | None]] = [(opened.table, own)]
    asked += [(lookup.table, lookup.statement()) for lookup in opened.scan.lookups]
    found: list[Table] = []
    for table in opened.tables:
        statements = [each for other, each in asked if other == table and each is not None]
        may = table.query is not None or session.catalog.may_read(
            table
        )  # a query is tried by the statements themselves
        if not may or not all(_may_be_run(session, each) for each in statements):
            found.append(table)
    return found


def _may_be_run(session: Session, statement: Select[Any]) -> bool:
    try:
        session.explain(statement)
    except AccessDenied:
        return False
    return True


def index_use(session: Session, opened: Opened) -> Iterator[CheckLine]:
    """Yield a line for each look-up: by which columns an index finds it, or the index to create."""
    missed: set[Part] = set()
    for lookup in lookups_of(opened):
        table = lookup.table
        if lookup.part is Part.TAKEN and Part.RECEIVED in missed and not _is_found(session, lookup):
            continue  # the index that finds the one finds the other
        subject = lookup.what.rpartition(" ")[0]
        if lookup.never:
            yield CheckLine("look-ups", CheckLevel.WARNING, f"{lookup.what} not looked at", lookup.never)
        elif _is_found(session, lookup):
            by = ", ".join(lookup.by)
            yield CheckLine("look-ups", CheckLevel.OK, f"{subject}: found in {table.place} by an index on {by}")
        elif table.is_view:
            text = f"{subject}: {table.place} is a view; how the tables behind it are read was not looked at"
            yield CheckLine("look-ups", CheckLevel.OK, text)
        elif table.rows > opened.context.big_table:
            where = f"no index finds them in {table.place} (about {table.rows:,} rows)"
            missed.add(lookup.part)
            level = CheckLevel.FAILED if lookup.part is Part.STEPS else CheckLevel.WARNING
            yield CheckLine("look-ups", level, f"{lookup.what} not looked at: {where}", todo(lookup, opened.engine))
        else:
            advice = todo(lookup, opened.engine)
            text = f"{subject}: all of {table.place} is read, which is small enough; when it grows: {advice}"
            yield CheckLine("look-ups", CheckLevel.OK, text)


def _is_found(session: Session, lookup: Lookup) -> bool:
    """Say whether an index finds what is asked; of a small table the catalogue knows better than a plan."""
    leading = lookup.leading or frozenset(lookup.by[:1])
    if any(index.predicate is None and index.columns[:1] and index.columns[0] in leading for index in _small(lookup)):
        return True
    return is_by_index(session, lookup)


def _small(lookup: Lookup) -> tuple[Any, ...]:
    return lookup.table.indexes if lookup.table.rows <= _SMALL else ()


_SMALL = 10_000
"""Rows below which an engine may read all of a table although there is an index."""
