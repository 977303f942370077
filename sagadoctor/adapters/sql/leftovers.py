"""Rows that the planned roads leave out: without a state, a matching rule, a time or an id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sagadoctor.api.v1.sql import Column

from .roads import MOST_UNKEYED, SORTED_ROWS, Road
from .states import ColumnStates, RuleStates
from .vocabulary import index_on

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from .planning import Planner


def left_out(planner: Planner, live: Sequence[Road], missed: list[str]) -> list[Road]:
    """Return the roads to what the live ones leave out; what no index finds is added to `missed`."""
    from sqlalchemy import or_

    states, source = planner.reader.states, planner.reader.source
    leading = {each for other in live for each in other.leading}
    found: list[Road] = []
    no_key = "an id" if planner.opened.table.query is None else "a key"

    def add(name: str, conditions: Sequence[ColumnElement[bool]], column: Column | None, index: str | None) -> None:
        known = planner.types if name == no_key else planner.known
        road = Road(planner.opened, [*conditions, *known], planner.keys, planner.unique, rows=SORTED_ROWS)
        road.index = index
        road.leading = frozenset(leading | ({column.name} if column is not None else set()))
        if name == no_key:
            road.keys, road.unique, road.rows, road.mixed = (), False, MOST_UNKEYED, True
        if planner.is_good(road):
            found.append(road)
        else:
            missed.append(f"rows without {name}")

    if isinstance(states, ColumnStates) and planner.words is not None and states.column is not None:
        if states.column.nullable:
            state = states.column
            add("a state", [source.element(state).is_(None)], state, _index_on(planner, state))
    elif planner.big and isinstance(states, RuleStates) and not states.takes_all:
        add("a matching rule", [states.unmatched()], None, None)
    found += untimed(planner, live, missed, "live")
    if not planner.unique:
        nulls = planner.keys_that_lack()
        if nulls:
            add(no_key, [or_(*(source.element(column).is_(None) for column in nulls))], nulls[0], None)
    return found


def untimed(planner: Planner, roads: Sequence[Road], missed: list[str], which: str = "ended") -> list[Road]:
    """Return roads to the rows that an order by time leaves out, because they tell no time of change."""
    time = planner.time
    if time is None or time.column is None or not time.column.nullable:
        return []
    states = planner.reader.states
    state = states.column if isinstance(states, ColumnStates) else None
    found: list[Road] = []
    for timed in roads:
        if timed.untimed is None:
            continue
        conditions = [time.element.is_(None), *timed.untimed]
        road = Road(planner.opened, conditions, planner.keys, planner.unique, rows=SORTED_ROWS)
        road.index = timed.index if timed.index is not None or state is None else _index_on(planner, state)
        road.leading = timed.leading | {time.column.name} | ({state.name} if state is not None else set())
        road.mixed = timed.mixed
        if planner.is_good(road):
            found.append(road)
        elif (told := f"{which} rows without {time.column.name}") not in missed:
            missed.append(told)
    return found


def _index_on(planner: Planner, column: Column) -> str | None:
    """Return the name of a whole index that begins with this column."""
    found = index_on(planner.opened, column)
    return found.name if found is not None and not found.primary else None
