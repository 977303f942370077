"""Aggregates over many sagas that the database computes: live sagas of one type that share a business key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1 import Capability, Look, SharedKey, Survey
from sagadoctor.api.v1.sql import Guest, Session, access

from .find import business_key_element
from .opened import Opened
from .page import collect
from .planning import Planner
from .states import ColumnStates, RuleStates

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

MOST_GROUPS: Final = 200
MOST_IDS: Final = 10
_MOST_ROWS: Final = 5000


async def survey(guest: Guest, opened: Opened, look: Look) -> tuple[Survey, str]:
    """Return what the store says of its sagas together, and a note where something was not looked for."""
    shared = await guest.run(_work(opened, look), look.deadline)
    told = Survey(
        store=opened.context.name,
        source=opened.reader.place,
        shared_keys=shared or (),
        has_times=Capability.TIMES in opened.capabilities,
    )
    place = opened.table.place
    return (
        told,
        f"{place}: sagas with one business key were not looked for: no index finds them" if shared is None else "",
    )


def _work(opened: Opened, look: Look) -> Callable[[Session], tuple[SharedKey, ...] | None]:
    def work(session: Session) -> tuple[SharedKey, ...] | None:
        found = business_key_element(opened.reader)
        if found is None:
            return ()
        planner = Planner(session, opened, look)
        live = _live(planner, opened)
        if live is None:
            return None if planner.words is None and planner.big else ()
        key, _ = found
        groups = _groups(opened, key, [*live, *planner.types])
        if planner.big and _is_sequential(session, groups, opened):
            return None
        keys = [row[0] for row in session.rows(groups)]
        return _sampled(session, opened, key, [*live, *planner.types], keys) if keys else ()

    return work


def _is_sequential(session: Session, statement: Select[Any], opened: Opened) -> bool:
    states = opened.reader.states
    leading = {states.column.name} if isinstance(states, ColumnStates) and states.column is not None else set[str]()
    return access(session.explain(statement), opened.table, leading, opened.engine).sequential


def _live(planner: Planner, opened: Opened) -> list[ColumnElement[bool]] | None:
    """Return the condition of live rows; None where there can be none, or where only we can tell."""
    states = opened.reader.states
    constant = opened.reader.constant
    if constant is not None:
        return None if constant.ended else []
    if isinstance(states, RuleStates):
        return [states.live()]
    if not isinstance(states, ColumnStates) or states.column is None or planner.words is None:
        return None
    if not planner.words.live:
        return None
    source = opened.reader.source
    given = [source.parameter(states.column, raw) for raw in planner.words.live]
    return [source.element(states.column).in_(given)]


def _groups(opened: Opened, key: ColumnElement[Any], conditions: list[ColumnElement[bool]]) -> Select[Any]:
    from sqlalchemy import func, literal_column, select

    reader = opened.reader
    by: list[ColumnElement[Any]] = [key]
    words = reader.words.type
    column = opened.table.find(words.column) if words is not None and words.column is not None else None
    if column is not None:
        by.append(reader.source.element(column))
    return (
        select(key.label("business_key"))
        .select_from(reader.source.clause)
        .where(*reader.where, *conditions, key.is_not(None))
        .group_by(*by)
        .having(func.count() > literal_column("1"))
        .limit(literal_column(str(MOST_GROUPS)))
    )


def _sampled(
    session: Session,
    opened: Opened,
    key: ColumnElement[Any],
    conditions: list[ColumnElement[bool]],
    keys: list[Any],
) -> tuple[SharedKey, ...]:
    """Return the groups with their sagas, as the rows themselves tell type, key and times."""
    from sqlalchemy import literal_column, select

    from sagadoctor.api.v1.sql import bound

    reader = opened.reader
    statement = (
        select(*reader.selection.items)
        .select_from(reader.source.clause)
        .where(*reader.where, *conditions, key.in_([bound(each) for each in keys]))
        .limit(literal_column(str(_MOST_ROWS)))
    )
    groups: dict[tuple[str | None, str], list[tuple[datetime | None, str]]] = {}
    for saga in collect(session, statement, opened.scan).sagas:
        if saga.business_key:
            moment = saga.created_at or saga.updated_at
            groups.setdefault((saga.saga_type, saga.business_key), []).append((moment, saga.saga_id))
    shared: list[SharedKey] = []
    for (saga_type, business_key), sagas in groups.items():
        if len(sagas) > 1:
            told = [moment for moment, _ in sagas if moment is not None]
            ordered = sorted(sagas, key=lambda each: (each[0] is None, each[0], each[1]))
            ids = tuple(saga_id for _, saga_id in ordered[:MOST_IDS])
            shared.append(
                SharedKey(saga_type, business_key, len(sagas), ids, min(told, default=None), max(told, default=None))
            )
    return tuple(sorted(shared, key=lambda each: (-each.count, each.business_key))[:MOST_GROUPS])
