"""A report as Markdown, fit to be pasted into an incident channel."""

from __future__ import annotations

import re
from typing import Final

from sagadoctor.model.finding import Finding
from sagadoctor.model.report import ReportEnd
from sagadoctor.untrusted import shown

from .wire import moment

_ACTIVE: Final = re.compile(r"[\\`*_{}\[\]()<>#+!|~&@:.$^=-]")
_ENTITIES: Final = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_REFERENCE: Final = re.compile(r"[@#]+")


def text(value: object, limit: int | None = None) -> str:
    """Return outside text that no Markdown renderer reads as markup, link or mention."""
    return "".join(
        f"`{run}`" if _REFERENCE.fullmatch(run) else _ACTIVE.sub(_escaped, run)
        for run in re.split(r"([@#]+)", shown(value, limit))
    )


def _escaped(found: re.Match[str]) -> str:
    return _ENTITIES.get(found.group(), f"\\{found.group()}")


def finding_section(finding: Finding) -> str:
    """Return one finding as a list entry with its evidence and remedies."""
    about = finding.saga_id or finding.about or finding.store
    head = f"- **{finding.severity.value} {finding.rule}** {text(about, 120)}"
    where = ", ".join(
        text(part, 80) for part in (finding.saga_type, finding.step, finding.business_key) if part is not None
    )
    lines = [f"{head} ({where})" if where else head, f"  {text(finding.summary, 400)}"]
    if finding.since is not None:
        lines.append(f"  since {moment(finding.since)}, {finding.status.value}")
    lines += [
        f"  - {'for' if fact.supports else 'against'}: {text(fact.fact, 300)} ({text(fact.source, 80)})"
        for fact in finding.evidence
    ]
    lines += [
        f"  - {remedy.kind.value}: **{remedy.advice.value}**, {text(remedy.because, 300)}"
        for remedy in finding.remedies
    ]
    return "\n".join(lines)


def end_section(end: ReportEnd) -> str:
    """Return groups, blind spots and the summary."""
    summary = end.summary
    lines = ["", "## Summary", ""]
    lines.append(
        f"{summary.critical} critical, {summary.warning} warning, {summary.info} info; "
        f"{end.sagas} sagas read; {'complete' if end.complete else 'INCOMPLETE'}"
    )
    if end.groups:
        lines += ["", "| sagas | severity | cause | group |", "|---|---|---|---|"]
        lines += [
            f"| {group.sagas} | {group.severity.value} | {text(group.title, 160)} | {group.id} |"
            for group in end.groups
        ]
    if end.blind_spots:
        lines += ["", "**Not seen:**", ""]
        lines += [f"- {text(spot.source)}: {text(spot.reason, 400)}" for spot in end.blind_spots]
    lines += [f"\n{text(note)}" for note in end.notes]
    return "\n".join(lines)
