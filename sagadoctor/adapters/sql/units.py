"""Times that are numbers: which unit their size speaks for, to be said in the mapping by a person."""

from __future__ import annotations

from typing import Final

from sagadoctor.api.v1.sql import Column, Session, Table

from .mapping.columns import TimeFormat
from .words import toml_text

_SAMPLE: Final = 20
_SIZES: Final = (
    (TimeFormat.EPOCH_S, 10**8, 10**10),
    (TimeFormat.EPOCH_MS, 10**11, 10**13),
    (TimeFormat.EPOCH_US, 10**14, 10**16),
    (TimeFormat.DOTNET_TICKS, 6 * 10**17, 10**18),
)
"""What numbers since the seventies come to in each unit."""


def unit_wanted(session: Session, table: Table, column: Column, key: str) -> str:
    """Say that a time's unit is missing, with the one that some rows speak for."""
    shown = next((cell for cell in _some(session, table, column) if unit_of(cell) is not None), None)
    unit = unit_of(shown) if shown is not None else None
    like = f", with values such as {shown:.0f}" if shown is not None else ""
    name = key.rpartition(".")[2]
    return (
        f"{table.place}.{column.name} is a number ({column.type_text}{like}): say its unit, such as "
        f'{name} = {{ column = {toml_text(column.name)}, format = "{(unit or TimeFormat.EPOCH_MS).value}" }}'
    )


def unit_of(number: float) -> TimeFormat | None:
    """Return the unit in which a number is a time of our days."""
    return next((unit for unit, low, high in _SIZES if low <= number < high), None)


def _some(session: Session, table: Table, column: Column) -> list[float]:
    from sqlalchemy import literal_column, select

    clause = table.clause()
    rows = session.rows(select(clause.c[column.name]).select_from(clause).limit(literal_column(str(_SAMPLE))))
    found: list[float] = []
    for (cell,) in rows:
        try:
            found.append(float(cell))
        except (TypeError, ValueError, OverflowError):  # SQLite keeps anything in any column
            continue
    return found
