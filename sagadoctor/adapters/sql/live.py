"""The scan's way through the live rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from sagadoctor.api.v1 import Look, Page
from sagadoctor.api.v1.sql import SQLITE, Guest, beyond, bound

from .opened import Opened
from .page import collect

if TYPE_CHECKING:
    from sqlalchemy import Select

PAGE_ROWS = 4000


def statement(opened: Opened, conditions: list[Any]) -> Select[Any]:
    """Return the scan's statement with these conditions."""
    from sqlalchemy import select

    reader = opened.reader
    return select(*reader.selection.items).select_from(reader.source.clause).where(*reader.where, *conditions)


async def live_pages(guest: Guest, opened: Opened, look: Look) -> AsyncIterator[Page]:
    """Yield live rows."""
    from sqlalchemy import literal_column

    reader = opened.reader
    table = opened.table
    if opened.engine == SQLITE and table.row_id is not None:
        elements: list[Any] = [reader.source.clause.c[table.row_id]]
        places = [reader.selection.add("row id", elements[0])]
    else:
        elements = [reader.source.element(column) for column in reader.id_columns]
        places = []
    last: list[Any] | None = None
    while True:
        conditions = [beyond(elements, last, opened.engine)] if last is not None else []
        page = statement(opened, conditions).order_by(*elements).limit(literal_column(str(PAGE_ROWS)))
        rows = await guest.run(lambda session, page=page: collect(session, page, opened.companions()), look.deadline)
        sagas = [saga for saga in rows.sagas if saga.is_live or look.all_ended or look.ended_since is not None]
        if sagas:
            yield Page(sagas)
        if rows.last is None or (rows.count < PAGE_ROWS and not rows.cut):
            return
        raw = reader.raw_id(rows.last)
        last = [bound(rows.last[places[0]])] if places else reader.id_parameters(raw)
