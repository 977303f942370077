"""Findings and ends of reports made by hand, full of everything unless a test takes something away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from sagadoctor.model.finding import Evidence, EvidenceKind, Finding, Severity, Subject
from sagadoctor.model.remedy import Advice, Remedy, RemedyKind
from sagadoctor.model.report import BlindSpot, Group, ReportEnd, Summary

NOW: Final = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)

ODD_TEXTS: Final = (
    "\x1b[31mred\x1b[0m",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x9b31m\x85\x90",
    "a\nb\r\nc\td",
    "nul\x00del\x7f",
    "\u202eevil\u2066 \u200b\u200d\ufeff\u2028\u2029",
    "\udc80lone\ud800",
    "\U000e0001tag\ue000private",
    "[@click=app.bell]x[/]",
    "../../etc/passwd",
    "%s %d {0} {x.__class__}",
    "-rf --no-preserve-root",
    "=cmd|' /C calc'!A0",
    "+1+1@SUM(A1)",
    "`id` $(id) \"$HOME\" 'x' ; rm -rf / # & | > <",
    "👩‍👩‍👧‍👦 Ünïcødé 漢字",
    "**bold** _it_ [text](http://evil.example) <img src=x> ![i](u) <https://evil.example>",
    "@everyone #12 www.evil.example",
    "| pipe | table |",
    "* ",
    "   ",
    "\\\\ back \\n slash",
    "x" * 10_000,
)
"""What outside text may hold: controls, direction changes, half pairs, markup, formulas, options, and plain length."""


def a_finding(**changes: Any) -> Finding:
    """Return a critical finding about an order that can't be undone, two evidences and a remedy."""
    made = Finding(
        id="f-0123456789abcdef",
        rule="compensation-stuck",
        severity=Severity.CRITICAL,
        subject=Subject.SAGA,
        store="orders",
        summary="the undo of process_payment was sent and has not been confirmed for 42m",
        evidence=(
            Evidence("step process_payment is compensating", EvidenceKind.STATUS, "orders.sagas", True, NOW),
            Evidence("its command lies in a queue", EvidenceKind.READING, "prom", False),
        ),
        remedies=(
            Remedy(RemedyKind.RESEND_COMPENSATION, Advice.ASK, "it was never confirmed", "process_payment"),
            Remedy(RemedyKind.CLOSE_SAGA, Advice.REFUSE, "something was done", None, "one-fact"),
        ),
        saga_id="7d1c",
        saga_type="OrderFulfillment",
        state="compensating",
        raw_state="COMPENSATING",
        step="process_payment",
        business_key="A-10042",
        since=NOW - timedelta(minutes=42),
        age_seconds=2520,
        late_seconds=1920,
        half_compensated=True,
        group="g-0123456789ab",
        group_title="undos that were never confirmed",
        primary=True,
    )
    return msgspec.structs.replace(made, **changes)


def named(text: str) -> Finding:
    """Return a finding in which everything that comes from outside is `text`."""
    return a_finding(
        saga_id=text,
        saga_type=text,
        raw_state=text,
        step=text,
        business_key=text,
        summary=text,
        group_title=text,
        trace_id=text,
        correlation_id=text,
        evidence=(Evidence(text, EvidenceKind.STATUS, text),),
        remedies=(Remedy(RemedyKind.RETRY_STEP, Advice.ASK, text, text),),
    )


def an_end(**changes: Any) -> ReportEnd:
    """Return the end of a complete report with one group of one critical saga."""
    made = ReportEnd(
        as_of=NOW,
        groups=(a_group(),),
        resolved=(),
        blind_spots=(),
        sagas=120,
        letters=0,
        truncated=False,
        complete=True,
        summary=Summary(critical=1, sagas=1),
        worst_unacknowledged=Severity.CRITICAL,
    )
    return msgspec.structs.replace(made, **changes)


def a_group(**changes: Any) -> Group:
    """Return the group of `a_finding`."""
    made = Group(
        id="g-0123456789ab",
        title="undos that were never confirmed",
        rule="compensation-stuck",
        severity=Severity.CRITICAL,
        sagas=1,
        oldest=NOW - timedelta(minutes=42),
        newest=NOW - timedelta(minutes=42),
        example="7d1c",
    )
    return msgspec.structs.replace(made, **changes)


def named_end(text: str) -> ReportEnd:
    """Return an incomplete end in which everything that comes from outside is `text`."""
    return an_end(
        groups=(a_group(title=text, example=text), a_group(id="g-1", title=text, example=text, sagas=2)),
        blind_spots=(BlindSpot(text, text, NOW, text),),
        notes=(text,),
        complete=False,
        truncated=True,
    )
