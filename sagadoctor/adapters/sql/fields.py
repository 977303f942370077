"""Readers of loose values for each kind of field: texts, moments, numbers, with values, patterns and paths applied."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from .mapping.columns import ColumnWords, DoubledFrom, NumberColumn, NumberFormat, TimeColumn
from .paths import Path, follow, parse_path
from .patterns import parse_pattern, value_of
from .times import TimeReader, time_reader, zone_of
from .values import Unreadable, raw_text, truth, whole, word

Reader = Callable[[Any], Any]
"""Takes a loose value (never NULL), returns the field's value; raises Unreadable."""


def at_path(path: Path | None) -> Reader:
    """Return what takes the value at a path out of a JSON document, given as text or decoded."""
    if path is None:
        return lambda value: value

    def read(value: Any) -> Any:
        if isinstance(value, str | bytes):
            try:
                value = json.loads(value)
                if isinstance(value, str) and path:
                    value = json.loads(value)
            except (ValueError, RecursionError):
                raise Unreadable(raw_text(value), "not JSON") from None
        return follow(value, path)

    return read


def looked_up(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Return a mapping's `values` as texts to texts."""
    return {key: word(value) or "" for key, value in (values or {}).items()}


def found_in(values: Mapping[str, str], value: Any) -> str | None:
    """Return what `values` says of a loose value; a boolean is found as true, t or 1 (false, f or 0), a number too."""
    text = word(value)
    if text is None:
        return None
    if text in values:
        return values[text]
    if isinstance(value, int) and value in (0, 1):  # SQLite and MariaDB keep a boolean so
        for key, meant in values.items():
            try:
                if truth(key) is bool(value):
                    return meant
            except Unreadable:
                continue
    return None


def translator(words: ColumnWords, form: Reader | None = None) -> Reader:
    """Return what applies a column's path, format, values and pattern; the result is a loose value, None for none."""
    path = _formed(at_path(parse_path(words.path) if words.path is not None else None), form)
    values = looked_up(words.values)
    pattern = parse_pattern(words.pattern) if words.pattern is not None else None
    if not values and pattern is None:
        return path

    def read(value: Any) -> Any:
        value = path(value)
        if value is None:
            return None
        meant = found_in(values, value)
        if meant is not None:
            return meant
        if pattern is None:
            return value
        piece = value_of(pattern, word(value) or "")
        return None if piece is None else values.get(piece, piece)

    return read


def _formed(path: Reader, form: Reader | None) -> Reader:
    if form is None:
        return path

    def read(value: Any) -> Any:
        value = path(value)
        return None if value is None else form(value)

    return read


def text_reader(words: ColumnWords, form: Reader | None = None) -> Reader:
    """Return the reader of a text field; `form` makes an id's canonical form."""
    translate = translator(words, form)
    return lambda value: word(translate(value))


def moment_reader(words: TimeColumn, zone: ZoneInfo | None) -> TimeReader:
    """Return the reader of a moment; `zone` holds where the column names none."""
    translate = translator(words)
    read = time_reader(words.format, zone_of(words.tz) if words.tz is not None else zone)
    if words.path is None and words.pattern is None and not words.values:
        return read
    return lambda value: read(translate(value))


def number_reader(words: NumberColumn) -> Reader:
    """Return the reader of a whole number; `log2` asks how often a base was doubled."""
    translate = translator(words)
    if words.format is not NumberFormat.LOG2:
        return lambda value: whole(translate(value))
    base = words.base.default if isinstance(words.base, DoubledFrom) else (words.base or 1)

    def read(value: Any) -> int | None:
        return doublings(whole(translate(value)), base)

    return read


def doublings(number: int | None, base: float) -> int | None:
    """Return how often `base` was doubled to reach `number`, 0 where it is below; None for none. Raises Unreadable."""
    if number is None:
        return None
    if base <= 0:
        raise Unreadable(raw_text(base), "what is doubled begins above zero")
    if number < 0:
        raise Unreadable(raw_text(number), "below zero, and so never doubled")
    if number < base:
        return 0
    try:
        return round(math.log2(number) - math.log2(base))  # whatever the number of digits
    except (OverflowError, ValueError):
        raise Unreadable(raw_text(number), "no number that doubling leads to") from None
