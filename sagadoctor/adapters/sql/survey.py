"""What the database says of many rows together: live sagas that share a business key, steps without a saga."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sagadoctor.api.v1 import Capability, Look, SharedKey, Survey
from sagadoctor.api.v1.sql import Guest, Session, access

from .opened import Opened
from .page import collect
from .planning import Planner
from .searching import business_key_element
from .shapes import TableSteps
from .states import ColumnStates, RuleStates
from .values import Unreadable
from .vocabulary import parameter

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

MOST_GROUPS: Final = 1000
MOST_IDS: Final = 100
_MOST_ROWS: Final = 10_000


class Shared(msgspec.Struct, frozen=True):
    """The keys that live sagas share, those of most sagas first; `note` tells what was not looked for or left out."""

    keys: tuple[SharedKey, ...] = ()
    note: str = ""
    cut: bool = False
    """There are more of them than are held at once."""


async def survey(guest: Guest, opened: Opened, look: Look) -> Survey:
    """Return what the store says of its sagas together."""
    shared = await guest.run(_work(opened, look), look.deadline)
    stirred = await guest.run(_newest(opened, look), look.deadline) if _sleep(opened) else None
    orphans, note = None, ""
    if look.saga_types is None and isinstance(opened.reader.shape, TableSteps):  # such steps are of no type
        from .orphans import SAMPLE, orphan_steps

        orphans, note = await guest.run(lambda session: orphan_steps(session, opened, SAMPLE), look.deadline)
    return Survey(
        store=opened.context.name,
        source=opened.reader.place,
        shared_keys=shared.keys,
        has_times=Capability.TIMES in opened.capabilities,
        orphans=orphans,
        notes=tuple(each for each in (note, shared.note) if each),
        stirred_at=stirred,
        truncated=shared.cut,
    )


def _sleep(opened: Opened) -> bool:
    """Say whether sagas of this store are woken at a time that is told, and rows tell when they were written."""
    columns = opened.reader.times.columns
    return "next_attempt_at" in columns and "updated_at" in columns


def _newest(opened: Opened, look: Look) -> Callable[[Session], datetime | None]:
    """Return what finds the last time at which any live row was written; None where no index finds live rows."""

    def work(session: Session) -> datetime | None:
        from sqlalchemy import literal_column, select

        reader = opened.reader
        planner = Planner(session, opened, look)
        live = _live(planner, opened)
        if live is None or (planner.words is not None and not planner.words.live):
            return None
        _, column = reader.times.columns["updated_at"]
        read = next(read for name, _, read in reader.times.cells if name == "updated_at")
        element = reader.source.element(column)
        statement = (
            select(reader.source.cell(column))
            .select_from(reader.source.clause)
            .where(*reader.where, *live, element.is_not(None))
            .order_by(element.desc())
            .limit(literal_column("1"))
        )
        if planner.big and _is_sequential(session, statement, opened):
            return None
        with closing(session.stream(statement)) as rows:
            raws = [row[0] for row in rows]
        try:
            return read(raws[0]) if raws else None
        except Unreadable:
            return None

    return work


def _work(opened: Opened, look: Look) -> Callable[[Session], Shared]:
    not_looked_for = Shared(note=f"{opened.table.place}: sagas with one business key were not looked for")

    def work(session: Session) -> Shared:
        found = business_key_element(opened.reader)
        constant = opened.reader.constant
        if found is None or (constant is not None and constant.ended):
            return Shared()
        planner = Planner(session, opened, look)
        if planner.words is not None and not planner.words.live:
            return Shared()
        live = _live(planner, opened)
        if live is None:
            why = "no index finds them" if planner.big else "only we can tell which are live, and not the database"
            return Shared(note=f"{not_looked_for.note}: {why}")
        conditions = [*live, *planner.types]
        groups = _groups(opened, found[0], conditions)
        if planner.big and _is_sequential(session, groups, opened):
            return Shared(note=f"{not_looked_for.note}: no index finds them")
        counted = [(row[0], int(row[1])) for row in session.rows(groups) if row[0] not in ("", b"")]
        kept = _bounded(counted)
        keys, cut = _sampled(session, opened, found[0], conditions, kept) if kept else ((), False)
        if not cut and len(kept) == len(counted):
            return Shared(keys)
        note = (
            f"{opened.table.place}: more sagas share a business key than are looked at; these are those of most sagas"
        )
        return Shared(keys, note, cut=True)

    return work


def _bounded(counted: list[tuple[Any, int]]) -> list[Any]:
    """Return as many of the keys, those of most sagas first, as have their rows read at once."""
    kept: list[Any] = []
    left = _MOST_ROWS
    for key, count in counted[:MOST_GROUPS]:
        if count <= left or not kept:
            kept.append(key)
            left -= count
    return kept


def _is_sequential(session: Session, statement: Select[Any], opened: Opened) -> bool:
    states = opened.reader.states
    leading = {states.column.name} if isinstance(states, ColumnStates) and states.column is not None else set[str]()
    return access(session.explain(statement), opened.table, leading, opened.engine).sequential


def _live(planner: Planner, opened: Opened) -> list[ColumnElement[bool]] | None:
    """Return the condition of live rows; None where only we can tell."""
    states = opened.reader.states
    constant = opened.reader.constant
    if constant is not None:
        return []
    if isinstance(states, RuleStates):
        return [states.live()]
    if not isinstance(states, ColumnStates) or states.column is None or planner.words is None:
        return None
    given = [parameter(opened, states.column, raw) for raw in planner.words.live]
    return [opened.reader.source.element(states.column).in_(given)]


def _groups(opened: Opened, key: ColumnElement[Any], conditions: list[ColumnElement[bool]]) -> Select[Any]:
    from sqlalchemy import func, literal_column, select

    reader = opened.reader
    by: list[ColumnElement[Any]] = [key]
    words = reader.words.type
    column = opened.table.find(words.column) if words is not None and words.column is not None else None
    if column is not None:
        by.append(reader.source.element(column))
    many = func.count()
    return (
        select(key.label("business_key"), many.label("sagas"))
        .select_from(reader.source.clause)
        .where(*reader.where, *conditions, key.is_not(None))
        .group_by(*by)
        .having(many > literal_column("1"))
        .order_by(many.desc(), key)
        .limit(literal_column(str(MOST_GROUPS + 1)))
    )


def _sampled(
    session: Session,
    opened: Opened,
    key: ColumnElement[Any],
    conditions: list[ColumnElement[bool]],
    keys: list[Any],
) -> tuple[tuple[SharedKey, ...], bool]:
    """Return the groups with their sagas, as the rows themselves tell type, key and times, and whether some are cut."""
    from sqlalchemy import literal_column, select

    from sagadoctor.api.v1.sql import bound

    reader = opened.reader
    statement = (
        select(*reader.selection.items)
        .select_from(reader.source.clause)
        .where(*reader.where, *conditions, key.in_([bound(each) for each in keys]))
        .limit(literal_column(str(_MOST_ROWS + 1)))
    )
    groups: dict[tuple[str | None, str], list[tuple[datetime | None, str]]] = {}
    rows = collect(session, statement, opened.scan)
    cut = rows.cut or rows.count > _MOST_ROWS
    for saga in rows.sagas:
        if saga.business_key and opened.is_live(saga):
            moment = saga.created_at or saga.updated_at
            groups.setdefault((saga.saga_type, saga.business_key), []).append((moment, saga.saga_id))
    shared: list[SharedKey] = []
    for (saga_type, business_key), sagas in groups.items():
        if len(sagas) > 1:
            told = [moment for moment, _ in sagas if moment is not None]
            ordered = sorted(sagas, key=lambda each: (each[0] is None, each[0], each[1]))
            ids = tuple(saga_id for _, saga_id in ordered[:MOST_IDS])
            cut = cut or len(ordered) > MOST_IDS
            shared.append(
                SharedKey(saga_type, business_key, len(sagas), ids, min(told, default=None), max(told, default=None))
            )
    return tuple(sorted(shared, key=lambda each: (-each.count, each.business_key))), cut
