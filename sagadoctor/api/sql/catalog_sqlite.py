"""What a SQLite file says of its tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .catalog import Catalog, Column, Index, Kind, Table, fitting, no_such_table

if TYPE_CHECKING:
    from .driver import Driver, Link
    from .inventory import Inventory

_COUNTED = 1_000_000
_ROW_ID_NAMES = ("rowid", "_rowid_", "oid")


class SqliteCatalog(Catalog):
    """Reads sqlite_master and the pragmas."""

    def __init__(self, driver: Driver, link: Link) -> None:
        """Keep the connection."""
        self._driver, self._link = driver, link

    def table(self, parts: Sequence[str]) -> Table:
        """Return the table called so."""
        there = self._driver.rows(
            self._link, "select name, type, coalesce(sql, '') from sqlite_master where type in ('table', 'view')", ()
        )
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

    def inventory(self) -> Inventory:
        """Return every table and view of the file; only where a row id counts them, how many rows there are."""
        from .inventory_sqlite import inventory

        def listed(name: str, kind: str, text: str) -> Table:
            found = self._described(name, kind, text)
            return replace(found, rows=self._rows(name, found.row_id)) if found.row_id is not None else found

        return inventory(lambda text, parameters: self._driver.rows(self._link, text, parameters), listed)

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
