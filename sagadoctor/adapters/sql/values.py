"""Values as a store holds them: what can be read is read, what can't is said with its raw text."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any, Final

LONGEST_RAW: Final = 1000
"""How many characters of an unreadable value a doubt carries: more than are shown, so that whoever masks it has seen
all of any secret in what is."""

_SIGNATURES: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\xff\x06\x00\x00sNaPpY", "snappy"),
    (b"\xac\xed\x00\x05", "a serialised Java object"),
    (b"\x00\x01\x00\x00\x00\xff\xff\xff\xff", "a .NET BinaryFormatter object"),
    (b"PK\x03\x04", "zip"),
    (b"\x78\x9c", "zlib"),
    (b"\x78\x01", "zlib"),
    (b"\x78\xda", "zlib"),
    (b"gASV", "a pickle in base64"),
    (b"rO0AB", "a serialised Java object in base64"),
    (b"H4sI", "gzip in base64"),
    (b"<?xml", "XML"),
)


class Unreadable(Exception):
    """A value that can't be read as what the mapping says; `value` is what to go on with."""

    def __init__(self, raw: str, reason: str, value: Any = None) -> None:
        """Keep the raw text, the reason, and what can be used all the same."""
        self.raw = raw
        self.reason = reason
        self.value = value
        super().__init__(reason)


def raw_text(value: object) -> str:
    """Return a value's own text for a doubt, cut to a bound; bytes that are no text as hex."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes | memoryview):
        data = bytes(value[: LONGEST_RAW + 4])
        data = whole_characters(data) if len(value) > len(data) else data
        if blob_type(data) is not None or (b"\x00" in data and not _is_text(data)):
            return "0x" + data[:32].hex()
        text = data.decode("utf-8", "backslashreplace")
    else:
        text = str(value)
    return text if len(text) <= LONGEST_RAW else text[:LONGEST_RAW] + "…"


def _is_text(data: bytes) -> bool:
    """Say whether bytes are text but for a NUL here and there; as hex no secret in it would be known."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\x00\t\r\n" for char in text)


def blob_type(data: bytes) -> str | None:
    """Guess what kind of binary data this is by its first bytes; nothing is ever loaded."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a pickle"
    return None


def as_text(data: bytes, errors: str = "replace") -> str:
    """Decode UTF-8; raises Unreadable with the replaced text for bytes that are none, and for NUL."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        guess = blob_type(data)
        reason = f"not UTF-8 text: looks like {guess}" if guess else "not UTF-8 text"
        raise Unreadable(raw_text(data), reason, data.decode("utf-8", errors).replace("\x00", "�")) from None
    if "\x00" in text:
        raise Unreadable(raw_text(data), "a NUL character in a text", text.replace("\x00", "�"))
    return text


def whole_characters(data: bytes) -> bytes:
    """Return UTF-8 that was cut at its end without the part of a character that is left there."""
    for back in (1, 2, 3):
        lead = data[-back] if len(data) >= back else 0
        if 0xC0 <= lead < 0xF8:
            return data[:-back] if back < (2 if lead < 0xE0 else 3 if lead < 0xF0 else 4) else data
        if lead < 0x80:
            break
    return data


def word(value: Any) -> str | None:
    """Return any loose value as the text that a mapping's `values` would name it by."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return as_text(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def whole(value: Any) -> int | None:
    """Return a loose value as a whole number; raises Unreadable."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value)
    text = word(value) or ""
    try:
        return int(text) if len(text) < 40 else _no_number(text)
    except ValueError:
        pass
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return _no_number(text)


def _no_number(text: str) -> int:
    raise Unreadable(raw_text(text), "not a whole number")


def truth(value: Any) -> bool | None:
    """Return true for true, 1, t, y, yes, on; false for their opposites and zero; raises Unreadable."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    if isinstance(value, bytes) and value in (b"\x00", b"\x01"):
        return value == b"\x01"
    text = (word(value) or "").strip().casefold()
    if text in ("true", "t", "1", "y", "yes", "on"):
        return True
    if text in ("false", "f", "0", "n", "no", "off", ""):
        return False
    raise Unreadable(raw_text(value), "neither true nor false")
