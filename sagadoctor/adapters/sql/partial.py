"""Which state words a partial index holds, asked of the database itself: its condition, of rows that aren't there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from sagadoctor.api.v1.sql import POSTGRESQL, Column, Index, Kind, Session, bound

from .opened import Opened
from .states import ColumnStates
from .words import SAGA_SYNONYMS, ended_spellings

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

_NOBODYS: Final = ("no such word in any store", "AAAAAAAA", "zzzzzzzz", "~~~~~~~~", "\u03a9\u03a9\u03a9\u03a9", "")
"""Words that no mapping knows: an index that holds all of them leaves out only words that it names."""


class Holds(msgspec.Struct, frozen=True):
    """Whether an index holds every live and unknown word, and every ended one too; rows without a state apart."""

    live: bool
    ended: bool


def predicate(index: Index) -> ColumnElement[bool]:
    """Return a partial index's own condition, in the words in which its engine told it."""
    from sqlalchemy import text

    made: ColumnElement[bool] = text("(" + (index.predicate or "true").replace(":", "\\:") + ")")  # type: ignore[assignment]
    return made


def outside(index: Index) -> ColumnElement[bool]:
    """Return the condition of rows that a partial index leaves out."""
    from sqlalchemy import case, literal_column

    yes: ColumnElement[int] = literal_column("1")
    no: ColumnElement[int] = literal_column("0")
    return case((predicate(index), yes), else_=no) == no


def holds(session: Session, opened: Opened, states: ColumnStates, index: Index) -> Holds:
    """Return what an index holds as far as its condition is one on the state alone; else it may leave out anything."""
    column = states.column
    if column is None or column.kind is not Kind.TEXT or column.loose:
        return Holds(live=False, ended=False)
    live = [*_NOBODYS, *states.meanings.live_names(), *_spelt(states, ended=False)]
    ended = [*states.meanings.ended_names(), *_spelt(states, ended=True)]
    asked = list(dict.fromkeys([*live, *ended]))
    try:
        held = {_text(row[0]) for row in session.rows(_asked(opened, column, index, asked))}
    except Exception:
        if opened.engine == POSTGRESQL:
            raise
        return Holds(live=False, ended=False)  # a condition that SQLite told in no words
    return Holds(live=held.issuperset(live), ended=held.issuperset(ended))


def _spelt(states: ColumnStates, *, ended: bool) -> list[str]:
    """Return the usual words that the mapping reads as live, or as ended, as stores spell them."""
    words = {form for word in SAGA_SYNONYMS for form in (word, word.upper(), word.capitalize())}
    words |= set(ended_spellings(()))
    return [word for word in sorted(words) if states.meanings.of(word).ended is ended]


def _asked(opened: Opened, column: Column, index: Index, words: list[str]) -> Select[Any]:
    """Return which of the words the index would hold, in rows that tell nothing else."""
    from sqlalchemy import Text, cast, false, select, true, union_all

    clause = opened.reader.source.clause
    said = union_all(*(select(cast(bound(word), Text).label("word")) for word in words)).subquery("said")
    others = [clause.c[each.name] for each in opened.table.columns if each.name != column.name]
    none = select(*others).select_from(clause).where(false()).subquery("none")
    rows = (
        select(said.c.word.label(clause.c[column.name].name), *none.c)
        .select_from(said.outerjoin(none, true()))
        .subquery("rows")
    )
    return select(rows.c[column.name]).select_from(rows).where(predicate(index))


def _text(cell: Any) -> Any:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell
