"""Formats that a column's type can't hold: told once and before anything is read, not once for every row."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

from sagadoctor.api.v1.sql import SQLITE, Column, Kind

from .idents import ident
from .mapping.columns import ColumnWords, IdFormat, JsonFormat, TimeFormat
from .source import Source

_TIMES: Final = (Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.DATE)
_NUMBERS: Final = (Kind.INT, Kind.FLOAT, Kind.DECIMAL)
_NO_NUMBER: Final = (*_TIMES, Kind.BOOL, Kind.UUID, Kind.BYTES, Kind.ARRAY, Kind.JSON, Kind.JSONB)
_NO_TIME: Final = (*_NUMBERS, Kind.BOOL, Kind.UUID, Kind.BYTES, Kind.ARRAY, Kind.JSON, Kind.JSONB)
_NO_UUID: Final = (*_TIMES, *_NUMBERS, Kind.BOOL, Kind.ARRAY, Kind.JSON, Kind.JSONB)
_NO_DOCUMENT: Final = (*_TIMES, *_NUMBERS, Kind.BOOL, Kind.UUID, Kind.ARRAY, Kind.ENUM)
_CONTRADICTED: Final[dict[StrEnum, tuple[Kind, ...]]] = {
    **dict.fromkeys((TimeFormat.EPOCH_S, TimeFormat.EPOCH_MS, TimeFormat.EPOCH_US), _NO_NUMBER),
    TimeFormat.DOTNET_TICKS: _NO_NUMBER,
    TimeFormat.TIMESTAMP: _NO_TIME,
    TimeFormat.ISO: _NO_TIME,
    TimeFormat.UUID_V7: _NO_UUID,
    TimeFormat.ID_HIGH_MS: (*_NO_UUID, Kind.UUID),
    IdFormat.INT: (*_NO_NUMBER, Kind.ENUM),
    IdFormat.UUID: _NO_UUID,
    IdFormat.UUID_HEX: _NO_UUID,
    IdFormat.UUID_BYTES: (*_NO_UUID, Kind.UUID, Kind.TEXT, Kind.ENUM),
    IdFormat.UUID_BYTES_SWAPPED: (*_NO_UUID, Kind.UUID, Kind.TEXT, Kind.ENUM),
    **dict.fromkeys(JsonFormat, _NO_DOCUMENT),
}
"""The kinds of columns that can't hold a format."""
_HINTS: Final = {
    Kind.BYTES: "bytes may be a UUID's: uuid_bytes or uuid_bytes_swapped",
    **dict.fromkeys(_TIMES, "the type is a time already: leave format out"),
    **dict.fromkeys(_NUMBERS, "of a number a time is epoch_s, epoch_ms, epoch_us or dotnet_ticks, an id is int"),
}


def check_form(form: StrEnum | None, column: Column, source: Source, key: str) -> None:
    """Note a format that the column's type contradicts; SQLite keeps anything in any column, so rows tell it there."""
    if form is None or source.engine == SQLITE or column.kind not in _CONTRADICTED.get(form, ()):
        return
    hint = _HINTS.get(column.kind, "leave format out, and the type decides")
    text = f'{source.table.place}.{column.name} is {column.type_text}, which format = "{form.value}" can\'t be; {hint}'
    source.missing.forms[f"{key}.format"] = text


def form_of(words: ColumnWords, column: Column, source: Source, key: str) -> Callable[[Any], Any] | None:
    """Return what makes the canonical form of another saga's id, or of a name; None where no format is said."""
    form = getattr(words, "format", None)
    if not isinstance(form, IdFormat):
        return None
    if words.path is None:
        check_form(form, column, source, key)
    return ident(form, column.kind).canonical
