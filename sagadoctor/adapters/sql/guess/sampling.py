"""A bounded look at a table's rows: some at both ends of its key, texts cut, and never all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1 import BackendError
from sagadoctor.api.v1.proposing import Listed
from sagadoctor.api.v1.sql import MARIADB, POSTGRESQL, Column, Kind, Session, Table

from .names import (
    ID_NAMES,
    ORDER_NAMES,
    SAGA_ROLES,
    STATE_NAMES,
    STEP_ROLES,
    STEP_TIMES,
    STEPS_NAMES,
    TIMES,
    is_mappable,
    ranked,
)
from .seen import MOST_WORDS, Seen, SeenColumn

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

ROWS: Final = 400
"""Rows from each end of the key."""
DOCUMENTS: Final = 30
"""Rows from each end whose long texts are read too."""
CELL: Final = 120
"""Characters of an ordinary cell."""
DOCUMENT: Final = 16_000
"""Characters of a long text; what is longer is left out, for half a JSON document tells nothing."""
MOST_COLUMNS: Final = 80
_MOST_DOCUMENTS: Final = 8
_DOCUMENTS: Final = (Kind.JSON, Kind.JSONB, Kind.ARRAY)
_KNOWN: Final = (STATE_NAMES, ID_NAMES, ORDER_NAMES, STEPS_NAMES, *(
    names for roles in (TIMES, SAGA_ROLES, STEP_ROLES, STEP_TIMES) for names in roles.values()
))  # fmt: skip


def sample(session: Session, listed: Listed, rows: int = ROWS) -> Seen:
    """Return a table with some of its rows; raises BackendError."""
    table = listed.table
    columns = _chosen(table)
    narrow = [column for column in columns if column.kind not in _DOCUMENTS]
    cells, whole = _cells(session, table, narrow, rows)
    told = {column.name: tuple(row[place] for row in cells) for place, column in enumerate(narrow)}
    long = [column for column in columns if column.kind in _DOCUMENTS or _begins_as_json(column, told[column.name])]
    documents, all_documents = _cells(session, table, long[:_MOST_DOCUMENTS], DOCUMENTS, documents=True)
    texts = {column.name: tuple(row[place] for row in documents) for place, column in enumerate(long[:_MOST_DOCUMENTS])}
    seen = []
    for column in columns:
        whole_texts = tuple(_decoded(column, text) for text in texts.get(column.name, ()) if text is not None)
        short = told.get(
            column.name, tuple(None if text is None else text[:CELL] for text in texts.get(column.name, ()))
        )
        every = bool(column.labels) or (whole and column.name in told)
        seen.append(SeenColumn(column, short, column.labels, tuple(filter(None, whole_texts)), all_words=every))
    return Seen(listed, tuple(seen), max(len(cells), len(documents)), whole if narrow else all_documents)


def _begins_as_json(column: Column, cells: Sequence[str | None]) -> bool:
    given = [cell for cell in cells if cell]
    begins = ("7b", "5b") if column.kind is Kind.BYTES else ("{", "[", '"{', '"[')
    return bool(given) and sum(cell.lstrip().startswith(begins) for cell in given) * 2 > len(given)


def _decoded(column: Column, text: str) -> str | None:
    """Return a document as text; of bytes that are none, nothing."""
    if column.kind is not Kind.BYTES:
        return text
    try:
        return bytes.fromhex(text).decode()
    except ValueError:
        return None


def unread(listed: Listed, trouble: str = "") -> Seen:
    """Return a table of which only the catalogue was read."""
    return Seen(listed, tuple(SeenColumn(column) for column in _chosen(listed.table)), trouble=trouble)


def _chosen(table: Table) -> list[Column]:
    """Return the columns that a mapping may name; of very many, those with a usual name and the first ones."""
    may = [column for column in table.columns if is_mappable(column.name)]
    if len(may) <= MOST_COLUMNS:
        return may
    keys = {name for index in table.indexes for name in index.columns}
    usual = [
        column
        for column in may
        if column.name in keys or any(ranked(column.name, names) is not None for names in _KNOWN)
    ]
    return list({column.name: column for column in (*usual, *may)}.values())[:MOST_COLUMNS]


def _cells(
    session: Session, table: Table, columns: Sequence[Column], rows: int, *, documents: bool = False
) -> tuple[list[Sequence[str | None]], bool]:
    """Return rows from both ends of the key, each once, and whether they are all there are."""
    if not columns:
        return [], False
    first = _asked(session, table, columns, rows, documents=documents, newest=False)
    if len(first) < rows:
        return [row[1:] for row in first], True
    last = _asked(session, table, columns, rows, documents=documents, newest=True) if _key(table) else []
    kept: dict[Any, Sequence[str | None]] = {}
    for number, row in enumerate((*first, *last)):
        kept.setdefault(row[0] if row[0] is not None else number, row[1:])
    return list(kept.values()), False


def _key(table: Table) -> tuple[str, ...]:
    """Return what rows can be read in the order of, without sorting them."""
    if table.primary_key:
        return table.primary_key
    if table.row_id is not None:
        return (table.row_id,)
    for index in table.indexes:
        if index.unique and index.predicate is None and None not in index.columns:
            return tuple(name for name in index.columns if name is not None)
    return ()


def _asked(
    session: Session, table: Table, columns: Sequence[Column], rows: int, *, documents: bool, newest: bool
) -> list[Sequence[Any]]:
    from sqlalchemy import literal_column, null, select

    clause = table.clause()
    key = [clause.c[name] for name in _key(table) if name in clause.c]
    by = [each.desc() if newest else each.asc() for each in key]
    known = [_text(session, _column(table, name), clause.c[name], CELL) for name in _key(table) if name in clause.c]
    mark: ColumnElement[Any] = known[0] if known else null()
    for part in known[1:]:
        mark = mark.concat("\x1f").concat(part) if session.engine != MARIADB else _joined(mark, part)
    cells = [
        _document(session, column, clause.c[column.name])
        if documents
        else _text(session, column, clause.c[column.name], CELL)
        for column in columns
    ]
    statement: Select[Any] = select(mark, *cells).select_from(clause).order_by(*by).limit(literal_column(str(rows)))
    return [tuple(_plain(cell) for cell in row) for row in session.rows(statement)]


def _joined(left: ColumnElement[Any], right: ColumnElement[Any]) -> ColumnElement[Any]:
    from sqlalchemy import func

    joined: ColumnElement[Any] = func.concat(left, "\x1f", right)
    return joined


def _plain(cell: Any) -> str | None:
    if cell is None:
        return None
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes | bytearray) else str(cell)


def _column(table: Table, name: str) -> Column:
    return next((each for each in table.columns if each.name == name), Column(name, Kind.INT, "row id"))


def _text(session: Session, column: Column, element: ColumnElement[Any], longest: int) -> ColumnElement[Any]:
    """Return a cell as a text, cut; of bytes, their digits."""
    from sqlalchemy import Text, cast, func, literal_column

    if column.kind is Kind.BYTES:
        return _digits(session, func.substr(element, literal_column("1"), literal_column("32")))
    if column.kind is Kind.BOOL and session.engine == MARIADB:
        element = element + literal_column("0")
    cut: ColumnElement[Any] = func.substr(cast(element, Text), literal_column("1"), literal_column(str(longest)))
    return cut


def _digits(session: Session, element: ColumnElement[Any]) -> ColumnElement[Any]:
    from sqlalchemy import func, literal_column

    digits: ColumnElement[Any] = func.hex(element)
    if session.engine == POSTGRESQL:
        digits = func.encode(element, literal_column("'hex'"))
    return func.lower(digits)


def _document(session: Session, column: Column, element: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a long cell as a text, NULL where it is too long to be looked at."""
    from sqlalchemy import Text, case, cast, func, literal_column

    most: ColumnElement[Any] = literal_column(str(DOCUMENT))
    size = func.pg_column_size(element) if session.engine == POSTGRESQL else func.length(element)
    whole: ColumnElement[Any] = cast(element, Text)
    if column.kind is Kind.ARRAY:
        whole = cast(func.array_to_json(element), Text)
    elif column.kind is Kind.BYTES:
        whole = _digits(session, element)
    return case((size < literal_column(str(DOCUMENT * 4)), case((func.length(whole) <= most, whole))))


def words_beyond(session: Session, table: Table, column: Column) -> tuple[tuple[str, ...], bool]:
    """Return words of a column that no sample may show, and whether these are all: by its index, else by statistics."""
    if column.kind is Kind.ENUM:
        return column.labels, True
    leads = any(index.predicate is None and index.columns[:1] == (column.name,) for index in table.indexes)
    if leads and column.kind in (Kind.TEXT, Kind.INT, Kind.OTHER):
        try:
            words = _loose(session, table, column)
        except BackendError:
            words = None
        if words is not None:
            return words, len(words) <= MOST_WORDS
    if session.engine == POSTGRESQL and table.schema is not None:
        return _told_by_statistics(session, table, column), False
    return (), False


def _loose(session: Session, table: Table, column: Column) -> tuple[str, ...]:
    """Go from each word straight to the next one, by the index."""
    from sqlalchemy import Text, cast, func, literal_column, select

    clause = table.clause()
    element = clause.c[column.name]
    words = select(func.min(element).label("word")).select_from(clause).cte("words", recursive=True)
    following = select(func.min(element)).select_from(clause).where(element > words.c.word)
    words = words.union_all(select(following.scalar_subquery()).where(words.c.word.is_not(None)))
    statement = (
        select(cast(words.c.word, Text)).where(words.c.word.is_not(None)).limit(literal_column(str(MOST_WORDS + 1)))
    )
    return tuple(word for (cell,) in session.rows(statement) if (word := _plain(cell)) is not None)


def _told_by_statistics(session: Session, table: Table, column: Column) -> tuple[str, ...]:
    from sqlalchemy import text

    asked = text(
        "select unnest(most_common_vals::text::text[]) from pg_catalog.pg_stats "
        "where schemaname = :schema and tablename = :name and attname = :column"
    ).bindparams(schema=table.schema, name=table.name, column=column.name)
    rows = session.rows(asked)
    return tuple(word for (cell,) in rows if (word := _plain(cell)) is not None)[: MOST_WORDS + 1]


def within(schema: str | None, listed: Iterable[Listed]) -> list[Listed]:
    """Return the tables of one schema, exactly so called, else regardless of case; a SQLite file has but `main`."""
    every = list(listed)
    if schema is None or (schema.casefold() == "main" and all(each.table.schema is None for each in every)):
        return every
    exact = [each for each in every if each.table.schema == schema]
    return exact or [each for each in every if (each.table.schema or "").casefold() == schema.casefold()]
