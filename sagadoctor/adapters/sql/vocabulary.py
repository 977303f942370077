"""The state words that a table really holds, found without reading it all, and which of them are live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1.sql import MARIADB, POSTGRESQL, SQLITE, Column, Index, Kind, Session

from .cells import NAME_BOUND
from .opened import Opened
from .states import ColumnStates

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

MOST_WORDS: Final = 1000
_TRUTHS: Final[dict[str, list[Any]]] = {POSTGRESQL: [True, False], MARIADB: [b"\x01", b"\x00"], SQLITE: [1, 0]}
"""Raw cells of a boolean column."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Raw cells of the state column: live (or unknown) words and ended ones; `complete` when these are all."""

    live: tuple[Any, ...]
    ended: tuple[Any, ...]
    complete: bool = True
    note: str = ""


def vocabulary(session: Session, opened: Opened, *, big: bool) -> Vocabulary | None:
    """Return the table's words; None where the mapping has none to look for or no index tells them."""
    states = opened.reader.states
    if not isinstance(states, ColumnStates) or not states.plain or states.column is None:
        return None
    column = states.column
    note = ""
    if column.kind is Kind.ENUM:
        raws: list[Any] = [label.encode() for label in column.labels]
    elif column.kind is Kind.BOOL:
        raws = _TRUTHS[opened.engine]
    elif index_on(opened, column) is not None:
        raws = [row[0] for row in session.stream(_loose(opened, column))]
    elif not big:
        raws = [row[0] for row in session.stream(_distinct(opened, column))]
    else:
        partial = _partial(opened)
        if partial is None:
            return None
        raws = [row[0] for row in session.stream(_distinct(opened, column, partial))]
        note = f"state words outside the partial index {partial.name} are not looked for"
    return _sorted(states, [raw for raw in raws if raw is not None], complete=len(raws) < MOST_WORDS, note=note)


def _sorted(states: ColumnStates, raws: list[Any], *, complete: bool, note: str) -> Vocabulary:
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
    return Vocabulary(tuple(live), tuple(ended), complete, note)


def _folded(raw: Any) -> Any:
    return raw.decode("utf-8", "replace").casefold().strip() if isinstance(raw, bytes) else raw


def index_on(opened: Opened, column: Column) -> Index | None:
    """Return a whole index that begins with this column."""
    for index in opened.table.indexes:
        if index.predicate is None and index.columns and index.columns[0] == column.name:
            return index
    return None


def _partial(opened: Opened) -> Index | None:
    return next((index for index in opened.table.indexes if index.predicate is not None), None)


def predicate(index: Index) -> ColumnElement[bool]:
    """Return a partial index's own condition, in the words in which its engine told it."""
    from sqlalchemy import text

    made: ColumnElement[bool] = text("(" + (index.predicate or "true").replace(":", "\\:") + ")")  # type: ignore[assignment]
    return made


def by_bytes(opened: Opened, column: Column) -> ColumnElement[Any]:
    """Return a column to be grouped by its bytes, also where the engine compares its texts loosely."""
    from sqlalchemy import collate, func, literal_column

    plain = opened.reader.source.element(column)
    if not column.loose:
        return plain
    if opened.engine == MARIADB:
        return collate(func.convert(plain.op("USING")(literal_column("utf8mb4"))), "utf8mb4_bin")
    return collate(plain, "C" if opened.engine == POSTGRESQL else "BINARY")


def _element(opened: Opened, column: Column) -> ColumnElement[Any]:
    """Return the state column as it is selected; where an engine compares loosely, by its bytes."""
    if column.loose:
        return by_bytes(opened, column)
    return opened.reader.source.text(column, NAME_BOUND)


def _distinct(opened: Opened, column: Column, partial: Index | None = None) -> Select[Any]:
    from sqlalchemy import literal_column, select

    reader = opened.reader
    conditions = list(reader.where)
    if partial is not None:
        conditions.append(predicate(partial))
    return (
        select(_element(opened, column))
        .select_from(reader.source.clause)
        .where(*conditions)
        .distinct()
        .limit(literal_column(str(MOST_WORDS)))
    )


def _loose(opened: Opened, column: Column) -> Select[Any]:
    """Return a loose index scan: from each word straight to the next one, by the index."""
    from sqlalchemy import func, literal_column, select

    source = opened.reader.source
    clause, element = source.clause, source.element(column)
    first = select(func.min(element).label("word")).select_from(clause)
    words = first.cte("words", recursive=True)
    following = select(func.min(element)).select_from(clause).where(element > words.c.word).scalar_subquery()
    words = words.union_all(select(following).where(words.c.word.is_not(None)))
    return select(words.c.word).where(words.c.word.is_not(None)).limit(literal_column(str(MOST_WORDS)))
