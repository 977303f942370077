"""What is really there: tables, columns, types and indexes, as the engine's own catalogue tells them."""

from __future__ import annotations

import abc
import difflib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from sagadoctor.errors import SchemaMismatch

from .statement import quoted

if TYPE_CHECKING:
    from sqlalchemy import ColumnClause, FromClause

    from .inventory import Inventory


class Kind(StrEnum):
    """What family of values a column holds."""

    TEXT = "text"
    JSON = "json"
    JSONB = "jsonb"
    UUID = "uuid"
    INT = "int"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOL = "bool"
    TIMESTAMP = "timestamp"
    """A time without a zone."""
    TIMESTAMPTZ = "timestamptz"
    DATE = "date"
    BYTES = "bytes"
    ENUM = "enum"
    ARRAY = "array"
    OTHER = "other"


class Column(msgspec.Struct, frozen=True):
    """One column; `length` is the bound on its characters or bytes where the type has one."""

    name: str
    kind: Kind
    type_text: str
    nullable: bool = True
    length: int | None = None
    labels: tuple[str, ...] = ()
    """The words of a native enum."""
    loose: bool = False
    """The engine compares this column's texts by more than their bytes (case, accents, trailing spaces)."""


class Index(msgspec.Struct, frozen=True):
    """One usable index; an expression in it stands as None among `columns`."""

    name: str
    columns: tuple[str | None, ...]
    unique: bool = False
    primary: bool = False
    predicate: str | None = None
    """The condition of a partial index, in the engine's own words."""


class Query(msgspec.Struct, frozen=True):
    """What a query in the place of a table reads."""

    text: str
    tables: tuple[Table, ...] = ()
    """The tables that it reads, as far as they are known."""
    names: tuple[tuple[str, int], ...] = ()
    """The rows of each by the names that the engine's plans show."""
    bearable: int = 0
    """How many rows may be read from end to end without being asked for."""


class Table(msgspec.Struct, frozen=True):
    """One table, view or query; `rows` is the engine's estimate, of a query what it reads from end to end."""

    schema: str | None
    name: str
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...] = ()
    rows: int = 0
    row_id: str | None = None
    """A hidden unique integer that rows can be paged by (SQLite's rowid)."""
    is_view: bool = False
    leaves: tuple[tuple[str, str], ...] = ()
    """Schema and name of each partition that holds rows."""
    query: Query | None = None
    """Set where this is a query; `name` then is its place in the mapping."""

    @property
    def place(self) -> str:
        """Return schema and name as a person writes them; of a query where it is written."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Return the columns of the primary key, empty where there is none."""
        for index in self.indexes:
            if index.primary:
                return tuple(name for name in index.columns if name is not None)
        return ()

    def find(self, name: str) -> Column | None:
        """Return the column of this name: exactly, else regardless of case when just one fits."""
        found = fitting(name, [column.name for column in self.columns])
        return next((column for column in self.columns if column.name == found), None)

    def is_unique(self, names: Sequence[str]) -> bool:
        """Say whether an index makes these columns together unique (NULLs apart)."""
        wanted = set(names)
        return any(
            index.unique and index.predicate is None and None not in index.columns and set(index.columns) <= wanted
            for index in self.indexes
        )

    def clause(self, alias: str | None = None) -> FromClause:
        """Return the table for use in a statement, its names always quoted."""
        from sqlalchemy import column, table

        names: list[ColumnClause[Any]] = [column(quoted(each.name)) for each in self.columns]
        if self.query is not None:
            from .written import written

            return written(self.query.text, names, alias)
        if self.row_id is not None:
            names.append(column(self.row_id))
        made = table(quoted(self.name), *names, schema=quoted(self.schema) if self.schema else None)
        return made.alias(alias) if alias else made


class Catalog(abc.ABC):
    """Reads one connection's catalogue."""

    @abc.abstractmethod
    def table(self, parts: Sequence[str]) -> Table:
        """Return the table called so (name, or schema and name); raises SchemaMismatch."""

    @abc.abstractmethod
    def inventory(self, schema: str | None = None) -> Inventory:
        """Return every table of the database as the catalogue lists it; none of them is read.

        `schema` is the only one that is asked for; MariaDB calls it a database, and without it takes its own alone.
        """

    @abc.abstractmethod
    def query(self, text: str, key: Sequence[str], place: str, bearable: int) -> Table:
        """Return a query as a table; `place` is its name in messages, `bearable` is that of `Query`.

        Raises SchemaMismatch where the database refuses it, and where it has no such key.
        """

    @abc.abstractmethod
    def excess(self, found: Table) -> tuple[str, ...]:
        """Return the privileges that this user has beyond reading, such as "UPDATE on sagas" or "superuser"."""

    def may_read(self, found: Table) -> bool:
        """Say whether this user may read the table."""
        del found
        return True


def fitting(name: str, real: Iterable[str]) -> str | None:
    """Return which of the real names is meant: exactly, else regardless of case when just one fits."""
    names = list(real)
    if name in names:
        return name
    same = [each for each in names if each.casefold() == name.casefold()]
    return same[0] if len(same) == 1 else None


def nearest(name: str, real: Iterable[str]) -> str | None:
    """Return the real name that looks most like this one, None where none does."""
    by_folded = {each.casefold(): each for each in real}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def no_such_table(parts: Sequence[str], candidates: Sequence[tuple[str | None, str]]) -> SchemaMismatch:
    """Say that a table is not there, what is meant perhaps, and what is there."""
    wanted = ".".join(parts)
    fits = [".".join(filter(None, each)) for each in candidates if each[1].casefold() == parts[-1].casefold()]
    if fits:
        return SchemaMismatch(
            f"no table {wanted!r}, or more than one that is written so: {', '.join(sorted(fits)[:5])}",
            hint='write schema and name exactly: table = ["schema", "name"]',
        )
    near = nearest(parts[-1], [name for _, name in candidates])
    there = ", ".join(sorted({name for _, name in candidates})[:20]) or "none that this user may see"
    return SchemaMismatch(
        f"no table {wanted!r}; tables here: {there}",
        hint=f"did you mean {near!r}?" if near else "check the database, the schema and the user's rights",
    )
