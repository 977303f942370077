"""Counting while findings stream by: groups, severities, blind spots; bounded whatever the number of findings."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sagadoctor.model.finding import Finding, Severity
from sagadoctor.model.report import BlindSpot, Group, ReportEnd, Summary

_MOST_GROUPS = 5_000


class _Counted(msgspec.Struct):
    title: str
    rule: str
    severity: Severity
    example: str
    sagas: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None


class Tally(msgspec.Struct):
    """What is known of a scan so far."""

    as_of: datetime
    rows: int = 0
    letters: int = 0
    truncated: bool = False
    blind_spots: list[BlindSpot] = msgspec.field(default_factory=list)
    complete_sources: set[str] = msgspec.field(default_factory=set)
    unheard: frozenset[str] = frozenset()
    """Stores that could not be asked about another store's sagas."""
    windows: dict[str, datetime] = msgspec.field(default_factory=dict)
    """By store, since when its ended sagas were read."""
    met: set[str] = msgspec.field(default_factory=set)
    """Of sagas that were asked for by id: their ids, and how they were spelt."""
    _notes: dict[str, None] = msgspec.field(default_factory=dict)
    _groups: dict[str, _Counted] = msgspec.field(default_factory=dict)
    _severities: dict[Severity, int] = msgspec.field(default_factory=dict)
    _sick: int = 0
    _acknowledged: int = 0
    _worst: Severity | None = None
    _saga: tuple[str, str | None] | None = None

    def note(self, *notes: str) -> None:
        """Keep what a person should know beside the findings, once each."""
        self._notes.update(dict.fromkeys(notes))

    def blind(self, spot: BlindSpot) -> None:
        """Keep a source that could not be seen."""
        self.blind_spots.append(spot)

    def count(self, finding: Finding) -> None:
        """Take one finding into account; findings of one saga come side by side."""
        self._severities[finding.severity] = self._severities.get(finding.severity, 0) + 1
        if finding.severity is not Severity.INFO:
            saga = (finding.store, finding.saga_id)
            if finding.saga_id is not None and saga != self._saga:
                self._sick += 1
                self._saga = saga
        if finding.acknowledged_until is not None:
            self._acknowledged += 1
        elif self._worst is None or finding.severity.weight > self._worst.weight:
            self._worst = finding.severity
        self._group(finding)

    def _group(self, finding: Finding) -> None:
        group = self._groups.get(finding.group)
        if group is None:
            if len(self._groups) >= _MOST_GROUPS:
                self.note(f"more than {_MOST_GROUPS} groups: the list of groups is cut, the findings are all there")
                return
            example = finding.saga_id or finding.about or finding.store
            group = _Counted(finding.group_title, finding.rule, finding.severity, example)
            self._groups[finding.group] = group
        group.sagas += 1
        if finding.since is not None:
            group.oldest = finding.since if group.oldest is None else min(group.oldest, finding.since)
            group.newest = finding.since if group.newest is None else max(group.newest, finding.since)

    def end(self, resolved: tuple[str, ...]) -> ReportEnd:
        """Return the report's end: the worst groups first."""
        groups = sorted(
            self._groups.items(), key=lambda pair: (-pair[1].severity.weight, -pair[1].sagas, pair[1].title)
        )
        return ReportEnd(
            as_of=self.as_of,
            groups=tuple(
                Group(key, each.title, each.rule, each.severity, each.sagas, each.oldest, each.newest, each.example)
                for key, each in groups
            ),
            resolved=resolved,
            blind_spots=tuple(self.blind_spots),
            sagas=self.rows,
            letters=self.letters,
            truncated=self.truncated,
            complete=not self.blind_spots and not self.truncated,
            summary=Summary(
                critical=self._severities.get(Severity.CRITICAL, 0),
                warning=self._severities.get(Severity.WARNING, 0),
                info=self._severities.get(Severity.INFO, 0),
                sagas=self._sick,
                acknowledged=self._acknowledged,
            ),
            notes=tuple(self._notes),
            worst_unacknowledged=self._worst,
        )
