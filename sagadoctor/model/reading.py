"""One named number at one time; "no data" is None and never 0."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What a metrics backend said: `value` is None where it had no data."""

    name: str
    source: str
    value: float | None
    at: datetime | None = None
