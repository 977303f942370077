"""Every table that a database shows us, in a handful of statements: for who doesn't know yet which one is meant."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from .catalog import Table

MOST_TABLES: Final = 20_000
MOST_COLUMNS: Final = 400_000
"""Columns of all tables together; what lies behind them is left out, and said."""


class TableKind(StrEnum):
    """What stands behind a name."""

    TABLE = "table"
    PARTITIONED = "partitioned table"
    VIEW = "view"
    MATERIALISED = "materialised view"
    FOREIGN = "foreign table"
    VIRTUAL = "virtual table"


class ForeignKey(msgspec.Struct, frozen=True):
    """Columns of a table that name a row of another one; `schema` and `table` are the other's."""

    columns: tuple[str, ...]
    schema: str | None
    table: str
    others: tuple[str, ...]


class Listed(msgspec.Struct, frozen=True):
    """One table as the catalogue lists it: only the columns that may be read; `rows` of the table are an estimate.

    `at_hand`: its name alone is enough to find it (it lies in the search path).
    """

    table: Table
    kind: TableKind = TableKind.TABLE
    readable: bool = True
    at_hand: bool = True
    foreign_keys: tuple[ForeignKey, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the name as a mapping needs it: with the schema only where that is needed."""
        table = self.table
        return (table.name,) if self.at_hand or table.schema is None else (table.schema, table.name)


class Inventory(msgspec.Struct, frozen=True):
    """What is there; `cut` when there was more than anybody looks at. Partitions stand for nothing by themselves."""

    tables: Sequence[Listed]
    cut: bool = False
