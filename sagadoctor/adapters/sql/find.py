"""Single sagas: by id in any usual spelling, by business key."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from sagadoctor.api.v1 import NOT_LOOKED_AT, Deadline, Doubt, FullScanRefused, Saga
from sagadoctor.api.v1.sql import SQLITE, Column, Guest, Kind, Session, access, bound

from .advice import create_index
from .beside import one_of
from .opened import Opened
from .page import Rows, collect
from .reader import SagaReader
from .repeats import repeated
from .searching import business_key_element
from .source import is_storable

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from .asking import Lookup

CHUNK: Final = 500
MOST_FOUND: Final = 100
_WHOLE: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})\Z")


def by_id(reader: SagaReader) -> list[Lookup]:
    """Return what is asked of the saga table by ids: what a person names, and sagas that others are tied to."""
    from .asking import PROBES, Lookup, Part

    def statement() -> Select[Any] | None:
        texts = ["/".join([each] * len(columns)) for each in PROBES]
        asked = among(reader, [value for text in texts for value in reader.identity.whole.lookups(text)])
        return None if asked is None else _among(reader, asked)

    columns = tuple(column.name for column in reader.identity.columns)
    return [Lookup(Part.SAGAS, "sagas by their ids were", reader.source.table, columns, statement)] if columns else []


async def fetch_rows(
    guest: Guest, opened: Opened, ids: Sequence[str], deadline: Deadline, *, detail: bool
) -> tuple[Saga, ...]:
    """Return every row with one of these ids; ids compare as bytes, whatever the column's collation says.

    Raises FullScanRefused where all of a big table would be read for them, or for their steps.
    """
    for part in ("sagas", "steps"):
        if (refused := opened.refusal(part)) is not None:
            raise refused
    found: list[Saga] = []
    unique = _meant_once(opened.reader, ids)
    left = [unique[start : start + CHUNK] for start in range(0, len(unique), CHUNK)][::-1]
    while left:
        some = left.pop()
        sagas, cut = await _fetch(guest, opened, some, deadline, detail=detail)
        if cut and len(some) > 1:  # their documents are too big to be read together
            left += [some[len(some) // 2 :], some[: len(some) // 2]]
        else:
            found += sagas
    if detail and (unseen := [each for each in opened.scan.refused if each.is_guarding]):
        told = [(each.part.value, f"{each.reason.partition(': ')[2]}: {each.todo}") for each in unseen]
        doubts = tuple(Doubt(part, NOT_LOOKED_AT, reason) for part, reason in told)
        found = [replace(saga, doubts=(*saga.doubts, *doubts)) if saga.is_live else saga for saga in found]
    return tuple(marked(found))


def _meant_once(reader: SagaReader, ids: Sequence[str]) -> list[str]:
    """Return the ids without those that mean a row which another one means already."""
    seen: set[str] = set()
    kept: list[str] = []
    for text in ids:
        meant = reader.identity.whole.means(text)
        if not meant <= seen:
            kept.append(text)
            seen |= meant
    return kept


def marked(sagas: list[Saga]) -> list[Saga]:
    """Return the rows with a doubt on each one whose id another one has too."""
    often = {saga_id for saga_id, count in Counter(saga.saga_id for saga in sagas).items() if count > 1}
    return [repeated(saga) if saga.saga_id in often else saga for saga in sagas]


async def _fetch(
    guest: Guest, opened: Opened, ids: Sequence[str], deadline: Deadline, *, detail: bool
) -> tuple[list[Saga], bool]:
    """Return the rows with one of these ids, and whether there were more than can be held at once."""
    companions = opened.detail if detail else opened.scan
    reader = companions.reader
    meant = {canonical for text in ids for canonical in reader.identity.whole.means(text)}
    asked = among(reader, [value for text in ids for value in reader.identity.whole.lookups(text)])
    if asked is None:
        return [], False
    statement = _among(reader, asked)

    def work(session: Session) -> Rows:
        return collect(session, statement, companions)

    rows = await guest.run(work, deadline)
    return [saga for saga in rows.sagas if saga.saga_id in meant], rows.cut


def _among(reader: SagaReader, asked: ColumnElement[bool]) -> Select[Any]:
    from sqlalchemy import select

    return select(*reader.selection.items).select_from(reader.source.clause).where(*reader.where, asked)


def among(reader: SagaReader, values: Sequence[tuple[Any, ...]]) -> ColumnElement[bool] | None:
    """Return the condition that the id is one of these; None where none of them can be an id here."""
    from sqlalchemy import and_, or_

    source, columns = reader.source, reader.identity.columns
    if len(columns) == 1:
        given = [each for (value,) in values if (each := source.given(columns[0], value)) is not None]
        return one_of(source.element(columns[0]), given) if given else None
    ways: list[ColumnElement[bool]] = []
    for combination in values:
        parts = [source.given(column, value) for column, value in zip(columns, combination, strict=True)]
        if all(part is not None for part in parts):
            pairs = zip(columns, parts, strict=True)
            ways.append(and_(*(source.element(column) == part for column, part in pairs)))
    return or_(*ways) if ways else None


async def find_rows(guest: Guest, opened: Opened, business_key: str, deadline: Deadline) -> tuple[Saga, ...]:
    """Return the rows with this business key; raises FullScanRefused where no index finds them in a big table."""
    from sqlalchemy import literal_column, select

    found = business_key_element(opened.reader)
    if found is None:
        return ()
    element, leading = found
    reader = opened.reader
    words = reader.words.business_key
    column = None if words is None or words.path is not None else reader.source.column(words.column or "")
    if not is_storable(business_key, reader.setting.engine):
        return ()
    given = _spelt(reader, column, business_key)
    if not given:
        return ()
    statement: Select[Any] = (
        select(*reader.selection.items)
        .select_from(reader.source.clause)
        .where(*reader.where, element.in_(given))
        .limit(literal_column(str(MOST_FOUND)))
    )

    def work(session: Session) -> Rows:
        if opened.table.rows > opened.context.big_table:
            plan = session.explain(statement)
            if access(plan, opened.table, {leading}, opened.engine).sequential:
                raise no_index(opened, leading, is_column=column is not None)
        return collect(session, statement, opened.scan)

    rows = await guest.run(work, deadline)
    return tuple(saga for saga in rows.sagas if saga.business_key == business_key)


def _spelt(reader: SagaReader, column: Column | None, business_key: str) -> list[ColumnElement[Any]]:
    """Return everything that the database may hold for a key as it is printed."""
    words = reader.words.business_key
    if column is None or words is None:
        return [bound(business_key)]
    read = reader.named("business_key", words, column)
    values: list[Any] = [business_key] if read is None else read.lookups(business_key)
    if read is None and reader.setting.engine == SQLITE and column.kind is Kind.OTHER and _WHOLE.match(business_key):
        values.append(int(business_key))  # a column of no type compares numbers with no text
    return [given for value in values if (given := reader.source.given(column, value)) is not None]


def no_index(opened: Opened, leading: str, *, is_column: bool) -> FullScanRefused:
    """Return the refusal to look for a business key in all of a big table."""
    table = opened.table
    text = f"no index finds a business key in {table.place} (about {table.rows:,} rows)"
    advice = create_index(table, [leading], opened.engine) if is_column else "create an index on the path's expression"
    return FullScanRefused(text, source=opened.context.name, hint=advice)
