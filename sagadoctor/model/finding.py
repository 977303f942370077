"""What is wrong with a saga, the facts it stands on, and what could be done."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from .remedy import Remedy


class Severity(StrEnum):
    """How bad: critical wakes a person, warning waits for the morning, info is as it should be."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def weight(self) -> int:
        """Return 3 for critical, 2 for warning, 1 for info."""
        return _WEIGHT[self]


_WEIGHT: Final = {Severity.CRITICAL: 3, Severity.WARNING: 2, Severity.INFO: 1}


class EvidenceKind(StrEnum):
    """Where a fact comes from; two facts of one kind and source can be wrong for one reason."""

    STATUS = "status"
    TIME = "time"
    LETTER = "letter"
    READING = "reading"
    PROBE = "probe"
    OBSERVATION = "observation"
    DECLARED = "declared"


STORE_KINDS: Final = frozenset(
    (EvidenceKind.STATUS, EvidenceKind.TIME, EvidenceKind.OBSERVATION, EvidenceKind.DECLARED)
)
"""Kinds that a store alone can give: they never make a repair `safe`."""


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """One fact for (`supports`) or against a finding, with its source and when it was true."""

    fact: str
    kind: EvidenceKind
    source: str
    supports: bool = True
    observed_at: datetime | None = None


class Subject(StrEnum):
    """What a finding is about."""

    SAGA = "saga"
    LETTER = "letter"
    QUEUE = "queue"
    STORE = "store"


class FindingStatus(StrEnum):
    """How a finding compares with the same reader's last scan."""

    NEW = "new"
    ONGOING = "ongoing"


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One thing wrong with one case.

    `since` is the progress it stands on, `late_seconds` how long its deadline has passed (None where there is no
    deadline), `about` the id within the store or queue where the subject isn't a saga.
    """

    id: str
    rule: str
    severity: Severity
    subject: Subject
    store: str
    summary: str
    evidence: tuple[Evidence, ...]
    remedies: tuple[Remedy, ...] = ()
    saga_id: str | None = None
    saga_type: str | None = None
    state: str | None = None
    raw_state: str | None = None
    step: str | None = None
    business_key: str | None = None
    since: datetime | None = None
    age_seconds: int | None = None
    late_seconds: int | None = None
    half_compensated: bool = False
    group: str = ""
    group_title: str = ""
    primary: bool = False
    status: FindingStatus = FindingStatus.NEW
    first_seen: datetime | None = None
    acknowledged_until: datetime | None = None
    about: str | None = None
    trace_id: str | None = None
    correlation_id: str | None = None
    runbook: str | None = None
    """What the configuration says to read when something is wrong at this step."""
