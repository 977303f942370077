"""The report as JSON: the contract's keys and types, printable ASCII only, and any text survives."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagadoctor.export.wire import blind_spot_wire, encode, end_wire, finding_wire, group_wire, moment
from sagadoctor.model.finding import Evidence, EvidenceKind, Severity
from sagadoctor.model.report import BlindSpot, Summary

from .made import NOW, ODD_TEXTS, a_finding, a_group, an_end, named, named_end

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")
PRINTABLE = re.compile(r"[ -~]*")
ANY_TEXT = st.text(st.characters(exclude_categories=()))

TEXT, FLAG, WHOLE, TIME, LIST = "text", "flag", "whole", "time", "list"
FINDING = {
    "id": TEXT,
    "status": ("new", "ongoing"),
    "primary": FLAG,
    "subject": ("saga", "letter", "queue", "store"),
    "rule": TEXT,
    "severity": ("critical", "warning", "info"),
    "store": TEXT,
    "saga_id": TEXT,
    "saga_type": TEXT,
    "state": TEXT,
    "raw_state": TEXT,
    "step": TEXT,
    "since": TIME,
    "age_seconds": WHOLE,
    "late_seconds": WHOLE,
    "half_compensated": FLAG,
    "summary": TEXT,
    "group": TEXT,
    "evidence": LIST,
    "remedies": LIST,
}
FINDING_BESIDE = {"business_key": TEXT, "first_seen": TIME, "acknowledged_until": TIME}
EVIDENCE = {
    "fact": TEXT,
    "kind": ("status", "time", "letter", "reading", "probe", "observation", "declared"),
    "source": TEXT,
    "for": FLAG,
    "observed_at": TIME,
}
REMEDY = {
    "kind": TEXT,
    "step": TEXT,
    "advice": ("safe", "ask", "refuse", "wait"),
    "because": TEXT,
    "command": TEXT,
    "override": TEXT,
}
GROUP = {"id": TEXT, "title": TEXT, "sagas": WHOLE, "oldest": TIME, "newest": TIME, "example": TEXT}
GROUP_BESIDE = {"rule": TEXT, "severity": ("critical", "warning", "info")}
BLIND_SPOT = {"source": TEXT, "reason": TEXT, "since": TIME}
END = {
    "groups": LIST,
    "resolved": LIST,
    "blind_spots": LIST,
    "scanned": {"sagas": WHOLE, "letters": WHOLE},
    "truncated": FLAG,
    "complete": FLAG,
    "notes": LIST,
    "summary": {"critical": WHOLE, "warning": WHOLE, "info": WHOLE, "sagas": WHOLE, "acknowledged": WHOLE},
}
NEVER_NULL = {
    "id",
    "status",
    "primary",
    "subject",
    "rule",
    "severity",
    "store",
    "summary",
    "group",
    "fact",
    "kind",
    "for",
}


def check(wire: dict[str, Any], shape: dict[str, Any]) -> None:
    """Hold a document against a shape: the same keys, and each value of its type (or null where null may be)."""
    assert set(wire) == set(shape)
    for key, wanted in shape.items():
        value = wire[key]
        if value is None:
            assert key not in NEVER_NULL, key
        elif isinstance(wanted, dict):
            check(value, wanted)
        elif isinstance(wanted, tuple):
            assert value in wanted, (key, value)
        elif wanted is TIME:
            assert RFC3339.fullmatch(value), (key, value)
        elif wanted is WHOLE:
            assert type(value) is int, (key, value)
        else:
            assert type(value) is {TEXT: str, FLAG: bool, LIST: list}[wanted], (key, value)


def told(value: Any) -> Any:
    return json.loads(encode(value))


def test_a_finding_has_the_keys_and_types_of_the_contract() -> None:
    wire = told(finding_wire(a_finding(first_seen=NOW, acknowledged_until=NOW), {}))
    check(wire, FINDING | FINDING_BESIDE)
    assert len(wire["evidence"]) == len(wire["remedies"]) == 2
    for fact in wire["evidence"]:
        check(fact, EVIDENCE)
    for remedy in wire["remedies"]:
        check(remedy, REMEDY)


def test_a_finding_about_a_store_has_the_same_keys_with_nulls() -> None:
    bare = a_finding(saga_id=None, saga_type=None, state=None, raw_state=None, step=None, business_key=None, since=None)
    check(told(finding_wire(bare, {})), FINDING | FINDING_BESIDE)


def test_evidence_says_whether_it_is_for_or_against() -> None:
    wire = finding_wire(a_finding(), {})
    assert [fact["for"] for fact in wire["evidence"]] == [True, False]


def test_the_end_has_the_keys_and_types_of_the_contract() -> None:
    end = an_end(
        blind_spots=(BlindSpot("kafka-main", "no route to host", NOW), BlindSpot("orders", "gone", hint="look")),
        resolved=("f-1",),
        notes=("a note",),
        summary=Summary(2, 1, 3, 2, 1),
    )
    wire = told(end_wire(end, cut=False))
    check(wire, END)
    check(wire["groups"][0], GROUP | GROUP_BESIDE)
    check(wire["blind_spots"][0], BLIND_SPOT)
    check(wire["blind_spots"][1], BLIND_SPOT | {"hint": TEXT})
    assert wire["resolved"] == ["f-1"]
    assert wire["scanned"] == {"sagas": 120, "letters": 0}
    assert wire["summary"] == {"critical": 2, "warning": 1, "info": 3, "sagas": 2, "acknowledged": 1}


def test_a_group_without_times_says_null() -> None:
    wire = group_wire(a_group(oldest=None, newest=None))
    assert wire["oldest"] is None
    assert wire["newest"] is None


@pytest.mark.parametrize(
    ("cut", "truncated", "said"), [(False, False, False), (True, False, True), (False, True, True)]
)
def test_what_a_limit_or_a_cap_left_out_is_said(cut: bool, truncated: bool, said: bool) -> None:
    assert end_wire(an_end(truncated=truncated), cut=cut)["truncated"] is said


def test_a_blind_spot_keeps_its_reason() -> None:
    assert blind_spot_wire(BlindSpot("s", "why"))["reason"] == "why"


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW, "2026-11-20T03:00:00Z"),
        (NOW + timedelta(microseconds=5), "2026-11-20T03:00:00.000005Z"),
        (NOW.astimezone(timezone(timedelta(hours=2))), "2026-11-20T03:00:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
        (None, None),
    ],
)
def test_times_are_rfc_3339_in_utc(at: datetime | None, text: str | None) -> None:
    assert moment(at) == text


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_odd_text_is_printable_and_parses(text: str) -> None:
    for value in (finding_wire(named(text), {"trace": "https://t/{trace_id}"}), end_wire(named_end(text), cut=False)):
        line = encode(value)
        assert PRINTABLE.fullmatch(line)
        parsed = json.loads(line)
        assert isinstance(parsed, dict)
    lone = text.encode("utf-8", "backslashreplace").decode()
    assert told(finding_wire(named(text), {}))["saga_id"] == lone


@settings(deadline=None)
@given(ANY_TEXT)
def test_any_text_survives_as_printable_ascii(text: str) -> None:
    line = encode({"key": text, text: [text]})
    assert PRINTABLE.fullmatch(line)
    whole = text.encode("utf-8", "backslashreplace").decode()
    assert json.loads(line) == {"key": text, text: [text]} or json.loads(line) == {"key": whole, whole: [whole]}


@settings(deadline=None)
@given(st.text())
def test_text_without_half_pairs_comes_back_as_it_was(text: str) -> None:
    assert told([text]) == [text]


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("kind", list(EvidenceKind))
def test_words_are_the_contracts(severity: Severity, kind: EvidenceKind) -> None:
    wire = finding_wire(a_finding(severity=severity, evidence=(Evidence("x", kind, "s"),)), {})
    assert wire["severity"] in FINDING["severity"]
    assert wire["evidence"][0]["kind"] in EVIDENCE["kind"]


def test_links_stand_beside_only_where_a_template_can_be_filled() -> None:
    templates = {"trace": "https://traces/{trace_id}"}
    assert "links" not in finding_wire(a_finding(), templates)
    wire = finding_wire(a_finding(trace_id="ab c"), templates)
    assert wire["links"] == {"trace": "https://traces/ab%20c"}
