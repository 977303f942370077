"""Moments as a column holds them, so that the database can compare and order by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sagadoctor.api.v1.sql import SQLITE, Column, Kind

from .mapping.columns import TimeColumn, TimeFormat
from .times import EPOCH, zone_of

_MARGIN: Final = timedelta(hours=26)
"""Texts may carry any zone's offset; naive times a doubled hour. What is read too early is left out afterwards."""
_TICKS_1970: Final = 621_355_968_000_000_000
_TIMES: Final = (Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.DATE)


def is_ordered(words: TimeColumn, column: Column, engine: str) -> bool:
    """Say whether the database's own order of this column is the order of time."""
    if words.pattern is not None or words.values or words.path is not None:
        return False
    if words.format in (None, TimeFormat.TIMESTAMP, TimeFormat.ISO):
        return column.kind in _TIMES or column.kind is Kind.TEXT
    if words.format is TimeFormat.ID_HIGH_MS:
        return column.kind is Kind.TEXT
    if words.format is TimeFormat.UUID_V7:
        return column.kind in (Kind.UUID, Kind.TEXT, Kind.BYTES)
    return column.kind in (Kind.INT, Kind.FLOAT, Kind.DECIMAL) or (engine == SQLITE and column.kind in _TIMES)


def lower_bound(words: TimeColumn, column: Column, engine: str, zone: ZoneInfo | None, moment: datetime) -> Any:
    """Return a value that no cell of `moment` or later is below, as a loose value for the column."""
    match words.format:
        case TimeFormat.EPOCH_S:
            return int(moment.timestamp())
        case TimeFormat.EPOCH_MS:
            return _microseconds(moment) // 1000
        case TimeFormat.EPOCH_US:
            return _microseconds(moment)
        case TimeFormat.DOTNET_TICKS:
            return _microseconds(moment) * 10 + _TICKS_1970
        case TimeFormat.UUID_V7:
            digits = f"{_microseconds(moment) // 1000:012x}" + "0" * 20
            return bytes.fromhex(digits) if column.kind is Kind.BYTES else _uuid(digits)
        case TimeFormat.ID_HIGH_MS:
            return f"{_microseconds(moment) // 1000:016x}-"
    if column.kind is Kind.TEXT or engine == SQLITE:
        return (moment - _MARGIN).strftime("%Y-%m-%d")
    if column.kind is Kind.TIMESTAMPTZ:
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f" + ("+00" if engine == "postgresql" else ""))
    zone = zone_of(words.tz) if words.tz is not None else zone
    local = moment.astimezone(UTC) if zone is None else (moment - timedelta(hours=2)).astimezone(zone)
    return local.strftime("%Y-%m-%d" if column.kind is Kind.DATE else "%Y-%m-%d %H:%M:%S.%f")


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
