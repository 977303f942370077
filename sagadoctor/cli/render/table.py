"""The report for a tired person: the worst sagas first, one entry a saga, then causes and what was not seen."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence
from datetime import datetime

from sagadoctor.cli.terminal import ADVICE_COLOUR, SEVERITY_GLYPH, Terminal
from sagadoctor.diagnosis.deadlines import words
from sagadoctor.export.command_line import scan_group_command, show_command
from sagadoctor.model.finding import Finding, FindingStatus, Severity, Subject
from sagadoctor.model.report import Group, ReportEnd
from sagadoctor.model.saga import ENDED
from sagadoctor.untrusted import sentence, shown

from .shape import Shape

_DEFAULT_LIMIT = 50
_GROUPS = 10
_NARROW = 30
"""Less room than this for a title makes too many lines of it: it begins further left."""


class TableRenderer:
    """Keeps at most the limit's worst sagas while findings stream by, and prints them at the end."""

    def __init__(self, terminal: Terminal, shape: Shape) -> None:
        """Keep where and how to write."""
        self._terminal = terminal
        self._shape = shape
        self._limit = shape.limit if shape.limit is not None else _DEFAULT_LIMIT
        self._worst: list[tuple[tuple[int, int, int], list[Finding]]] = []
        self._order = itertools.count(0, -1)
        self._open: list[Finding] = []
        self._left_out = 0
        self._at_rest = 0

    def start(self) -> None:
        """Write nothing yet."""

    def finding(self, finding: Finding) -> None:
        """Keep a finding with those of the same saga."""
        if self._open and self._same(self._open[0], finding):
            self._open.append(finding)
            return
        self._close()
        self._open = [finding]

    @staticmethod
    def _same(one: Finding, other: Finding) -> bool:
        return (one.store, one.subject, one.saga_id, one.about) == (
            other.store,
            other.subject,
            other.saga_id,
            other.about,
        )

    def _close(self) -> None:
        findings, self._open = self._open, []
        if not findings:
            return
        weight = max(finding.severity.weight for finding in findings)
        if weight == Severity.INFO.weight:
            self._at_rest += 1
            if not self._terminal.verbose:
                return
        lead = findings[0]
        rank = (weight, lead.late_seconds or lead.age_seconds or 0, next(self._order))
        heapq.heappush(self._worst, (rank, findings))
        if len(self._worst) > self._limit:
            heapq.heappop(self._worst)
            self._left_out += 1

    def end(self, end: ReportEnd) -> None:
        """Print everything."""
        self._close()
        entries = [findings for _, findings in sorted(self._worst, key=lambda entry: entry[0], reverse=True)]
        if not self._shape.by_group:
            for findings in entries:
                self._entry(findings)
            if self._left_out:
                text = f"… and {self._left_out} more sagas; {self._more} shows more, -o json all of them"
                self._terminal.line(text)
                self._terminal.line()
        self._groups(end)
        self._rest(end)
        self._summary(end)
        if command := self._next(end, [findings[0] for findings in entries]):
            self._terminal.line(f"Look closer: {command}")

    @property
    def _more(self) -> str:
        """Say what to give so that more is printed."""
        return "--limit" if self._shape.limit is None else "a higher --limit"

    def _next(self, end: ReportEnd, leads: Sequence[Finding]) -> str | None:
        """Return the command that shows more of what is worst."""
        if self._shape.by_group:
            return scan_group_command(end.groups[0].id, *self._shape.options) if end.groups and leads else None
        about_sagas = [lead for lead in leads if lead.subject is Subject.SAGA]
        if not about_sagas:
            return None
        return show_command(about_sagas[0], *self._shape.options, plain=self._terminal.ascii)

    def _entry(self, findings: list[Finding]) -> None:
        terminal, lead = self._terminal, findings[0]
        severity = lead.severity
        glyph = terminal.glyph(SEVERITY_GLYPH[severity])
        name = terminal.paint(f"{glyph} {severity.value:<8} {lead.rule}", severity.value)
        what = " ".join(str(shown(part, 60)) for part in (lead.saga_type, lead.step and f"at {lead.step}") if part)
        fits = len(what) + len(lead.rule) + 13 <= terminal.width
        terminal.line(f"{name}  {terminal.paint(what, 'bold')}" if what and fits else name)
        if what and not fits:
            terminal.line(f"    {terminal.paint(what, 'bold')}")
        marks = [str(shown(lead.saga_id or lead.about or "", 80)) or "''"]
        if lead.business_key:
            marks.append(str(shown(lead.business_key, 40)))
        marks.append(str(shown(lead.store, 40)))
        if lead.late_seconds is not None and lead.late_seconds > 0:
            marks.append(f"{words(lead.late_seconds)} late")
        if lead.age_seconds is not None and lead.saga_id is not None:
            verb = "ended" if lead.state in ENDED else "last progress"
            marks.append(f"{verb} {words(lead.age_seconds)} ago")
        if lead.half_compensated:
            marks.append("half compensated")
        if lead.status is FindingStatus.ONGOING:
            marks.append(f"known since {self._at(lead.first_seen)}" if lead.first_seen else "ongoing")
        if lead.acknowledged_until is not None:
            marks.append(f"acknowledged until {self._at(lead.acknowledged_until)}")
        terminal.flowing(marks, "    ", "dim")
        terminal.wrapped(sentence(lead.summary, 400), "    ")
        if findings[1:]:
            also = ", ".join(f"{finding.severity.value} {finding.rule}" for finding in findings[1:])
            terminal.wrapped(f"also: {also}", "    ")
        for remedy in lead.remedies[:1]:
            what = f" {remedy.kind.value}," if remedy.kind.value != remedy.advice.value else ""
            terminal.wrapped(
                f":{what} {sentence(remedy.because, 240)}",
                "    → ",
                head=remedy.advice.value,
                colour=ADVICE_COLOUR[remedy.advice],
            )
        terminal.line()

    def _at(self, at: datetime) -> str:
        return f"{at:%H:%M} UTC" if at.date() == self._shape.as_of.date() else f"{at:%Y-%m-%d %H:%M} UTC"

    def _groups(self, end: ReportEnd) -> None:
        """List the causes: all of them by group, else only those that several sagas share."""
        by_group = self._shape.by_group
        groups = [group for group in end.groups if group.severity is not Severity.INFO or self._terminal.verbose]
        if not by_group:
            groups = [group for group in groups if group.sagas > 1 and len(end.groups) > 1]
        if not groups:
            return
        most = self._limit if by_group else _GROUPS
        self._terminal.line(self._terminal.paint("Causes" if by_group else "Shared causes", "bold"))
        for group in groups[:most]:
            self._group(group)
        if len(groups) > most:
            more = self._more if by_group else "--by-group"
            self._terminal.line(f"  … and {len(groups) - most} more causes; {more} shows more")
        self._terminal.line()

    def _group(self, group: Group) -> None:
        """Print a cause: how many, its id (which `ack --group` and `scan --group` take), and its whole title."""
        terminal = self._terminal
        glyph = terminal.glyph(SEVERITY_GLYPH[group.severity])
        word = "saga" if group.sagas == 1 else "sagas"
        lead = f"  {group.sagas:>5} {word:<5} "
        name = f"{shown(group.id, 40)} "
        hang = len(glyph) + 1 + len(name)
        if terminal.width - len(lead) - hang < _NARROW:
            hang = 2
        text = f"{name}{sentence(group.title, 400)}"
        terminal.wrapped(text, lead, head=f"{glyph} ", colour=group.severity.value, hang=hang)

    def _rest(self, end: ReportEnd) -> None:
        terminal = self._terminal
        for spot in end.blind_spots:
            hint = f" ({sentence(spot.hint, 600)})" if spot.hint else ""
            since = f", last seen {spot.since:%Y-%m-%d %H:%M}" if spot.since else ""
            text = f"  {shown(spot.source, 60)}: {sentence(spot.reason, 600)}{since}{hint}"
            terminal.wrapped(text, "", head="NOT SEEN", colour="warning")
        if end.truncated:
            text = "   rows beyond the cap were left out (policy.live_cap)"
            terminal.wrapped(text, "", head="NOT ALL", colour="warning")
        for note in end.notes:
            terminal.say(f"note: {sentence(note, 400)}")

    def _summary(self, end: ReportEnd) -> None:
        summary = end.summary
        found = [(summary.critical, "critical"), (summary.warning, "warning")]
        told = ", ".join(f"{number} {word}" for number, word in found if number)
        if told:
            head, colour = told, "critical" if summary.critical else "warning"
            text = f" in {summary.sagas} of {_sagas(end.sagas)}"
        elif end.sagas:
            head, colour = "nothing wrong" if self._at_rest else self._shape.nothing, "good"
            text = f" in {_sagas(end.sagas)}" if end.complete else f" in the {_sagas(end.sagas)} that could be read"
        else:
            head, colour, text = "no saga was read", "warning", ""
        if self._at_rest:
            text += f"; {self._at_rest} rest as they should"
            text += "" if self._terminal.verbose else " (-v lists them)"
        if summary.acknowledged:
            text += f"; {summary.acknowledged} acknowledged"
        if end.resolved:
            text += f"; {len(end.resolved)} resolved since the last scan"
        if not end.complete:
            text += "; INCOMPLETE"
        self._terminal.wrapped(text, "", head=head, colour=colour)


def _sagas(number: int) -> str:
    return f"{number} saga" if number == 1 else f"{number} sagas"
