"""Moments in every format of the mapping language, to aware UTC; what can't be one raises Unreadable."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from .mapping.columns import TimeFormat
from .values import Unreadable, as_text, raw_text

TimeReader = Callable[[Any], datetime | None]
"""Takes a loose value (text, number, datetime), returns aware UTC or None for no time; raises Unreadable."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 9000
"""Times before the first or from the last on are marks ("never"), not moments."""
_PLAUSIBLE: Final = (1971, 2200)
"""Years that a number in the right unit falls into."""
_NAIVE_LENGTHS: Final = frozenset((19, 23, 26))
"""Lengths of `2026-11-20T03:00:00` with no, three or six digits behind the second, and no zone."""
_TICKS_1970: Final = 621_355_968_000_000_000
_TICKS_MASK: Final = 0x3FFF_FFFF_FFFF_FFFF
_NOTHING: Final = re.compile(r"\s*(?:0000-00-00(?:[ T]00:00(?::00(?:\.0+)?)?)?)?\s*Z?\Z")
_FAR: Final = re.compile(r"-?infinity\Z|\d{5,}-|.* BC\Z")
_ZONE_WORD: Final = re.compile(r"\s*(?:UTC|GMT|\[[A-Za-z_/+-]+\])\Z")
_UUID: Final = re.compile(r"(?i)\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?\Z")
_HIGH: Final = re.compile(r"(?i)([0-9a-f]{16})-[0-9a-f]{16}\Z")
_MICROSECONDS: Final = {
    TimeFormat.EPOCH_S: 1_000_000,
    TimeFormat.EPOCH_MS: 1000,
    TimeFormat.EPOCH_US: 1,
}
DOUBLED: Final = "the clock was set back in this hour, so it came twice; read as the first"
SKIPPED: Final = "the clock was set forward over this hour, so it never was; read as if it hadn't been"


def usable(moment: datetime, raw: object) -> datetime:
    """Return an aware moment in UTC; raises Unreadable for marks such as year 1 or 9999."""
    try:
        moment = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except OverflowError:
        raise Unreadable(raw_text(raw), "unusable time") from None
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise Unreadable(raw_text(raw), "unusable time")
    return moment


def localised(naive: datetime, zone: ZoneInfo | None, raw: object) -> datetime:
    """Return a naive time of a zone as UTC; None means UTC.

    Raises Unreadable with the first reading as its value where the hour is doubled, and for unusable times.
    """
    if zone is None:
        return usable(naive.replace(tzinfo=UTC), raw)
    first = naive.replace(tzinfo=zone, fold=0)
    moment = usable(first, raw)
    if first.utcoffset() == naive.replace(tzinfo=zone, fold=1).utcoffset():
        return moment
    there_again = moment.astimezone(zone).replace(tzinfo=None) == naive.replace(fold=0)
    raise Unreadable(raw_text(raw), DOUBLED if there_again else SKIPPED, moment)


def zone_of(name: str) -> ZoneInfo | None:
    """Return the zone of this name; None for UTC, which needs no arithmetic."""
    return None if name.upper() in ("UTC", "ETC/UTC", "GMT", "Z") else ZoneInfo(name)


def parse_iso(text: str) -> datetime | None:
    """Read ISO 8601 and what databases make of it; None for no time; raises ValueError."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if _NOTHING.match(text):
            return None
        return datetime.fromisoformat(_ZONE_WORD.sub("+00:00", text.strip()))


def zoned(raw: bytes) -> datetime | None:
    """Return a time that PostgreSQL wrote with its zone, in a session whose zone is UTC; raises Unreadable."""
    try:
        moment = _from_iso(raw.decode())
        if moment.tzinfo is UTC and FIRST_YEAR <= moment.year < LAST_YEAR:
            return moment
    except ValueError:
        pass
    return _UTC_TEXT(raw)


def naive_utc(raw: bytes) -> datetime | None:
    """Return a time that a database wrote without a zone and that is in UTC; raises Unreadable."""
    try:
        moment = _from_iso(raw.decode() + "+00:00")
        if FIRST_YEAR <= moment.year < LAST_YEAR:
            return moment
    except ValueError:
        pass
    return _UTC_TEXT(raw)


def utc_text(text: str) -> datetime | None:
    """Return a time that an application wrote as text, in UTC where it names no zone; raises Unreadable."""
    try:
        moment = _from_iso(text + "+00:00") if len(text) in _NAIVE_LENGTHS else _from_iso(text)
        if moment.tzinfo is UTC and FIRST_YEAR <= moment.year < LAST_YEAR:
            return moment
    except ValueError:
        pass
    return _UTC_TEXT(text)


def _number(value: Any) -> int | float | None:
    if value is None or isinstance(value, int | float):
        return value
    text = as_text(value) if isinstance(value, bytes) else str(value).strip()
    if not text:
        return None
    try:
        return int(text) if len(text) < 40 else math.inf
    except ValueError:
        try:
            return float(text)
        except ValueError:
            raise Unreadable(
                raw_text(text), "not a number, and the mapping says that it is a time as a number"
            ) from None


def _at(microseconds: int, raw: object, unit: str) -> datetime:
    try:
        moment = EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        moment = None
    if moment is None or not _PLAUSIBLE[0] <= moment.year < _PLAUSIBLE[1]:
        raise Unreadable(raw_text(raw), f"read as {unit} it would be a time that can't be meant")
    return moment


def epoch(factor: int, unit: str) -> TimeReader:
    """Return the reader of numbers that count from 1970; `factor` µs are one."""

    def read(value: Any) -> datetime | None:
        number = _number(value)
        if number is None:
            return None
        if isinstance(number, float):
            if not math.isfinite(number):
                raise Unreadable(raw_text(value), "not a number")
            number *= factor
            if not math.isfinite(number):
                raise Unreadable(raw_text(value), f"read as {unit} it would be a time that can't be meant")
            return _at(round(number), value, unit)
        return _at(number * factor, value, unit)

    return read


def dotnet_ticks(value: Any) -> datetime | None:
    """Read ticks of 100 ns since year 1; the two bits that say the kind are left out."""
    number = _number(value)
    if number is None:
        return None
    if not isinstance(number, int):
        raise Unreadable(raw_text(value), "ticks are whole numbers")
    return _at(((number & _TICKS_MASK) - _TICKS_1970) // 10, value, ".NET ticks")


def uuid_v7(value: Any) -> datetime | None:
    """Read the milliseconds that a UUID of version 7 begins with."""
    if value is None or value in ("", b""):
        return None
    if isinstance(value, bytes) and len(value) == 16:
        digits = value.hex()
    else:
        text = as_text(value) if isinstance(value, bytes) else str(value)
        found = _UUID.match(text.strip())
        if found is None:
            raise Unreadable(raw_text(text), "not a UUID")
        digits = "".join(found.groups()).lower()
    if digits[12] != "7":
        raise Unreadable(raw_text(value if isinstance(value, str) else digits), "not a UUID of version 7")
    return _at(int(digits[:12], 16) * 1000, value, "a UUID's milliseconds")


def id_high_ms(value: Any) -> datetime | None:
    """Read the milliseconds in the high word of an id such as `0000019a8e3b2c00-0242ac1200020000`."""
    if value is None or value in ("", b""):
        return None
    text = as_text(value) if isinstance(value, bytes) else str(value)
    found = _HIGH.match(text.strip())
    if found is None:
        raise Unreadable(raw_text(text), "not an id whose high word holds milliseconds")
    return _at(int(found[1], 16) * 1000, text, "an id's milliseconds")


def timestamps(zone: ZoneInfo | None) -> TimeReader:
    """Return the reader of texts and of datetimes; naive ones are in `zone`."""

    def read(value: Any) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            moment: datetime | None = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            raise Unreadable(
                raw_text(value), 'a number without a unit; say format = "epoch_s", "epoch_ms" or "epoch_us"'
            )
        else:
            text = as_text(value) if isinstance(value, bytes) else str(value)
            try:
                moment = parse_iso(text)
            except ValueError:
                raise Unreadable(raw_text(text), "unusable time" if _FAR.match(text) else "not a time") from None
        if moment is None:
            return None
        return usable(moment, value) if moment.tzinfo is not None else localised(moment, zone, value)

    return read


_UTC_TEXT: Final = timestamps(None)
_from_iso = datetime.fromisoformat


def time_reader(form: TimeFormat | None, zone: ZoneInfo | None) -> TimeReader:
    """Return the reader of loose values for one format; None lets the value's own type decide."""
    match form:
        case None | TimeFormat.TIMESTAMP | TimeFormat.ISO:
            return timestamps(zone)
        case TimeFormat.DOTNET_TICKS:
            return dotnet_ticks
        case TimeFormat.UUID_V7:
            return uuid_v7
        case TimeFormat.ID_HIGH_MS:
            return id_high_ms
        case _:
            return epoch(_MICROSECONDS[form], {"epoch_s": "seconds", "epoch_ms": "ms", "epoch_us": "µs"}[form])


DERIVING: Final = frozenset((TimeFormat.UUID_V7, TimeFormat.ID_HIGH_MS))
"""Formats whose time was not meant as one: it is labelled derived."""
