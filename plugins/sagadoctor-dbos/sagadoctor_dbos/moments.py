"""Milliseconds since 1970 as moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
LATEST_MS: Final = (_LATEST - _EPOCH) // timedelta(milliseconds=1)


def moment(milliseconds: object) -> datetime | None:
    """Return the moment; None for what is no time of any workflow."""
    if not isinstance(milliseconds, int | float) or isinstance(milliseconds, bool):
        return None
    if not -LATEST_MS < milliseconds < LATEST_MS:  # also what is no number at all
        return None
    at = _EPOCH + timedelta(milliseconds=milliseconds)
    return at if at >= _EARLIEST else None


def milliseconds(at: datetime) -> int:
    """Return the whole milliseconds since 1970."""
    return (at - _EPOCH) // timedelta(milliseconds=1)
