"""What the ledger remembers of findings: which reader saw what since when, and what a person acknowledged."""

from __future__ import annotations

from datetime import datetime

import msgspec

from .finding import FindingStatus, Severity


class SeenFinding(msgspec.Struct, frozen=True, gc=False):
    """As much of a finding as its comparison with the next scan needs.

    `ended` tells that the saga had ended: it leaves the window of a scan without being mended. `under` names the
    primary finding of the same saga and its group, where this one isn't the primary itself: it isn't remembered.
    """

    id: str
    group: str
    store: str
    rule: str
    severity: Severity
    saga_type: str | None
    saga_id: str | None
    since: datetime | None
    ended: bool = False
    under: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """Return what may be acknowledged to make this finding silent."""
        return (self.id, self.group, *self.under)


class Standing(msgspec.Struct, frozen=True, gc=False):
    """How a finding stands with one reader: new or ongoing, since when, and until when it is acknowledged."""

    status: FindingStatus
    first_seen: datetime
    acknowledged_until: datetime | None = None


class ScanTicket(msgspec.Struct, frozen=True, gc=False):
    """One reader's running scan; `before` is when this reader's last complete scan of each source began.

    `notes` say what is remembered and yet of no use, such as of another database that had a store's name.
    """

    reader: str
    number: int
    started: datetime
    before: dict[str, datetime] = msgspec.field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Acknowledgement(msgspec.Struct, frozen=True, gc=False):
    """A person's word that a finding, or a group of one cause, is known; silent until it expires."""

    target: str
    until: datetime
    by: str
    reason: str
    at: datetime
