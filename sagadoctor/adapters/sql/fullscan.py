"""Reading all of a big table because somebody asked for it: in small bites, resting nine tenths of the time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from sagadoctor.api.v1 import FullScanRefused, Look, Page, Saga
from sagadoctor.api.v1.sql import POSTGRESQL, Guest, Session, Table, access

from .conditions import since_condition
from .opened import Opened
from .page import Companions, Rows, collect
from .planning import Journey
from .reader import SagaReader
from .repeats import repeated
from .roads import MOST_UNKEYED, Road, row_keys
from .source import Missing
from .states import ColumnStates, RuleStates
from .words import ended_spellings

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

DUTY: Final = 0.08
"""The share of the time in which the server works for us."""
BITE_BYTES: Final = 32 * 1024 * 1024
LONGEST_BITE: Final = 0.25
SHORTEST_BITE: Final = 0.05
_TID_RANGES: Final = 140_000
"""The PostgreSQL that can read a range of a table's blocks."""
_FEWEST_BLOCKS: Final = 64
_BITE_ROWS: Final = 20_000
_FEWEST_ROWS: Final = 500
_LONGEST_REST: Final = 5.0
MOVED: Final = "all of the table was read bite by bite: rows that moved meanwhile may be missing"


class Pace:
    """Rests after each bite, and makes bites smaller when one took long."""

    def __init__(self, size: int, least: int) -> None:
        """Begin with bites of this size, which is also the largest."""
        self.size = self._most = size
        self._least = least

    async def rest(self, seconds: float) -> None:
        """Rest in proportion to the work done."""
        if seconds > LONGEST_BITE:
            self.size = max(self._least, self.size // 2)
        elif seconds < SHORTEST_BITE:
            self.size = min(self._most, self.size * 2)
        await asyncio.sleep(min(_LONGEST_REST, seconds * (1 / DUTY - 1)))


async def full_scan(guest: Guest, opened: Opened, look: Look, journey: Journey) -> AsyncIterator[Page]:
    """Yield live rows (and wanted ended ones) of the whole table."""
    seen: set[str] = set()
    is_unique = opened.table.is_unique([column.name for column in opened.reader.identity.columns])
    left = look.live_cap
    notes: tuple[str, ...] = (*journey.notes, MOVED)
    async for rows in _bites(guest, opened, look):
        kept: list[Saga] = []
        truncated = False
        for each in rows:
            saga = each
            if look.saga_types is not None and saga.saga_type not in look.saga_types:
                continue
            if saga.saga_id in seen:
                if is_unique:  # it moved while the table was read
                    continue
                saga = repeated(saga)
            if opened.is_live(saga):
                if left == 0:
                    truncated = True
                    continue
                left -= 1
                if saga.saga_id:
                    seen.add(saga.saga_id)
                kept.append(saga)
            elif opened.is_wanted(saga, look):
                kept.append(saga)
        if kept or truncated:
            yield Page(kept, truncated, notes)
            notes = ()
        if truncated and not opened.wants_ended(look):
            return
    if notes:
        yield Page((), notes=notes)


async def _bites(guest: Guest, opened: Opened, look: Look) -> AsyncIterator[list[Saga]]:
    blocks = await guest.run(lambda session: _blocks(session, opened), look.deadline)
    if blocks is None:
        async for rows in _by_key(guest, opened, look):
            yield rows
        return
    for table, count, block_size in blocks:
        async for rows in _by_block(guest, opened, look, table, count, block_size):
            yield rows


def _blocks(session: Session, opened: Opened) -> list[tuple[Table, int, int]] | None:
    """Return each heap with its number of blocks; None where blocks can't be asked for."""
    from sqlalchemy import func, select

    if session.engine != POSTGRESQL or session.version_number < _TID_RANGES or opened.table.is_view:
        return None
    if opened.table.query is not None:
        return None
    whole = opened.table
    parts = [replace(whole, schema=schema, name=name, leaves=()) for schema, name in whole.leaves] or [whole]
    found: list[tuple[Table, int, int]] = []
    for part in parts:
        name = func.quote_ident(part.schema) + "." + func.quote_ident(part.name)
        size, block = session.rows(select(func.pg_relation_size(name), func.current_setting("block_size")))[0]
        found.append((part, -(-int(size) // int(block)), int(block)))
    return found


async def _by_block(
    guest: Guest, opened: Opened, look: Look, table: Table, count: int, block_size: int
) -> AsyncIterator[list[Saga]]:
    from sqlalchemy import literal_column, select

    reader = opened.reader
    if table is not opened.table:
        reader = SagaReader(
            opened.options, table, opened.child, reader.setting, Missing(), detail=False, place=reader.place
        )
    companions = replace(opened.scan, reader=reader)
    conditions = wanted(opened, reader, look)
    pace = Pace(max(_FEWEST_BLOCKS, BITE_BYTES // block_size), _FEWEST_BLOCKS)
    at = 0
    while at < count:
        until = min(count, at + pace.size)
        top = f" AND ctid < '({until},0)'::tid" if until < count else ""
        bite: ColumnElement[bool] = literal_column(f"ctid >= '({at},0)'::tid{top}")
        statement = (
            select(*reader.selection.items).select_from(reader.source.clause).where(*reader.where, bite, *conditions)
        )
        rows, seconds = await _timed(guest, look, statement, companions)
        yield rows.sagas
        at = until
        await pace.rest(seconds)


async def _by_key(guest: Guest, opened: Opened, look: Look) -> AsyncIterator[list[Saga]]:
    from sqlalchemy import and_, literal_column, not_, select

    reader = opened.reader
    source = reader.source
    keys, unique = row_keys(opened)
    if not unique and opened.table.query is None:
        raise FullScanRefused(
            f"{opened.table.place} has no primary key, so it can't be read in small bites",
            hint="add a primary key, or an index that begins with the state",
        )
    companions = opened.scan
    conditions = wanted(opened, reader, look)
    pace = Pace(_BITE_ROWS, _FEWEST_ROWS)
    road = Road(opened, [], keys, unique=True)
    left_out = False
    if opened.table.query is not None:
        keyed = [source.element(key.column).is_not(None) for key in keys if key.column is not None]
        road.conditions.extend(keyed)
        await guest.run(lambda session: _must_be_gentle(session, opened, road), look.deadline)
        statement = select(*reader.selection.items).select_from(source.clause).where(*reader.where, not_(and_(*keyed)))
        rows, seconds = await _timed(guest, look, statement.limit(literal_column(str(MOST_UNKEYED + 1))), companions)
        yield rows.sagas[:MOST_UNKEYED]
        left_out = rows.count > MOST_UNKEYED
        await pace.rest(seconds)
    while not road.done:
        end = await guest.run(_end_of_bite(road, pace.size), look.deadline)
        statement = (
            select(*reader.selection.items)
            .select_from(reader.source.clause)
            .where(*reader.where, *road.conditions, *road.between(end), *conditions)
        )
        rows, seconds = await _timed(guest, look, statement, companions)
        yield rows.sagas
        road.last, road.done = end, end is None
        await pace.rest(seconds)
    if left_out:
        raise FullScanRefused(
            f"{opened.table.place}: rows without a key can't be paged; only {MOST_UNKEYED:,} of them were read",
            source=opened.context.name,
            hint="let its key be columns that are never NULL",
        )


def _must_be_gentle(session: Session, opened: Opened, road: Road) -> None:
    """Raise FullScanRefused where every bite of a query would make the database work out all of it."""
    found = access(session.explain(road.step(_FEWEST_ROWS)), opened.table, (), opened.engine)
    if found.sorts or found.whole:
        key = ", ".join(opened.table.primary_key)
        raise FullScanRefused(
            f"{opened.table.place} can't be read gently: no index gives its rows in the order of its key ({key}), so "
            "each bite of it would read everything below it again",
            source=opened.context.name,
            hint="let its key be an indexed column of the biggest table that it reads, without GROUP BY, DISTINCT and "
            "UNION; or let the query itself keep only what can be live, by an indexed column",
        )


def _end_of_bite(road: Road, size: int) -> Callable[[Session], list[Any] | None]:
    def work(session: Session) -> list[Any] | None:
        rows = list(session.stream(road.step(size)))
        return list(rows[0]) if rows else None

    return work


async def _timed(guest: Guest, look: Look, statement: Select[Any], companions: Companions) -> tuple[Rows, float]:
    def work(session: Session) -> tuple[Rows, float]:
        began = time.monotonic()
        rows = collect(session, statement, companions)
        return rows, time.monotonic() - began

    return await guest.run(work, look.deadline)


def wanted(opened: Opened, reader: SagaReader, look: Look) -> list[ColumnElement[bool]]:
    """Return conditions that leave out what surely isn't wanted; what comes through is judged by its words."""
    from sqlalchemy import and_, or_

    if look.all_ended:
        return []
    states = reader.states
    since = since_condition(reader, look)
    recent = [since.either] if since is not None else []
    if isinstance(states, RuleStates):
        live = states.live()
        return [or_(live, and_(states.ended(), *recent)) if opened.wants_ended(look) else live]
    if not isinstance(states, ColumnStates) or not states.plain or states.column is None:
        return []
    element = reader.source.element(states.column)
    meant = [word for word in ended_spellings(states.meanings.ended_names()) if states.meanings.of(word).ended]
    known = [each for word in meant if (each := reader.source.given(states.column, word)) is not None]
    if not known or (opened.wants_ended(look) and not recent):
        return []
    exact = reader.source.by_bytes(states.column) if states.column.loose else element
    live = or_(element.is_(None), exact.not_in(known))
    return [or_(live, *recent) if opened.wants_ended(look) else live]
