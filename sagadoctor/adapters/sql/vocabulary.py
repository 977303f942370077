"""The state words that a table really holds, found without reading it all, and which of them are live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from sagadoctor.api.v1.sql import MARIADB, POSTGRESQL, SQLITE, Column, Index, Kind, Session, access, bound

from .opened import Opened
from .partial import holds, predicate
from .roads import hinted
from .states import ColumnStates

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

MOST_WORDS: Final = 1000


class Vocabulary(msgspec.Struct, frozen=True):
    """Raw cells of the state column: live (or unknown) words and ended ones; `missed` says which rows have others."""

    live: tuple[Any, ...]
    ended: tuple[Any, ...]
    missed: str = ""
    partial: Index | None = None
    """A partial index that these are the words of."""
    all_ended: bool = True
    """It leaves out no row that has ended."""


class KeptAsBlob(bytes):
    """A word that SQLite keeps as bytes, in whatever column: it equals no text."""


class KeptAsText(bytes):
    """A word that SQLite keeps as a text in a column of bytes: it equals no bytes."""


def parameter(opened: Opened, column: Column, raw: Any) -> ColumnElement[Any]:
    """Return a word as a parameter that equals its own cells."""
    if isinstance(raw, KeptAsBlob):
        return bound(bytes(raw))
    if isinstance(raw, KeptAsText):
        from sqlalchemy import Text, cast

        return cast(bound(bytes(raw)), Text)
    return opened.reader.source.parameter(column, raw)


def vocabulary(session: Session, opened: Opened, *, big: bool) -> Vocabulary | None:
    """Return the table's words; None where the mapping has none to look for or no index tells them."""
    states = opened.reader.states
    if not isinstance(states, ColumnStates) or not states.plain or states.column is None:
        return None
    column = states.column
    if column.kind is Kind.ENUM:  # MariaDB writes an empty word for one that it refused
        raws: list[Any] = [label.encode() for label in column.labels] + ([b""] if opened.engine == MARIADB else [])
    elif column.kind is Kind.BOOL and opened.engine == POSTGRESQL:
        raws = [True, False]
    elif opened.table.query is not None:
        told = _of_query(session, opened, column, big=big)
        if told is None:
            return None
        raws = told
    elif index_on(opened, column) is not None:
        raws = _words(session, opened, column, _loose(opened, column))
    elif not big:
        raws = _words(session, opened, column, _distinct(opened, column))
    else:
        serving = _serving(session, opened, column)
        if serving is None:
            return _by_partial(session, opened, states, column)
        raws = _words(session, opened, column, serving)
    return _sorted(states, raws)


def _of_query(session: Session, opened: Opened, column: Column, *, big: bool) -> list[Any] | None:
    """Return the words of a query; None where the database would read too much for them."""
    first = _next_word(opened, column, None)
    if access(session.explain(first), opened.table, (), opened.engine).sequential:
        return None if big else _words(session, opened, column, _distinct(opened, column))
    found: list[Any] = []
    while len(found) <= MOST_WORDS:
        some = _words(session, opened, column, _next_word(opened, column, found[-1] if found else None))
        if not some:
            break
        found += some
    return found


def _next_word(opened: Opened, column: Column, last: Any) -> Select[Any]:
    """Return the statement for the word that follows one; of a query, min() may read all of it."""
    from sqlalchemy import func, literal_column, select

    source = opened.reader.source
    element = source.element(column)
    beyond = element.is_not(None) if last is None else element > parameter(opened, column, last)
    selected = [source.cell(column).label("word")]
    if opened.engine == SQLITE:
        selected.append(func.typeof(element).label("kept"))
    chosen: Select[Any] = select(*selected).select_from(source.clause).where(beyond, *opened.reader.where)
    return chosen.order_by(element).limit(literal_column("1"))


def _by_partial(session: Session, opened: Opened, states: ColumnStates, column: Column) -> Vocabulary | None:
    """Return the words of the partial index that leaves out least; None where there is none."""
    found: tuple[Index, bool, bool] | None = None
    for index in opened.table.indexes:
        if index.predicate is not None:
            held = holds(session, opened, states, index)
            if found is None or (held.live and not found[1]):
                found = (index, held.live, held.ended)
    if found is None:
        return None
    index, all_live, all_ended = found
    raws = _words(session, opened, column, _distinct(opened, column, index))
    told = _sorted(states, raws, "" if all_live else f"rows that the partial index {index.name} leaves out")
    return replace(told, partial=index, all_ended=all_ended)


def _sorted(states: ColumnStates, raws: list[Any], missed: str = "") -> Vocabulary:
    """Return the words, the live ones apart from the ended ones; no more than can be looked at."""
    if len(raws) > MOST_WORDS:
        raws = raws[:MOST_WORDS]
        missed = f"rows whose state is none of the first {MOST_WORDS:,} different words"
    live: list[Any] = []
    ended: list[Any] = []
    loose = states.column is not None and states.column.loose
    lively: set[Any] = set()
    if loose:  # one word of the engine's is several of ours; where any of them is live, its rows are read
        lively = {_folded(raw) for raw in raws if not states.classify(raw).ended}
        lively |= {_folded(key.encode()) for key in states.meanings.live_names()}
    for raw in raws:
        is_ended = states.classify(raw).ended and not (loose and _folded(raw) in lively)
        (ended if is_ended else live).append(raw)
    return Vocabulary(tuple(live), tuple(ended), missed)


def _words(session: Session, opened: Opened, column: Column, statement: Select[Any]) -> list[Any]:
    """Return the words of a statement, each in the form in which it is kept."""
    rows = (row for row in session.stream(statement) if row[0] is not None)
    if opened.engine != SQLITE:
        return [row[0] for row in rows]
    return [_kept(raw, kept, column) for raw, kept in rows]


def _kept(raw: Any, kept: bytes, column: Column) -> Any:
    if isinstance(raw, bytes) and kept == b"blob" and column.kind is not Kind.BYTES:
        return KeptAsBlob(raw)
    return KeptAsText(raw) if isinstance(raw, bytes) and kept == b"text" and column.kind is Kind.BYTES else raw


def _folded(raw: Any) -> Any:
    return raw.decode("utf-8", "replace").casefold().strip() if isinstance(raw, bytes) else raw


def index_on(opened: Opened, column: Column) -> Index | None:
    """Return a whole index that begins with this column."""
    for index in opened.table.indexes:
        if index.predicate is None and index.columns and index.columns[0] == column.name:
            return index
    return None


def _serving(session: Session, opened: Opened, column: Column) -> Select[Any] | None:
    """Return a loose scan by a partial index that holds all of the mapping's rows with a state, by the engine's word.

    Such as one `where state is not null`, or with the condition that the mapping's `where` has too.
    """
    for index in opened.table.indexes:
        if index.predicate is None or index.columns[:1] != (column.name,):
            continue
        statement = _loose(opened, column, index)
        try:
            plan = session.explain(statement)
        except Exception:
            if opened.engine != SQLITE:
                raise
            continue
        if opened.engine == SQLITE or not access(plan, opened.table, {column.name}, opened.engine).sequential:
            return statement
    return None


def by_bytes(opened: Opened, column: Column) -> ColumnElement[Any]:
    """Return a column to be grouped by its bytes, also where the engine compares its texts loosely."""
    source = opened.reader.source
    return source.by_bytes(column) if column.loose else source.element(column)


def _element(opened: Opened, column: Column) -> ColumnElement[Any]:
    """Return the state column as it is selected; where an engine compares loosely, by its bytes."""
    if column.loose:
        return by_bytes(opened, column)
    return opened.reader.source.cell(column)  # whole: a word that was cut finds no row


def _distinct(opened: Opened, column: Column, partial: Index | None = None) -> Select[Any]:
    from sqlalchemy import func, literal_column, select

    reader = opened.reader
    conditions = list(reader.where)
    if partial is not None:
        conditions.append(predicate(partial))
    selected = [_element(opened, column).label("word")]
    if opened.engine == SQLITE:
        selected.append(func.typeof(reader.source.element(column)).label("kept"))
    return (
        select(*selected)
        .select_from(reader.source.clause)
        .where(*conditions)
        .distinct()
        .limit(literal_column(str(MOST_WORDS + 2)))
    )


def _loose(opened: Opened, column: Column, partial: Index | None = None) -> Select[Any]:
    """Return a loose index scan: from each word straight to the next one, by the index."""
    from sqlalchemy import func, literal_column, select

    reader = opened.reader
    source = reader.source
    clause, element = source.clause, source.element(column)
    least = select(func.min(element).label("word")).select_from(clause)
    if partial is not None:
        least = hinted(least, clause, partial.name, opened.engine).where(element.is_not(None), *reader.where)
    words = least.cte("words", recursive=True)
    following = select(func.min(element)).select_from(clause).where(element > words.c.word)
    if partial is not None:
        following = hinted(following, clause, partial.name, opened.engine).where(*reader.where)
    words = words.union_all(select(following.scalar_subquery()).where(words.c.word.is_not(None)))
    selected = [words.c.word]
    if opened.engine == SQLITE:
        selected.append(func.typeof(words.c.word).label("kept"))
    return select(*selected).where(words.c.word.is_not(None)).limit(literal_column(str(MOST_WORDS + 1)))
