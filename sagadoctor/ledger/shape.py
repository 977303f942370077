"""What the columns of a query hold: whatever else is in a cell was put there by something else, and is said so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from sagadoctor.errors import LedgerError
from sagadoctor.late import LatePattern
from sagadoctor.untrusted import shown

from .database import Database, Row, Value
from .text import ticks

Moment = Annotated[
    int,
    msgspec.Meta(
        ge=ticks(datetime.min.replace(tzinfo=UTC)), le=ticks(datetime.max.replace(tzinfo=UTC)), title="a time"
    ),
]
"""Microseconds since 1970 that are a time which Python knows."""
_CELL = LatePattern(r"\$\[(\d+)\]\[(\d+)\]")


class Shape:
    """Columns of one table, with the type that each must have."""

    def __init__(self, table: str, **columns: Any) -> None:
        """Name the columns in the order in which they are read."""
        self.table = table
        self.names = tuple(columns)
        self._select = f"SELECT {', '.join(columns)} FROM {table} "  # noqa: S608 - our own names only
        self._rows = list[tuple[tuple(columns.values())]]  # type: ignore[misc]

    def read(self, database: Database, rest: str, *values: Value | list[str]) -> list[Row]:
        """Return the rows that `SELECT … FROM …` gives, with the rest of its words; raise LedgerError for odd ones."""
        return self.checked(database, database.rows(self._select + rest, *values))

    def checked(self, database: Database, rows: list[Row]) -> list[Row]:
        """Return rows that have this shape; raise LedgerError for those that have not."""
        try:
            checked: list[Row] = msgspec.convert(rows, self._rows)
        except msgspec.ValidationError as error:
            raise self._damaged(database, rows, str(error)) from error
        return checked

    def _damaged(self, database: Database, rows: list[Row], said: str) -> LedgerError:
        found = _CELL.search(said)
        if found is None:
            return database.damaged(f"{self.table} does not hold what it should ({shown(said, 200)})")
        row, column = int(found[1]), int(found[2])
        return database.damaged(f"{self.table}.{self.names[column]} holds {_told(rows[row][column])}")


def _told(value: object) -> str:
    """Say what a cell holds, briefly: it may be anything."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes that are no text"
    return "nothing" if value is None else str(shown(repr(value), 60))
