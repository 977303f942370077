"""Ids of ended sagas in key order, for stores that don't tell when a saga ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1 import Doubt, FullScanRefused, Look
from sagadoctor.api.v1.sql import Guest, Row, Session

from .opened import Opened
from .planning import Planner
from .roads import Road, row_keys
from .states import ColumnStates, RuleStates
from .vocabulary import index_on, parameter

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

PAGE_IDS: Final = 5000


async def ended_pages(guest: Guest, opened: Opened, look: Look) -> AsyncIterator[Sequence[str]]:
    """Yield ids some thousand at a time; raises FullScanRefused where a big table has no index for it."""
    roads, refused = await guest.run(_planned(opened, look), look.deadline)
    for road in roads:
        while not road.done:
            yield await guest.run(_page(opened, road), look.deadline)
    if refused is not None:
        raise refused


def _planned(opened: Opened, look: Look) -> Callable[[Session], tuple[list[Road], FullScanRefused | None]]:
    """Return what plans the roads, and says which ended sagas they don't reach."""

    def work(session: Session) -> tuple[list[Road], FullScanRefused | None]:
        planner = Planner(session, opened, look)
        states = opened.reader.states
        constant = opened.reader.constant
        keys, unique = row_keys(opened)
        sets: list[list[ColumnElement[bool]]] = [[]]
        leading: set[str] = set()
        if constant is not None and not constant.ended:
            return [], None
        words = planner.words
        missed = words.missed if words is not None else ""
        if missed and look.allow_full_scan:
            words, missed = None, ""
        if isinstance(states, RuleStates):
            sets = [[states.ended()]]
        elif isinstance(states, ColumnStates) and states.column is not None and words is not None:
            element = opened.reader.source.element(states.column)
            leading.add(states.column.name)
            sets = [[element == parameter(opened, states.column, raw)] for raw in words.ended]
        index = (
            index_on(opened, states.column) if isinstance(states, ColumnStates) and states.column is not None else None
        )
        name = index.name if index is not None and leading and not index.primary else None
        roads = [
            Road(opened, conditions, keys, unique, frozenset(leading), index=name, rows=PAGE_IDS) for conditions in sets
        ]
        if planner.big and not look.allow_full_scan and not all(planner.is_good(road) for road in roads):
            raise planner.refusal("ended sagas can't be listed")
        return roads, planner.refusal(f"ended sagas can't all be listed: not {missed},") if missed else None

    return work


def _page(opened: Opened, road: Road) -> Callable[[Session], list[str]]:
    statement = road.statement().with_only_columns(*_selected(opened, road))
    reader = opened.reader
    width = len(reader.identity.columns)
    judged = _judge(opened, width)

    def work(session: Session) -> list[str]:
        ids: list[str] = []
        doubts: list[Doubt] = []
        row: Row | None = None
        count = 0
        for row in session.stream(statement):
            count += 1
            if judged(row):
                ids.append(reader.identity.read(row[:width], doubts))
        if row is None or count < road.rows:
            road.done = True
        else:
            road.last = list(row[len(row) - len(road.keys) :])
        return ids

    return work


def _selected(opened: Opened, road: Road) -> list[Any]:
    """Return what a row has to hold: the id, the state where only we can judge it, the key."""
    reader = opened.reader
    source = reader.source
    items: list[Any] = [source.cell(column) for column in reader.identity.columns]
    states = reader.states
    if isinstance(states, ColumnStates) and states.column is not None:
        items.append(source.cell(states.column))
    items.extend(key.element if key.column is None else source.cell(key.column) for key in road.keys)
    return [item.label(f"e{at}") for at, item in enumerate(items)]


def _judge(opened: Opened, at: int) -> Callable[[Row], bool]:
    states = opened.reader.states
    if isinstance(states, ColumnStates) and states.column is not None:
        return lambda row: states.classify(row[at]).ended
    return lambda row: True
