"""A report as Markdown, fit to be pasted into an incident channel."""

from __future__ import annotations

import re
from typing import Final

from sagadoctor.model.finding import Finding
from sagadoctor.model.report import ReportEnd
from sagadoctor.untrusted import shown

from .wire import moment

_ACTIVE: Final = re.compile(
    r"[\\`*\[\]<>|~$]"  # markup wherever it stands
    r"|&(?=#?\w+;)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=www)\."  # entities, emphasis, addresses
    r"|^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]"  # lists and headings begin a line
)
_ENTITIES: Final = {"<": "&lt;", ">": "&gt;"}
_REFERENCE: Final = re.compile(r"([@#]+)")


def text(value: object, limit: int | None = None) -> str:
    """Return outside text that no Markdown renderer reads as markup, link or mention.

    What mentions a person or another issue stands in a code span: renderers resolve an escaped one all the same.
    """
    runs = _REFERENCE.split(_ACTIVE.sub(_escaped, shown(value, limit)))
    return "".join(f"`{run}`" if _REFERENCE.fullmatch(run) else run for run in runs)


def _escaped(found: re.Match[str]) -> str:
    return _ENTITIES.get(found.group(), f"\\{found.group()}")


def code(value: object, limit: int | None = None) -> str:
    """Return a name from outside as a code span, fit to be copied."""
    inert = shown(value, limit)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", inert)), default=0))
    padded = inert.strip() and inert[0] == inert[-1] == " "  # a renderer takes one blank from each side
    room = " " if "`" in inert or not inert or padded else ""
    return f"{fence}{room}{inert}{room}{fence}"


def finding_section(finding: Finding) -> str:
    """Return one finding as a list entry with its evidence and remedies."""
    about = finding.saga_id or finding.about or finding.store
    head = f"- **{finding.severity.value} {finding.rule}** {code(about, 120)}"
    where = ", ".join(
        code(part, 80) for part in (finding.saga_type, finding.step, finding.business_key) if part is not None
    )
    lines = [f"{head} ({where})" if where else head, f"  {text(finding.summary, 400)}"]
    if finding.since is not None:
        lines.append(f"  since {moment(finding.since)}, {finding.status.value}")
    lines += [
        f"  - {'for' if fact.supports else 'against'}: {text(fact.fact, 300)} ({code(fact.source, 80)})"
        for fact in finding.evidence
    ]
    lines += [
        f"  - {remedy.kind.value}: {'' if remedy.kind.value == remedy.advice.value else f'**{remedy.advice.value}**, '}"
        f"{text(remedy.because, 300)}"
        for remedy in finding.remedies
    ]
    if finding.runbook is not None:
        lines.append(f"  - runbook: {text(finding.runbook, 2000)}")
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
            f"| {group.sagas} | {group.severity.value} | {text(group.title, 160)} | {code(group.id)} |"
            for group in end.groups
        ]
    if end.blind_spots:
        lines += ["", "**Not seen:**", ""]
        lines += [f"- {code(spot.source, 80)}: {text(spot.reason, 400)}" for spot in end.blind_spots]
    lines += [f"\n{text(note)}" for note in end.notes]
    return "\n".join(lines)
