"""Whether a value is of the types that its class declares, all the way down."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

_known: dict[type, Mapping[str, Any]] = {}


def _declared(kind: type) -> Mapping[str, Any]:
    if kind not in _known:
        _known[kind] = typing.get_type_hints(kind)
    return _known[kind]


def mistyped(value: object, declared: Any, place: str) -> Iterator[str]:
    """Yield each part of `value` that isn't what is declared; every time must be aware UTC."""
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin in (types.UnionType, typing.Union):
        wrong = [list(mistyped(value, each, place)) for each in arguments]
        if all(wrong):
            yield min(wrong, key=_nearness)[0]
    elif origin is tuple:
        if type(value) is not tuple:
            yield f"{place} is a {type(value).__name__}, not a tuple"
            return
        for number, part in enumerate(value):
            yield from mistyped(part, arguments[0], f"{place}[{number}]")
    elif declared is None or declared is type(None):
        if value is not None:
            yield f"{place} is a {type(value).__name__}, not None"
    elif type(value) is not declared:
        yield f"{place} is {_shown(value)}, not a {declared.__name__}"
    elif isinstance(value, datetime):
        if value.utcoffset() != timedelta(0):
            yield f"{place} is {value!r}, not an aware UTC datetime"
    elif isinstance(value, msgspec.Struct):
        for field, inner in _declared(declared).items():
            yield from mistyped(getattr(value, field), inner, f"{place}.{field}")


def _nearness(wrong: Sequence[str]) -> bool:
    """Prefer what is said of the value itself to "not None"."""
    return wrong[0].endswith("not None")


def _shown(value: object) -> str:
    return f"{type(value).__name__} {str(value)[:60]!r}"
