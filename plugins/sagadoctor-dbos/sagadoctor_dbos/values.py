"""What DBOS serialised (inputs, outputs, errors, events), made readable without running anything."""

from __future__ import annotations

import json
from typing import Any, Final

from .pickled import Made, UnreadableError, read

BOUND: Final = 16_384
"""Characters of a value that are read; a longer one is said to be long."""
_PICKLE: Final = "py_pickle"
_LONGEST_ERROR: Final = 1_000


def value_of(raw: str, serialization: str | None) -> Any:
    """Return the value as plain parts and `Made`; raises UnreadableError."""
    if len(raw) >= BOUND:
        raise UnreadableError("too long to be read")
    if serialization == _PICKLE or (serialization is None and _looks_pickled(raw)):
        return read(raw)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise UnreadableError("no JSON") from None


def json_of(raw: str | None, serialization: str | None) -> bytes | None:
    """Return a value as JSON: what JSON can't say is said in words; None where there is none."""
    if raw is None:
        return None
    try:
        value = value_of(raw, serialization)
    except UnreadableError as odd:
        return json.dumps(f"«{odd}»", ensure_ascii=False).encode("utf-8", "replace")
    if serialization not in (None, _PICKLE):
        return raw.encode("utf-8", "replace")  # as it stands
    try:
        said = None if value is None else json.dumps(value, default=_said, ensure_ascii=False)
    except ValueError:  # a number of more digits than Python writes out
        said = json.dumps("«a value that can't be written out»", ensure_ascii=False)
    return None if said is None else said.encode("utf-8", "replace")


def error_of(raw: str | None, serialization: str | None) -> str | None:
    """Return an error as `Class: message`; of one that can't be read, that it can't."""
    if raw is None:
        return None
    try:
        value = value_of(raw, serialization)
    except UnreadableError as odd:
        return f"an error that can't be shown ({odd})"
    if isinstance(value, dict) and ("message" in value or "name" in value):
        told = [str(value[key]) for key in ("name", "message") if value.get(key)]
        return _cut(": ".join(told))
    try:
        return _cut(_said(value) if isinstance(value, Made) else str(value))
    except ValueError:  # a number of more digits than Python writes out
        return "an error that can't be shown (a number of very many digits)"


def word_of(raw: str, serialization: str | None) -> str | None:
    """Return a value that is a text; None for any other."""
    try:
        value = value_of(raw, serialization)
    except UnreadableError:
        return None
    return value if isinstance(value, str) else None


def seconds_of(raw: str | None, serialization: str | None) -> float | None:
    """Return a value that is a number; None for any other."""
    try:
        value = None if raw is None else value_of(raw, serialization)
    except UnreadableError:
        return None
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except OverflowError:
        return None


def _looks_pickled(raw: str) -> bool:
    return raw.startswith("gA")  # 0x80, the first byte of every pickle since protocol 2, in Base64


def _said(value: object) -> str:
    """Return what would have been made, as `Class: what it was given`."""
    if isinstance(value, Made):
        name = value.name.rpartition(".")[2]
        given = ", ".join(text for each in value.given if (text := _part(each)))
        return f"{name}: {given}" if given else name
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _part(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(text for each in value if (text := _part(each)))
    if isinstance(value, dict):
        return ""  # the attributes of an exception, which repeat its arguments
    return short_name(value) if isinstance(value, str) else _said(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]}…"


def short_name(function: str) -> str:
    """Return a function's name without the functions that it was written in: DBOS keeps the qualified one."""
    return function.rpartition("<locals>.")[2]
