"""What was seen when: how a store without times still gets an `unchanged since`."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Observation(msgspec.Struct, frozen=True, gc=False):
    """The row had this fingerprint from `since` (first seen so) until `seen_at` (last look)."""

    fingerprint: str
    since: datetime
    seen_at: datetime
    first_look: bool = False
    """Nobody had looked at this row before: `since` says nothing about how long it has stood still."""
