"""The report as JSON, in the words of the contract: ASCII-safe, UTC, complete or saying that it is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from sagadoctor.late import LatePattern
from sagadoctor.model.finding import Finding
from sagadoctor.model.report import BlindSpot, Group, ReportEnd

from .command_line import remedy_command
from .links import links

SCHEMA: Final = "sagadoctor.report/1"

_BEYOND_ASCII: Final = LatePattern(r"[^\x00-\x7f]")


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _paired(value: Any) -> Any:
    """Replace lone surrogates, which no JSON encoder takes, by their visible names."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_paired(key): _paired(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_paired(inner) for inner in value]
    return value


def encode(value: Any) -> str:
    """Return JSON of a value in printable ASCII only (DEL and everything above is escaped too), on one line."""
    try:
        raw = msgspec.json.encode(value)
    except UnicodeEncodeError:
        raw = msgspec.json.encode(_paired(value))
    text = raw.decode("utf-8")
    if not raw.isascii():
        text = _BEYOND_ASCII.sub(_escape, text)
    return text.replace("\x7f", "\\u007f") if b"\x7f" in raw else text


def moment(at: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC, to the second (or finer where the source was finer)."""
    if at is None:
        return None
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat()[:-6] + "Z"  # without its `+00:00`


def _utc(at: datetime | None) -> datetime | None:
    """Return a time as the encoder writes it like `moment`."""
    return at if at is None or at.tzinfo is UTC else at.astimezone(UTC)


def finding_wire(finding: Finding, templates: Mapping[str, str], options: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a finding as the contract writes it."""
    wire: dict[str, Any] = {
        "id": finding.id,
        "status": finding.status,
        "primary": finding.primary,
        "subject": finding.subject,
        "rule": finding.rule,
        "severity": finding.severity,
        "store": finding.store,
        "saga_id": finding.saga_id,
        "saga_type": finding.saga_type,
        "state": finding.state,
        "raw_state": finding.raw_state,
        "business_key": finding.business_key,
        "step": finding.step,
        "since": _utc(finding.since),
        "age_seconds": finding.age_seconds,
        "late_seconds": finding.late_seconds,
        "half_compensated": finding.half_compensated,
        "summary": finding.summary,
        "group": finding.group,
        "evidence": [
            {
                "fact": fact.fact,
                "kind": fact.kind,
                "source": fact.source,
                "for": fact.supports,
                "observed_at": _utc(fact.observed_at),
            }
            for fact in finding.evidence
        ],
        "remedies": [
            {
                "kind": remedy.kind,
                "step": remedy.step,
                "advice": remedy.advice,
                "because": remedy.because,
                "override": remedy.override,
                "command": remedy_command(finding, remedy, *options),
            }
            for remedy in finding.remedies
        ],
        "first_seen": _utc(finding.first_seen),
        "acknowledged_until": _utc(finding.acknowledged_until),
    }
    if finding.runbook is not None:
        wire["runbook"] = finding.runbook
    made = links(finding, templates) if templates else None
    if made:
        wire["links"] = made
    return wire


def group_wire(group: Group) -> dict[str, Any]:
    """Return a group as the contract writes it."""
    return {
        "id": group.id,
        "title": group.title,
        "rule": group.rule,
        "severity": group.severity,
        "sagas": group.sagas,
        "oldest": moment(group.oldest),
        "newest": moment(group.newest),
        "example": group.example,
    }


def blind_spot_wire(spot: BlindSpot) -> dict[str, Any]:
    """Return a blind spot as the contract writes it."""
    wire: dict[str, Any] = {"source": spot.source, "reason": spot.reason, "since": moment(spot.since)}
    if spot.hint:
        wire["hint"] = spot.hint
    return wire


def end_wire(end: ReportEnd, *, cut: bool) -> dict[str, Any]:
    """Return what follows the findings; `cut` tells that a limit left some of them out."""
    summary = end.summary
    return {
        "groups": [group_wire(group) for group in end.groups],
        "resolved": list(end.resolved),
        "blind_spots": [blind_spot_wire(spot) for spot in end.blind_spots],
        "scanned": {"sagas": end.sagas, "letters": end.letters},
        "truncated": end.truncated or cut,
        "complete": end.complete,
        "notes": list(end.notes),
        "summary": {
            "critical": summary.critical,
            "warning": summary.warning,
            "info": summary.info,
            "sagas": summary.sagas,
            "acknowledged": summary.acknowledged,
        },
    }
