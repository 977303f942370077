"""Single sagas: by id in any usual spelling, by business key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1 import Deadline, Saga
from sagadoctor.api.v1.sql import Guest

from .opened import Opened
from .page import collect

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

CHUNK: Final = 500
MOST_FOUND: Final = 100


async def fetch_rows(
    guest: Guest, opened: Opened, ids: Sequence[str], deadline: Deadline, *, detail: bool
) -> tuple[Saga, ...]:
    """Return every row with one of these ids; ids compare as bytes, whatever the column's collation says."""
    found: list[Saga] = []
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), CHUNK):
        found.extend(await _fetch(guest, opened, unique[start : start + CHUNK], deadline, detail=detail))
    return tuple(found)


async def _fetch(guest: Guest, opened: Opened, ids: Sequence[str], deadline: Deadline, *, detail: bool) -> list[Saga]:
    from sqlalchemy import and_, or_, select

    reader = opened.detail if detail else opened.reader
    meant = {canonical for text in ids for canonical in reader.ident.means(text)}
    values = [value for text in ids for value in reader.ident.lookups(text)]
    columns = reader.id_columns
    if not values:
        return []
    among: ColumnElement[bool]
    if len(columns) == 1:
        given = [each for (value,) in values if (each := reader.source.given(columns[0], value)) is not None]
        if not given:
            return []
        among = reader.source.element(columns[0]).in_(given)
    else:
        ways: list[ColumnElement[bool]] = []
        for combination in values:
            parts = [reader.source.given(column, value) for column, value in zip(columns, combination, strict=True)]
            if None not in parts:
                pairs = zip(columns, parts, strict=True)
                ways.append(and_(*(reader.source.element(column) == part for column, part in pairs)))
        if not ways:
            return []
        among = or_(*ways)
    statement: Any = select(*reader.selection.items).select_from(reader.source.clause).where(*reader.where, among)
    rows = await guest.run(lambda session: collect(session, statement, opened.companions(detail=detail)), deadline)
    return [saga for saga in rows.sagas if saga.saga_id in meant]


async def find_rows(guest: Guest, opened: Opened, business_key: str, deadline: Deadline) -> tuple[Saga, ...]:
    """Return the rows with this business key."""
    from sqlalchemy import literal_column, select

    from .documents import extracted
    from .paths import parse_path

    reader = opened.reader
    words = reader.words.business_key
    if words is None or "business_key" in reader.not_extracted:
        return ()
    payload = reader.words.payload
    if words.path is not None and payload is not None and words.column in (None, payload.column):
        column = reader.source.column(payload.column or "")
        assert column is not None
        expression = extracted(
            column,
            reader.source.element(column),
            parse_path(words.path),
            payload.format,
            opened.engine,
            reader.setting.version,
        )
        from sagadoctor.api.v1.sql import bound

        condition = expression == bound(business_key) if expression is not None else None
    else:
        column = reader.source.column(words.column or "")
        given = reader.source.given(column, business_key) if column is not None else None
        condition = reader.source.element(column) == given if column is not None and given is not None else None
    if condition is None:
        return ()
    statement: Any = (
        select(*reader.selection.items)
        .select_from(reader.source.clause)
        .where(*reader.where, condition)
        .limit(literal_column(str(MOST_FOUND)))
    )
    rows = await guest.run(lambda session: collect(session, statement, opened.companions()), deadline)
    return tuple(saga for saga in rows.sagas if saga.business_key == business_key)
