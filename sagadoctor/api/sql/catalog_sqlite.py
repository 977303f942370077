"""What a SQLite file says of its tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .address import SQLITE
from .catalog import Catalog, Column, Index, Kind, Query, Table, fitting, no_such_table

if TYPE_CHECKING:
    from .driver import Driver, Link
    from .inventory import Inventory

_COUNTED = 1_000_000
_LOOSE = re.compile(r"(?i)\bcollate\s+(nocase|rtrim)\b")
_DEEPEST = 5
"""Views of views that are looked into."""
_TEXTS = (Kind.TEXT, Kind.OTHER)
_ROW_ID_NAMES = ("rowid", "_rowid_", "oid")


class SqliteCatalog(Catalog):
    """Reads sqlite_master and the pragmas."""

    def __init__(self, driver: Driver, link: Link) -> None:
        """Keep the connection."""
        self._driver, self._link = driver, link

    def _there(self) -> Sequence[Sequence[str]]:
        """Return name, kind and text of every table and view."""
        return self._driver.rows(
            self._link, "select name, type, coalesce(sql, '') from sqlite_master where type in ('table', 'view')", ()
        )

    def table(self, parts: Sequence[str]) -> Table:
        """Return the table called so."""
        there = self._there()
        wanted = parts[-1] if len(parts) == 1 or parts[0].casefold() == "main" else None
        name = fitting(wanted, [row[0] for row in there]) if wanted is not None else None
        if name is None:
            raise no_such_table(parts, [(None, row[0]) for row in there])
        kind, text = next((row[1], row[2]) for row in there if row[0] == name)
        found = self._described(name, kind, text)
        return replace(found, rows=self._rows(name, found.row_id))

    def _described(self, name: str, kind: str, text: str) -> Table:
        """Return a table without its number of rows."""
        info = self._driver.rows(
            self._link, 'select name, type, "notnull", pk from pragma_table_xinfo(?) where hidden in (0, 2, 3)', (name,)
        )
        columns = tuple(_column(row[0], row[1] or "", not row[2], text) for row in info)
        key = tuple(row[0] for row in sorted((row for row in info if row[3]), key=lambda row: row[3]))
        row_id = None
        if kind == "table" and not re.search(r"(?i)\bwithout\s+rowid\b", _tail(text)):
            taken = {column.name.casefold() for column in columns}
            row_id = next((each for each in _ROW_ID_NAMES if each not in taken), None)
        return Table(
            schema=None,
            name=name,
            columns=columns,
            indexes=self._indexes(name, key),
            row_id=row_id,
            is_view=kind == "view",
        )

    def inventory(self, schema: str | None = None) -> Inventory:
        """Return every table and view of the file; only where a row id counts them, how many rows there are."""
        del schema  # all of them cost little
        from .inventory_sqlite import inventory

        def listed(name: str, kind: str, text: str) -> Table:
            found = self._described(name, kind, text)
            return replace(found, rows=self._rows(name, found.row_id)) if found.row_id is not None else found

        return inventory(lambda text, parameters: self._driver.rows(self._link, text, parameters), listed)

    def query(self, text: str, key: Sequence[str], place: str, bearable: int) -> Table:
        """Return a query as a table."""
        from .queries import named_in, query_table, shown_names, telling
        from .query_plans import reading
        from .written import selected

        with telling(place, self._driver):
            columns = self._columns_of(text)
            there = self._there()
            views = {row[0]: str(row[2]) for row in there if row[1] == "view"}
            whole = text
            for _ in range(_DEEPEST):
                more = [views.pop(name) for name in named_in(whole, list(views))]
                whole = "\n".join((whole, *more))
            plain = [row[0] for row in there if row[1] == "table" and not str(row[0]).startswith("sqlite_")]
            tables = tuple(self.table([name]) for name in named_in(whole, plain))
            query = Query(text, tables, shown_names(whole, tables), bearable)
            plan = self._driver.rows(self._link, f"explain query plan {selected(text)}", ())
            if any(_LOOSE.search(str(each)) for each in (text, *(row[2] for row in there))):
                columns = tuple(replace(column, loose=column.kind in _TEXTS) for column in columns)
            return query_table(place, columns, key, query, reading(plan, query, SQLITE).rows)

    def _columns_of(self, text: str) -> tuple[Column, ...]:
        """Return the columns of a query; a view that only this connection sees tells their types."""
        from .written import ALIAS

        run = self._link.raw.execute
        run("pragma temp_store = memory")
        run("pragma query_only = off")  # the file itself is open read-only
        try:
            run(f"create temp view {ALIAS} as {text}")
            try:
                info = run("select name, type from pragma_table_info(?, 'temp')", (ALIAS,)).fetchall()
            finally:
                run(f"drop view temp.{ALIAS}")
        finally:
            run("pragma query_only = on")
        return tuple(_column(name, declared or "", True, "") for name, declared in info)

    def _indexes(self, name: str, key: tuple[str, ...]) -> tuple[Index, ...]:
        found: list[Index] = []
        listed = self._driver.rows(
            self._link, 'select name, "unique", origin, partial from pragma_index_list(?)', (name,)
        )
        for index, unique, origin, partial in listed:
            rows = self._driver.rows(self._link, "select name from pragma_index_info(?) order by seqno", (index,))
            predicate = self._predicate(index) if partial else None
            columns = tuple(row[0] for row in rows)
            found.append(Index(index, columns, bool(unique), origin == "pk", predicate))
        if key and not any(index.primary for index in found):
            found.append(Index(f"primary key of {name}", key, unique=True, primary=True))
        return tuple(found)

    def _predicate(self, index: str) -> str:
        rows = self._driver.rows(self._link, "select sql from sqlite_master where name = ?", (index,))
        text = str(rows[0][0]) if rows and rows[0][0] else ""
        parts = re.split(r"(?i)\bwhere\b", text, maxsplit=1)
        return parts[1].strip() if len(parts) == 2 else "?"

    def _rows(self, name: str, row_id: str | None) -> int:
        plain = '"' + name.replace('"', '""') + '"'
        if row_id is None:  # a view, or a table without row ids: count, but not for ever
            some = f"select 1 from {plain} limit {_COUNTED}"  # noqa: S608
            return int(self._driver.rows(self._link, f"select count(*) from ({some})", ())[0][0])  # noqa: S608
        low_high = self._driver.rows(self._link, f"select min({row_id}), max({row_id}) from {plain}", ())  # noqa: S608
        low, high = low_high[0]
        return 0 if high is None else int(high) - int(low) + 1

    def excess(self, found: Table) -> tuple[str, ...]:
        """Return nothing: the file is opened read-only."""
        del found
        return ()


def _tail(text: str) -> str:
    return text[text.rfind(")") + 1 :]


def _column(name: str, declared: str, nullable: bool, table_text: str) -> Column:
    upper = declared.upper()
    length = re.search(r"\(\s*(\d+)", upper)
    loose = bool(re.search(rf"(?i)[\"'`\[]?{re.escape(name)}[\"'`\]]?\s[^,]*\bcollate\s+(nocase|rtrim)\b", table_text))
    return Column(
        name, _kind(upper), declared or "(no type)", nullable, int(length[1]) if length else None, loose=loose
    )


def _kind(upper: str) -> Kind:
    for words, kind in (
        (("JSON",), Kind.JSON),
        (("BOOL",), Kind.BOOL),
        (("TIMESTAMPTZ", "WITH TIME ZONE"), Kind.TIMESTAMPTZ),
        (("DATETIME", "TIMESTAMP"), Kind.TIMESTAMP),
        (("DATE",), Kind.DATE),
        (("INT",), Kind.INT),
        (("CHAR", "CLOB", "TEXT", "UUID", "ENUM"), Kind.TEXT),
        (("REAL", "FLOA", "DOUB"), Kind.FLOAT),
        (("NUM", "DEC"), Kind.DECIMAL),
        (("BLOB", "BINARY"), Kind.BYTES),
    ):
        if any(word in upper for word in words):
            return kind
    return Kind.OTHER
