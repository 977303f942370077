"""Short questions that a test asks about findings."""

from __future__ import annotations

from collections.abc import Iterable

from sagadoctor.model.finding import Evidence, EvidenceKind, Finding, Severity
from sagadoctor.model.remedy import Advice, RemedyKind


def rules(found: Iterable[Finding]) -> list[str]:
    """Return the rules that hold, the primary one first."""
    return [finding.rule for finding in found]


def bad(found: Iterable[Finding]) -> set[str]:
    """Return the rules that hold at warning or above."""
    return {finding.rule for finding in found if finding.severity is not Severity.INFO}


def named(found: Iterable[Finding], rule: str) -> Finding:
    """Return the finding of this rule, which must be there."""
    answer = [finding for finding in found if finding.rule == rule]
    assert len(answer) == 1, f"{rule} is not among {rules(found)}"
    return answer[0]


def primary(found: Iterable[Finding], rule: str) -> Finding:
    """Return the finding of this rule, which must be the primary one."""
    finding = named(found, rule)
    assert finding.primary, f"{rule} is not the primary one of {rules(found)}"
    return finding


def advised(finding: Finding) -> dict[tuple[RemedyKind, str | None], Advice]:
    """Return the advice of each remedy by its kind and step."""
    return {(remedy.kind, remedy.step): remedy.advice for remedy in finding.remedies}


def override(finding: Finding, kind: RemedyKind, step: str | None = None) -> str | None:
    """Return the code that lifts the refusal of one remedy."""
    return next(remedy.override for remedy in finding.remedies if (remedy.kind, remedy.step) == (kind, step))


def supporting(finding: Finding) -> set[EvidenceKind]:
    """Return the kinds of the facts for a finding."""
    return {fact.kind for fact in finding.evidence if fact.supports}


def against(finding: Finding) -> list[Evidence]:
    """Return the facts against a finding."""
    return [fact for fact in finding.evidence if not fact.supports]


def facts(finding: Finding) -> str:
    """Return all facts of a finding as one text."""
    return "\n".join(fact.fact for fact in finding.evidence)
