r"""Outside text as every database can hold it: ASCII without NUL, reversibly; and moments as whole microseconds.

PostgreSQL refuses NUL and what its encoding lacks, SQLite refuses lone surrogates, and an index refuses long keys.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sagadoctor.ids import digest
from sagadoctor.late import LatePattern

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNSAFE = LatePattern(r"[\\\x00]|[^\x00-\x7f]")
_ESCAPE = LatePattern(r"\\(?:(?P<self>\\)|u(?P<four>[0-9a-f]{4})|U(?P<eight>00(?:0[0-9a-f]|10)[0-9a-f]{4}))")
_LONGEST_KEY = 480
_KEPT_OF_LONG_KEY = 400


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code == ord("\\"):
        return "\\\\"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _unescape(found: re.Match[str]) -> str:
    return "\\" if found["self"] else chr(int(found["four"] or found["eight"], 16))


def is_safe(text: str) -> bool:
    """Say whether `safe` would return `text` as it is; true of parts if it is true of the whole."""
    return text.isascii() and "\\" not in text and "\x00" not in text


def safe(text: str) -> str:
    r"""Return `text` with a backslash doubled and NUL and everything outside ASCII spelt out as `\uXXXX`."""
    return text if is_safe(text) else _UNSAFE.sub(_escape, text)


def unsafe(text: str) -> str:
    """Return what `safe` was given."""
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def maybe_safe(text: str | None) -> str | None:
    """Return `safe(text)`, or None for None."""
    return None if text is None else safe(text)


def maybe_unsafe(text: str | None) -> str | None:
    """Return `unsafe(text)`, or None for None."""
    return None if text is None else unsafe(text)


def key(text: str) -> str:
    r"""Return `text` fit for an index: as `safe` does, but never empty, and a long one ends in `\#` and a hash."""
    if text.isascii() and 0 < len(text) <= _LONGEST_KEY and "\\" not in text and "\x00" not in text:
        return text
    escaped = safe(text)
    if len(escaped) <= _LONGEST_KEY:
        return escaped or "\\e"
    return f"{escaped[:_KEPT_OF_LONG_KEY]}\\#{digest((text,), 40)}"


def ticks(moment: datetime) -> int:
    """Return the microseconds from 1970 to `moment`."""
    return (moment - _EPOCH) // _MICROSECOND


def maybe_ticks(moment: datetime | None) -> int | None:
    """Return `ticks(moment)`, or None for None."""
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


@lru_cache(4096)
def moment(count: int) -> datetime:
    """Return the moment that `ticks` was given."""
    return _EPOCH + timedelta(microseconds=count)


def maybe_moment(count: int | None) -> datetime | None:
    """Return `moment(count)`, or None for None."""
    return None if count is None else moment(count)
