"""The report for a tired person: the worst sagas first, one entry a saga, then causes and what was not seen."""

from __future__ import annotations

import heapq
import itertools
import textwrap

from sagadoctor.cli.terminal import SEVERITY_GLYPH, Terminal
from sagadoctor.diagnosis.deadlines import words
from sagadoctor.export.command_line import show_command
from sagadoctor.model.finding import Finding, FindingStatus, Severity
from sagadoctor.model.report import ReportEnd
from sagadoctor.untrusted import shown

from .shape import Shape

_DEFAULT_LIMIT = 50
_GROUPS = 10


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
        if weight == Severity.INFO.weight and not self._terminal.verbose:
            self._at_rest += 1
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
                self._terminal.line(f"… and {self._left_out} more sagas; --limit shows more, -o json all of them")
                self._terminal.line()
        self._groups(end)
        self._rest(end)
        if entries and not self._shape.by_group:
            self._terminal.line()
            self._terminal.line("Look closer: " + show_command(entries[0][0], *self._shape.options))
        self._summary(end)

    def _entry(self, findings: list[Finding]) -> None:
        terminal, lead = self._terminal, findings[0]
        worst = max(findings, key=lambda each: each.severity.weight).severity
        glyph = terminal.glyph(SEVERITY_GLYPH[worst])
        name = terminal.paint(f"{glyph} {worst.value:<8} {lead.rule}", worst.value)
        what = " ".join(str(shown(part, 60)) for part in (lead.saga_type, lead.step and f"at {lead.step}") if part)
        terminal.line(f"{name}  {terminal.paint(what, 'bold')}")
        marks = [str(shown(lead.saga_id or lead.about or "", 80))]
        if lead.business_key:
            marks.append(str(shown(lead.business_key, 40)))
        marks.append(str(shown(lead.store, 40)))
        if lead.late_seconds is not None and lead.late_seconds > 0:
            marks.append(f"{words(lead.late_seconds)} late")
        if lead.age_seconds is not None and lead.saga_id is not None:
            marks.append(f"still for {words(lead.age_seconds)}")
        if lead.half_compensated:
            marks.append("half compensated")
        if lead.status is FindingStatus.ONGOING:
            marks.append("known since " + lead.first_seen.strftime("%m-%d %H:%M") if lead.first_seen else "ongoing")
        if lead.acknowledged_until is not None:
            marks.append("acknowledged until " + lead.acknowledged_until.strftime("%m-%d %H:%M"))
        terminal.line("    " + terminal.paint(" · ".join(marks), "dim"))
        for line in textwrap.wrap(shown(lead.summary, 400), terminal.width - 4):
            terminal.line("    " + line)
        others = findings[1:]
        if others:
            also = ", ".join(finding.rule for finding in others)
            terminal.line("    " + terminal.paint(f"also: {also}", "dim"))
        for remedy in lead.remedies[:1]:
            for line in textwrap.wrap(
                f"{remedy.advice.value}: {remedy.kind.value}, {shown(remedy.because, 240)}",
                terminal.width - 6,
                initial_indent="    → ",
                subsequent_indent="      ",
            ):
                terminal.line(line)
        terminal.line()

    def _groups(self, end: ReportEnd) -> None:
        groups = [group for group in end.groups if group.severity is not Severity.INFO or self._terminal.verbose]
        if not groups or (len(groups) < 2 and not self._shape.by_group):
            return
        most = self._limit if self._shape.by_group else _GROUPS
        self._terminal.line(self._terminal.paint("Causes", "bold"))
        for group in groups[:most]:
            title = shown(group.title, max(20, self._terminal.width - 44))
            word = "saga " if group.sagas == 1 else "sagas"
            line = f"  {group.sagas:>5} {word}  {group.severity.value:<8}  {title}"
            self._terminal.line(line)
            if self._shape.by_group:
                when = f"oldest {group.oldest:%Y-%m-%d %H:%M}, " if group.oldest else ""
                self._terminal.line(
                    self._terminal.paint(f"        {when}{group.id}, e.g. {shown(group.example, 60)}", "dim")
                )
        if len(groups) > most:
            self._terminal.line(f"  … and {len(groups) - most} more causes")
        self._terminal.line()

    def _rest(self, end: ReportEnd) -> None:
        terminal = self._terminal
        for spot in end.blind_spots:
            hint = f" ({shown(spot.hint, 600)})" if spot.hint else ""
            since = f", last seen {spot.since:%Y-%m-%d %H:%M}" if spot.since else ""
            terminal.line(
                terminal.paint(f"NOT SEEN  {shown(spot.source, 60)}: {shown(spot.reason, 600)}{since}{hint}", "warning")
            )
        if end.truncated:
            terminal.line(terminal.paint("NOT ALL   rows beyond the cap were left out (policy.live_cap)", "warning"))
        for note in end.notes:
            terminal.say(f"note: {shown(note, 400)}")

    def _summary(self, end: ReportEnd) -> None:
        summary = end.summary
        parts = []
        if summary.critical:
            parts.append(self._terminal.paint(f"{summary.critical} critical", "critical"))
        if summary.warning:
            parts.append(self._terminal.paint(f"{summary.warning} warning", "warning"))
        told = ", ".join(parts) if parts else self._terminal.paint("nothing wrong in what was read", "good")
        text = f"{told}: {summary.sagas} of {end.sagas} sagas read" if parts else f"{told}: {end.sagas} sagas"
        if self._at_rest:
            text += f"; {self._at_rest} rest as they should (-v lists them)"
        if summary.acknowledged:
            text += f"; {summary.acknowledged} acknowledged"
        if end.resolved:
            text += f"; {len(end.resolved)} resolved since the last scan"
        if not end.complete:
            text += self._terminal.paint("; INCOMPLETE", "warning")
        self._terminal.line(text)
