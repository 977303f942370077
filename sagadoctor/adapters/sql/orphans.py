"""Rows of a child table that belong to no saga: looked for at both ends of its index, never in all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1 import Doubt, OrphanSteps
from sagadoctor.api.v1.sql import Session

from .advice import create_index, has_index
from .find import among
from .identity import opener_of
from .idents import WholeId, ident
from .opened import Opened
from .shapes.rows import StepRows
from .values import Unreadable

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

SAMPLE: Final = 500
"""Rows looked at from each end in a scan."""
THOROUGH: Final = 10_000
"""The same in a check."""
_CHUNK: Final = 500
_NAMED: Final = 10


def orphan_steps(session: Session, opened: Opened, sample: int) -> tuple[OrphanSteps | None, str]:
    """Return which steps of a sample belong to no saga, and why they were not looked for, where they weren't."""
    shape = opened.reader.shape
    if not isinstance(shape, StepRows) or len(shape.keys) != len(opened.reader.identity.columns):
        return None, ""
    missing = _not_searched(opened, shape)
    if missing:
        return None, f"{shape.source.table.place}: steps without a saga were not looked for: no index finds {missing}"
    with session.snapshot():
        sampled, whole = _sampled(session, shape, sample)
        rows = [row[:-1] for row in sampled if int(row[-1])]
        names = {row: _named(opened, shape, row) for row in dict.fromkeys(rows)}
        there = _there(session, opened, [name for name in names.values() if name is not None])
    gone = [row for row in rows if (name := names[row]) is None or name not in there]
    ids = dict.fromkeys(name for row in gone if (name := names[row]) is not None)
    place = f"{opened.context.name}.{shape.source.table.place}"
    return OrphanSteps(place, len(gone), len(rows), tuple(ids)[:_NAMED], whole), ""


def _not_searched(opened: Opened, shape: StepRows) -> str:
    """Say what of big tables would have to be read from end to end; empty where nothing would."""
    for table, columns in ((shape.source.table, shape.keys), (opened.table, opened.reader.identity.columns)):
        big = table.rows > opened.context.big_table
        if big and table.query is not None:
            return "them"
        if big and not table.is_view and not has_index(table, columns[0].name):
            return f"them ({create_index(table, [columns[0].name], opened.engine)})"
    return ""


def _sampled(session: Session, shape: StepRows, sample: int) -> tuple[list[tuple[Any, ...]], bool]:
    """Return the raw foreign keys of the first and the last rows by their index, and whether these are all rows.

    Steps whose saga was removed are mostly the oldest ones, steps whose saga was never written the newest. Last in each
    stands whether it is a step of these sagas: rows of others aren't skipped on the way, for there may be many.
    """
    first = shape.source.element(shape.keys[0])
    if not has_index(shape.source.table, shape.keys[0].name):
        rows = _rows(session, shape, [], 2 * sample + 1)
        return rows[: 2 * sample], len(rows) <= 2 * sample
    low = _rows(session, shape, [first.asc()], 2 * sample + 1)
    if len(low) <= 2 * sample:
        return low, True
    return [*low[:sample], *_rows(session, shape, [first.desc()], sample)], False


def _rows(session: Session, shape: StepRows, order: Sequence[ColumnElement[Any]], most: int) -> list[tuple[Any, ...]]:
    from sqlalchemy import and_, case, literal_column, select

    keys = [shape.source.cell(column).label(f"k{at}") for at, column in enumerate(shape.keys)]
    one: ColumnElement[int] = literal_column("1")
    own = case((and_(*shape.where), one), else_=literal_column("0")) if shape.where else one
    statement: Select[Any] = select(*keys, own.label("own")).select_from(shape.source.clause).order_by(*order)
    return [tuple(row) for row in session.stream(statement.limit(literal_column(str(most))))]


def _named(opened: Opened, shape: StepRows, row: tuple[Any, ...]) -> str | None:
    """Return the id of the saga that a step says it belongs to, as the saga's own would be printed."""
    parts = [ident(opened.reader.words.id.format, column.kind) for column in shape.keys]
    if None in row:
        return None
    openers = [opener_of(part, column, shape.source) for part, column in zip(parts, shape.keys, strict=True)]
    try:
        return WholeId(tuple(parts)).canonical([opened(raw) for opened, raw in zip(openers, row, strict=True)])
    except Unreadable as odd:
        return None if odd.value is None else str(odd.value)


def _there(session: Session, opened: Opened, names: Sequence[str]) -> set[str]:
    """Return those of the ids that a row of the saga table has, whatever the mapping's `where` says of it."""
    from sqlalchemy import select

    reader = opened.reader
    identity = reader.identity
    cells = [reader.source.cell(column).label(f"i{at}") for at, column in enumerate(identity.columns)]
    wanted = list(dict.fromkeys(names))
    there: set[str] = set()
    for start in range(0, len(wanted), _CHUNK):
        meant = {name: identity.whole.lookups(name) for name in wanted[start : start + _CHUNK]}
        condition = among(reader, [value for values in meant.values() for value in values])
        if condition is None:
            continue
        doubts: list[Doubt] = []
        statement = select(*cells).select_from(reader.source.clause).where(condition)
        found = {identity.read(tuple(row), doubts) for row in session.stream(statement)}
        there.update(name for name in meant if name in found or identity.whole.means(name) & found)
    return there
