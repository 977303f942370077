"""Markdown for people elsewhere, and one line for Nagios."""

from __future__ import annotations

import heapq
import itertools

from sagadoctor.cli.terminal import Terminal
from sagadoctor.export.markdown import end_section, finding_section
from sagadoctor.export.wire import moment
from sagadoctor.model.finding import Finding, Severity
from sagadoctor.model.report import ReportEnd
from sagadoctor.untrusted import sentence, shown

from .shape import Shape


class MarkdownRenderer:
    """A page to paste: findings as a list with their evidence, then the summary."""

    def __init__(self, terminal: Terminal, shape: Shape) -> None:
        """Keep where and how to write."""
        self._terminal = terminal
        self._shape = shape
        self._printed = 0
        self._cut = 0

    def start(self) -> None:
        """Write the title."""
        self._terminal.line(f"# Sagas as of {moment(self._shape.as_of)}\n")

    def finding(self, finding: Finding) -> None:
        """Write one finding."""
        if self._shape.by_group:
            return
        if self._shape.limit is not None and self._printed >= self._shape.limit:
            self._cut += 1
            return
        self._printed += 1
        self._terminal.line(finding_section(finding))

    def end(self, end: ReportEnd) -> None:
        """Write the summary."""
        if self._cut:
            self._terminal.line(f"\n{self._cut} more findings were left out by the limit.")
        if end.truncated:
            self._terminal.line("\nRows were left out: this is not all.")
        self._terminal.line(end_section(end))


class NagiosRenderer:
    """One status line with performance data, and the worst findings below it."""

    _LISTED = 10

    def __init__(self, terminal: Terminal, shape: Shape) -> None:
        """Keep where to write."""
        self._out = terminal.out
        self._order = itertools.count(0, -1)
        self._worst: list[tuple[tuple[int, int, int], str]] = []

    def start(self) -> None:
        """Write nothing: the status comes first, and it isn't known yet."""

    def finding(self, finding: Finding) -> None:
        """Keep the few that matter most."""
        if finding.severity is Severity.INFO or finding.acknowledged_until is not None or not finding.primary:
            return
        about = shown(finding.saga_id or finding.about or finding.store, 60)
        line = f"{finding.severity.value} {finding.rule} {about}: {sentence(finding.summary, 160)}"
        rank = (finding.severity.weight, finding.late_seconds or finding.age_seconds or 0, next(self._order))
        heapq.heappush(self._worst, (rank, line.replace("|", "/")))
        if len(self._worst) > self._LISTED:
            heapq.heappop(self._worst)

    def end(self, end: ReportEnd) -> None:
        """Write the status line."""
        from sagadoctor.cli.exits import Nagios, of_nagios

        state = of_nagios(end)
        summary = end.summary
        text = f"{summary.critical} critical, {summary.warning} warning in {end.sagas} sagas"
        if summary.acknowledged:
            text += f", {summary.acknowledged} acknowledged"
        if not end.complete:
            missing = ", ".join(str(shown(spot.source, 40)) for spot in end.blind_spots) or "rows left out"
            text += f", INCOMPLETE ({missing})".replace("|", "/")
        numbers = f"critical={summary.critical} warning={summary.warning} info={summary.info} sagas={end.sagas}"
        label = Nagios(state).name
        self._out.write(_plain(f"SAGAS {label} - {text} | {numbers}\n"))
        for _, line in sorted(self._worst, reverse=True):
            self._out.write(_plain(line + "\n"))


def _plain(text: str) -> str:
    return text if text.isascii() else text.encode("ascii", "backslashreplace").decode("ascii")
