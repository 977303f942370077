"""Ids that more than one row has, where no index forbids it."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from sagadoctor.api.v1 import Doubt, Saga
from sagadoctor.api.v1.sql import Session

from .opened import Opened
from .vocabulary import by_bytes

MOST_REPEATED: Final = 50_000


class Repeats(msgspec.Struct, frozen=True):
    """The repeated ids in their canonical form; `note` tells what was not looked for, `cut` that there are more."""

    ids: frozenset[str] = frozenset()
    note: str = ""
    cut: bool = False


def repeats(session: Session, opened: Opened, *, big: bool) -> Repeats:
    """Return the repeated ids; texts compare as bytes, and those that most rows have come first."""
    from sqlalchemy import func, literal_column, select

    table, identity = opened.table, opened.reader.identity
    if table.is_unique([column.name for column in identity.columns]):
        return Repeats()
    if big:
        return Repeats(note=f"{table.place}: rows with one id were not looked for: no unique index is on the id")
    elements = [by_bytes(opened, column) for column in identity.columns]
    many = func.count()
    statement = (
        select(*(element.label(f"e{at}") for at, element in enumerate(elements)))
        .select_from(opened.reader.source.clause)
        .where(*opened.reader.where)
        .group_by(*elements)
        .having(many > literal_column("1"))
        .order_by(many.desc())
        .limit(literal_column(str(MOST_REPEATED + 1)))
    )
    doubts: list[Doubt] = []
    found = [identity.read(row, doubts) for row in session.stream(statement) if None not in row]
    if len(found) <= MOST_REPEATED:
        return Repeats(frozenset(found))
    note = f"{table.place}: more than {MOST_REPEATED:,} ids have several rows; the others are not marked"
    return Repeats(frozenset(found[:MOST_REPEATED]), note, cut=True)


def repeated(saga: Saga) -> Saga:
    """Return the row with the doubt that its id isn't its own."""
    return replace(saga, doubts=(*saga.doubts, Doubt("id", saga.saga_id, "duplicate id: another row has the same")))
