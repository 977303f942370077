"""What information_schema says of tables, for MariaDB and MySQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace
from pymysql.constants import FIELD_TYPE, FLAG

from .address import MARIADB
from .catalog import Catalog, Column, Index, Kind, Query, Table, fitting, no_such_table

if TYPE_CHECKING:
    from sqlalchemy import Select

    from .driver import Driver, Link
    from .inventory import Inventory

_KINDS: Final = {
    "json": Kind.JSON,
    "tinyint": Kind.INT,
    "smallint": Kind.INT,
    "mediumint": Kind.INT,
    "int": Kind.INT,
    "bigint": Kind.INT,
    "year": Kind.INT,
    "float": Kind.FLOAT,
    "double": Kind.FLOAT,
    "decimal": Kind.DECIMAL,
    "datetime": Kind.TIMESTAMP,
    "timestamp": Kind.TIMESTAMPTZ,
    "date": Kind.DATE,
    "enum": Kind.ENUM,
    "uuid": Kind.UUID,
    "binary": Kind.BYTES,
    "varbinary": Kind.BYTES,
    "tinyblob": Kind.BYTES,
    "blob": Kind.BYTES,
    "mediumblob": Kind.BYTES,
    "longblob": Kind.BYTES,
    "bit": Kind.BYTES,
    "char": Kind.TEXT,
    "varchar": Kind.TEXT,
    "tinytext": Kind.TEXT,
    "text": Kind.TEXT,
    "mediumtext": Kind.TEXT,
    "longtext": Kind.TEXT,
    "set": Kind.TEXT,
}
_CODES: Final = {
    **dict.fromkeys((FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG), Kind.INT),
    **dict.fromkeys((FIELD_TYPE.LONGLONG, FIELD_TYPE.YEAR), Kind.INT),
    **dict.fromkeys((FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE), Kind.FLOAT),
    **dict.fromkeys((FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL), Kind.DECIMAL),
    **dict.fromkeys((FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING), Kind.TEXT),
    **dict.fromkeys((FIELD_TYPE.TINY_BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB, FIELD_TYPE.BLOB), Kind.TEXT),
    **dict.fromkeys((FIELD_TYPE.ENUM, FIELD_TYPE.SET), Kind.TEXT),
    FIELD_TYPE.TIMESTAMP: Kind.TIMESTAMPTZ,
    FIELD_TYPE.DATETIME: Kind.TIMESTAMP,
    FIELD_TYPE.DATE: Kind.DATE,
    FIELD_TYPE.NEWDATE: Kind.DATE,
    FIELD_TYPE.BIT: Kind.BYTES,
    FIELD_TYPE.JSON: Kind.JSON,
}
"""Kinds by the types that the protocol knows."""
_BINARY: Final = 63
"""The character set of bytes."""
_READING: Final = frozenset(("SELECT", "USAGE", "SHOW VIEW", "SHOW DATABASES", "PROCESS", "REPLICATION CLIENT"))


class MariadbCatalog(Catalog):
    """Reads information_schema."""

    def __init__(self, driver: Driver, link: Link) -> None:
        """Keep the connection."""
        self._driver, self._link = driver, link

    def _rows(self, text: str, *parameters: Any) -> list[Any]:
        return list(self._driver.rows(self._link, text, parameters))

    def table(self, parts: Sequence[str]) -> Table:
        """Return the table called so."""
        there = self._rows(
            "select table_schema, table_name, table_type, coalesce(table_rows, 0) from information_schema.tables "
            "where table_schema not in ('information_schema', 'mysql', 'performance_schema', 'sys')"
        )
        schemas = {row[0] for row in there}
        schema = fitting(parts[0], schemas) if len(parts) > 1 else self._here()
        name = fitting(parts[-1], [row[1] for row in there if row[0] == schema])
        if name is None:
            raise no_such_table(parts, [(row[0], row[1]) for row in there if row[0] == schema or len(parts) > 1])
        kind, rows = next((row[2], row[3]) for row in there if row[0] == schema and row[1] == name)
        columns = self._rows(
            "select column_name, data_type, column_type, is_nullable, character_maximum_length, collation_name "
            "from information_schema.columns where table_schema = %s and table_name = %s order by ordinal_position",
            schema,
            name,
        )
        found = Table(
            schema=schema,
            name=name,
            columns=tuple(_column(*row) for row in columns),
            indexes=self._indexes(schema, name),
            rows=int(rows),
            is_view=kind == "VIEW",
        )
        return replace(found, rows=self._behind(found)) if found.is_view else found

    def _behind(self, view: Table) -> int:
        """Return the rows that the engine expects to read for a view."""
        from sqlalchemy import literal_column, select

        every: Select[Any] = select(literal_column("1")).select_from(view.clause())
        plan = self._driver.explain(self._link, *self._driver.compiled(every, plain=True))
        counts = [row[8 if len(row) == 10 else 9] for row in plan]  # MariaDB's table of a plan, else MySQL's
        return max((int(count) for count in counts if count is not None), default=0)

    def query(self, text: str, key: Sequence[str], place: str, bearable: int) -> Table:
        """Return a query as a table."""
        from .queries import named_in, query_table, shown_names, telling
        from .query_plans import reading
        from .written import selected

        with telling(place, self._driver):
            columns = self._columns_of(text)
            here = self._here()
            there = self._rows("select table_name from information_schema.tables where table_schema = %s", here)
            named = named_in(text, [row[0] for row in there])
            tables = tuple(self.table([here, name]) for name in named) if here is not None else ()
            query = Query(text, tables, shown_names(text, tables), bearable)
            plan = self._driver.rows(self._link, f"explain {selected(text).replace('%', '%%')}", ())
            return query_table(place, columns, key, query, reading(plan, query, MARIADB).rows)

    def _columns_of(self, text: str) -> tuple[Column, ...]:
        """Return the columns of a query, which is not run for them."""
        from .written import selected

        with self._link.raw.cursor() as cursor:
            cursor.execute(f"{selected(text)} where 1 = 0")
            return tuple(_told(field) for field in cursor._result.fields)

    def _here(self) -> str | None:
        here = self._rows("select database()")[0][0]
        return None if here is None else str(here)

    def _indexes(self, schema: str | None, name: str) -> tuple[Index, ...]:
        rows = self._rows(
            "select index_name, non_unique, column_name, sub_part, index_type from information_schema.statistics "
            "where table_schema = %s and table_name = %s order by index_name, seq_in_index",
            schema,
            name,
        )
        found: dict[str, tuple[list[str | None], bool]] = {}
        for index, non_unique, column, part, kind in rows:
            if kind == "BTREE":
                columns, _ = found.setdefault(index, ([], not non_unique))
                columns.append(column if part is None else None)
        return tuple(
            Index(index, tuple(columns), unique, index == "PRIMARY") for index, (columns, unique) in found.items()
        )

    def inventory(self, schema: str | None = None) -> Inventory:
        """Return every table that this user may see in one database, or in all where none is chosen."""
        from .inventory_mariadb import inventory

        return inventory(self._rows, _column, schema)

    def excess(self, found: Table) -> tuple[str, ...]:
        """Return what SHOW GRANTS lists beyond reading."""
        if found.query is not None:
            return tuple(sorted({word for table in found.query.tables for word in self.excess(table)}))
        extra: set[str] = set()
        for (line,) in self._rows("show grants"):
            granted = re.match(r"GRANT (.+?) ON (\S+) TO ", str(line))
            if not granted or not _covers(granted[2], found):
                continue
            words = [word.strip().split(" (")[0] for word in granted[1].split(",")]
            extra.update(f"{word} on {granted[2]}" for word in words if word.upper() not in _READING)
        return tuple(sorted(extra))


def _told(field: Any) -> Column:
    """Return a column as the answer to a query tells it: an enum is a text there, and a text has no known bound."""
    code, is_binary = int(field.type_code), int(field.charsetnr) == _BINARY
    kind = _CODES.get(code, Kind.OTHER)
    name = next((each.lower() for each, number in vars(FIELD_TYPE).items() if number == code), "?")
    if code in (FIELD_TYPE.TINY, FIELD_TYPE.BIT) and int(field.length) == 1:
        kind = Kind.BOOL
    if kind is Kind.TEXT and is_binary:
        kind = Kind.BYTES
    loose = kind is Kind.TEXT and not int(field.flags) & FLAG.BINARY
    return Column(str(field.name), kind, name, loose=loose)


def _covers(place: str, found: Table) -> bool:
    plain = place.replace("`", "").replace("\\", "")
    schema, _, name = plain.partition(".")
    return schema in ("*", found.schema or "", "%") and name in ("*", found.name)


def _column(name: str, kind: str, type_text: str, nullable: str, length: int | None, collation: str | None) -> Column:
    labels: tuple[str, ...] = ()
    if kind == "enum":
        labels = tuple(word.replace("''", "'") for word in re.findall(r"'((?:[^']|'')*)'", type_text))
    chosen = _KINDS.get(kind, Kind.OTHER)
    if type_text == "tinyint(1)":
        chosen = Kind.BOOL
    if type_text == "bit(1)":
        chosen = Kind.BOOL
    loose = collation is not None and not collation.endswith("_bin")
    return Column(name, chosen, type_text, nullable == "YES", None if length is None else int(length), labels, loose)
