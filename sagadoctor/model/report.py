"""What one scan says: blind spots, groups and a summary around the stream of findings."""

from __future__ import annotations

from datetime import datetime

import msgspec

from .finding import Severity


class BlindSpot(msgspec.Struct, frozen=True, gc=False):
    """A backend, or a part of one, that could not be seen; never counted as healthy."""

    source: str
    reason: str
    since: datetime | None = None
    hint: str = ""


class Group(msgspec.Struct, frozen=True, gc=False):
    """Findings of one cause."""

    id: str
    title: str
    rule: str
    severity: Severity
    sagas: int
    oldest: datetime | None
    newest: datetime | None
    example: str
    """The id of one finding's saga (or letter) of the group."""


class Summary(msgspec.Struct, frozen=True, gc=False):
    """How many findings of each severity, and how many sagas have a warning or worse."""

    critical: int = 0
    warning: int = 0
    info: int = 0
    sagas: int = 0
    acknowledged: int = 0


class ReportEnd(msgspec.Struct, frozen=True, gc=False):
    """What follows the findings: everything that is known only when the scan is over."""

    as_of: datetime
    groups: tuple[Group, ...]
    resolved: tuple[str, ...]
    blind_spots: tuple[BlindSpot, ...]
    sagas: int
    letters: int
    truncated: bool
    complete: bool
    summary: Summary
    notes: tuple[str, ...] = ()
    worst_unacknowledged: Severity | None = None
