"""The sagas that others wait for: rows found by their parent's id, some hundred parents at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1 import Deadline, FullScanRefused, Saga, SagaState
from sagadoctor.api.v1.sql import Guest, Session, access, bound

from .advice import create_index, has_index
from .chronology import is_ordered
from .opened import Opened
from .page import Rows, collect
from .searching import searched_element
from .source import is_storable
from .states import ColumnStates
from .vocabulary import by_bytes
from .words import ended_spellings

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

CHUNK: Final = 500
MOST_OF_ONE: Final = 10
"""Children of one parent that are kept."""
MOST_ROWS: Final = 2000
"""Rows of one statement; where there are more, fewer parents are asked for at a time."""
_WELL: Final = (SagaState.COMPLETED, SagaState.COMPENSATED, SagaState.CANCELLED)
_MOMENTS: Final = ("updated_at", "ended_at", "created_at")
_PROBES: Final = ("0", "00", "00000000-0000-0000-0000-000000000000")
"""What some kind of id can be, to have a plan made for."""
_LAST: Final = datetime.max.replace(tzinfo=UTC)


async def child_rows(guest: Guest, opened: Opened, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
    """Return live and failed rows whose parent is one of these; raises FullScanRefused where no index finds them."""
    words = opened.reader.words.parent
    if words is None or words.const is not None:
        return ()
    found: list[Saga] = []
    unique = list(dict.fromkeys(parents))
    left = [unique[start : start + CHUNK] for start in range(0, len(unique), CHUNK)][::-1]
    while left:
        some = left.pop()
        rows = await _ask(guest, opened, some, deadline)
        if (rows.cut or rows.count > MOST_ROWS) and len(some) > 1:
            left += [some[len(some) // 2 :], some[: len(some) // 2]]
        else:
            found += _longest_still(rows.sagas, frozenset(some))
    return tuple(found)


def refusal(session: Session, opened: Opened) -> FullScanRefused | None:
    """Say why children can't be looked for in this table; None where they can, or where no parents are mapped."""
    words = opened.reader.words.parent
    if words is None or words.const is not None:
        return None
    name, table = opened.context.name, opened.table
    found = searched_element(opened.reader, "parent")
    if found is None:
        reason = f"the children of a saga can't be looked for in {table.place}: only a reader of its rows can tell them"
        return FullScanRefused(reason, source=name, hint="keep the parent's id in a column of its own")
    leading = found[1]
    if table.rows <= opened.context.big_table or (words.path is None and has_index(table, leading)):
        return None
    statement = _statement(opened, _PROBES)
    if statement is None or not access(session.explain(statement), table, {leading}, opened.engine).sequential:
        return None
    reason = f"no index finds the children of a saga in {table.place} (about {table.rows:,} rows)"
    advice = "create an index on the path's expression"
    return FullScanRefused(
        reason, source=name, hint=create_index(table, [leading], opened.engine) if words.path is None else advice
    )


async def _ask(guest: Guest, opened: Opened, parents: Sequence[str], deadline: Deadline) -> Rows:
    def work(session: Session) -> Rows:
        refused = refusal(session, opened)
        if refused is not None:
            raise refused
        statement = _statement(opened, parents)
        return Rows() if statement is None else collect(session, statement, opened.scan)

    return await guest.run(work, deadline)


def _statement(opened: Opened, parents: Sequence[str]) -> Select[Any] | None:
    """Return the statement for the children of these; None where nobody can be their child."""
    from sqlalchemy import literal_column, select

    reader = opened.reader
    found, given = searched_element(reader, "parent"), _given(opened, parents)
    if found is None or not given:
        return None
    return (
        select(*reader.selection.items)
        .select_from(reader.source.clause)
        .where(*reader.where, found[0].in_(given), *_not_well(opened))
        .order_by(*_by_time(opened))
        .limit(literal_column(str(MOST_ROWS + 1)))
    )


def _given(opened: Opened, parents: Sequence[str]) -> list[ColumnElement[Any]]:
    """Return everything that the parent's column may hold for these ids."""
    reader = opened.reader
    words = reader.words.parent
    if words is None:
        return []
    column = reader.source.column(words.column) if words.path is None and words.column is not None else None
    if column is None:
        return [bound(each) for each in parents if is_storable(each, opened.engine)]
    read = reader.named("parent", words, column)
    values = [value for each in parents for value in (read.lookups(each) if read is not None else [each])]
    return [given for value in values if (given := reader.source.given(column, value)) is not None]


def _not_well(opened: Opened) -> list[ColumnElement[bool]]:
    """Leave out what surely has ended well, so that a crowd of it doesn't hide the others; the rest is judged here."""
    from sqlalchemy import or_

    states = opened.reader.states
    if not isinstance(states, ColumnStates) or not states.plain or states.column is None:
        return []
    meanings, column = states.meanings, states.column
    well = [
        word
        for word in ended_spellings(meanings.ended_names())
        if (verdict := meanings.of(word)).state in _WELL and not verdict.by_steps
    ]
    given = [each for word in well if (each := opened.reader.source.given(column, word)) is not None]
    if not given:
        return []
    return [or_(opened.reader.source.element(column).is_(None), by_bytes(opened, column).not_in(given))]


def _by_time(opened: Opened) -> list[ColumnElement[Any]]:
    times = opened.reader.times.columns
    for name in _MOMENTS:
        if name in times and is_ordered(times[name][0], times[name][1], opened.engine):
            return [opened.reader.source.element(times[name][1])]
    return []


def _longest_still(sagas: Sequence[Saga], parents: frozenset[str]) -> list[Saga]:
    """Return of each parent those children that moved longest ago; texts that differ by bytes are no one's."""
    by_parent: dict[str, list[Saga]] = {}
    for saga in sagas:
        if saga.parent_id in parents and (saga.is_live or saga.state is SagaState.FAILED):
            by_parent.setdefault(saga.parent_id, []).append(saga)
    kept: list[Saga] = []
    for children in by_parent.values():
        children.sort(key=lambda saga: (saga.updated_at or saga.created_at or _LAST, saga.saga_id))
        kept += children[:MOST_OF_ONE]
    return kept
