"""The scan: live rows by the roads that were planned, then ended ones; too many live rows: the oldest first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

from sagadoctor.api.v1 import Look, Page, Saga
from sagadoctor.api.v1.sql import Guest, Session

from .opened import Opened
from .page import Rows, collect
from .planning import Journey, Planner
from .repeats import repeated
from .roads import MOST_UNKEYED, PAGE_ROWS, Road


async def scan_pages(guest: Guest, opened: Opened, look: Look) -> AsyncIterator[Page]:
    """Yield all live rows, then the ended ones that `look` asks for; raises FullScanRefused."""
    journey = await guest.run(lambda session: Planner(session, opened, look).plan(), look.deadline)
    if journey.full_scan:
        from .fullscan import full_scan

        async for page in full_scan(guest, opened, look, journey):
            yield page
        return
    said = Page((), journey.repeated.cut, tuple(journey.notes))
    async for page in _live(guest, opened, look, journey):
        yield Page(page.sagas, page.truncated or said.truncated, page.notes + said.notes)
        said = Page(())
    if said.notes:
        yield said
    for road in journey.ended:
        while not road.done:
            rows = await walk(guest, opened, road, look)
            sagas = _marked(rows.sagas, journey)
            kept = [saga for saga in sagas if opened.is_live(saga) or opened.is_wanted(saga, look)]
            if kept:
                yield Page(kept)
    said = _about_keys(opened, journey)
    if said.notes:
        yield said
    if journey.refused is not None:
        raise journey.refused


def _about_keys(opened: Opened, journey: Journey) -> Page:
    """Say what was odd about the keys that rows were paged by, and whether that kept any of them from being read."""
    table, roads = opened.table, [*journey.live, *journey.ended]
    notes: list[str] = []
    if table.query is not None and any(road.repeats for road in roads):
        key = ", ".join(table.primary_key)
        notes.append(
            f"{table.place}: its key ({key}) does not tell its rows apart; all rows of one key were read together"
        )
    unkeyed = max((road.unkeyed for road in roads), default=0)
    cut = unkeyed >= MOST_UNKEYED
    what = "a key" if table.query is not None else "an id"
    if cut:
        notes.append(f"{table.place}: rows without {what} can't be paged; only {MOST_UNKEYED:,} of them were read")
    elif unkeyed and table.query is not None:
        notes.append(f"{table.place}: {unkeyed:,} rows have NULL in its key ({', '.join(table.primary_key)})")
    return Page((), truncated=cut, notes=tuple(notes))


async def _live(guest: Guest, opened: Opened, look: Look, journey: Journey) -> AsyncIterator[Page]:
    """Yield live rows up to the cap; among several roads always go on with the one that is furthest back in time."""
    left = look.live_cap
    roads = list(journey.live)
    while roads:
        road = min(roads, key=lambda each: each.reached)
        rows = await walk(guest, opened, road, look, most=left + 1)
        rows.sagas = _marked(rows.sagas, journey)
        if road.done:
            roads.remove(road)
        live = [saga for saga in rows.sagas if opened.is_live(saga)]
        kept: Sequence[Saga] = live[:left]
        left -= len(kept)
        truncated = len(live) > len(kept)
        if len(live) < len(rows.sagas):  # the database took for live what has ended by its words
            ended = (saga for saga in rows.sagas if not opened.is_live(saga))
            kept = [*kept, *(saga for saga in ended if not road.mixed or opened.is_wanted(saga, look))]
        for start in range(0, len(kept), PAGE_ROWS):
            last = start + PAGE_ROWS >= len(kept)
            yield Page(kept[start : start + PAGE_ROWS], truncated and last)
        if truncated:
            if not kept:
                yield Page((), truncated=True)
            return


def _marked(sagas: list[Saga], journey: Journey) -> list[Saga]:
    repeats = journey.repeated.ids
    if not repeats:
        return sagas
    return [repeated(saga) if saga.saga_id in repeats else saga for saga in sagas]


async def walk(guest: Guest, opened: Opened, road: Road, look: Look, most: int | None = None) -> Rows:
    """Read a road's next page and note how far it came."""
    limit = road.rows if most is None else max(road.least, min(road.rows, most))
    statement = road.statement(limit)
    companions = opened.scan

    key = None if road.unique else road.key_of

    def work(session: Session) -> Rows:
        return collect(session, statement, companions, key, in_order=road.in_order)

    rows = await guest.run(work, look.deadline)
    if rows.keys and not road.repeats:
        road.repeats = any(one == other for one, other in pairwise(rows.keys))
    if not road.keys:
        road.done, road.unkeyed = True, rows.count
    elif not road.unique and rows.last is not None and rows.count >= limit and not rows.cut:
        _trim(road, rows, limit)
    else:
        road.walked(rows.last, rows.count, limit, rows.sagas, cut=rows.cut)
    if look.saga_types is not None:
        rows.sagas = [saga for saga in rows.sagas if saga.saga_type in look.saga_types]
    return rows


def _trim(road: Road, rows: Rows, limit: int) -> None:
    """Leave the last key's rows to the next page: where keys repeat, some of them may lie beyond this one."""
    assert rows.last is not None
    last = road.key_of(rows.last)
    same = next((at for at, key in enumerate(reversed(rows.keys)) if key != last), None)
    if same is None:  # one key fills the page: take a bigger one
        road.least = 4 * limit
        road.rows = max(road.rows, road.least)
        rows.sagas = []
        return
    road.least = 1
    keep = len(rows.sagas) - same
    rows.sagas = rows.sagas[:keep]
    road.last = rows.keys[keep - 1]
