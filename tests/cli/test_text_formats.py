"""Markdown and the one line for Nagios, of reports made by hand."""

from __future__ import annotations

import re

import pytest

from sagadoctor.cli.exits import of_nagios
from sagadoctor.model.finding import Severity, Subject
from sagadoctor.model.report import BlindSpot, Summary
from tests.export.made import NOW, ODD_TEXTS, a_finding, an_end, named, named_end

from .drawn import drawn, powerful, terminal

STATUS = re.compile(
    r"SAGAS (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+ \| critical=(\d+) warning=(\d+) info=(\d+) sagas=(\d+)"
)


def test_a_status_line_has_performance_data() -> None:
    first = drawn("nagios", [a_finding()]).splitlines()[0]
    assert first == "SAGAS CRITICAL - 1 critical, 0 warning in 120 sagas | critical=1 warning=0 info=0 sagas=120"


@pytest.mark.parametrize(
    ("worst", "complete", "word"),
    [
        (Severity.CRITICAL, True, "CRITICAL"),
        (Severity.CRITICAL, False, "CRITICAL"),
        (Severity.WARNING, True, "WARNING"),
        (Severity.WARNING, False, "WARNING"),
        (Severity.INFO, True, "OK"),
        (Severity.INFO, False, "UNKNOWN"),
        (None, True, "OK"),
        (None, False, "UNKNOWN"),
    ],
)
def test_the_word_and_the_code_agree(worst: Severity | None, complete: bool, word: str) -> None:
    end = an_end(worst_unacknowledged=worst, complete=complete)
    assert drawn("nagios", (), end).startswith(f"SAGAS {word} - ")
    assert of_nagios(end) == ["OK", "WARNING", "CRITICAL", "UNKNOWN"].index(word)


def test_what_was_not_seen_is_named_in_the_status_line() -> None:
    end = an_end(complete=False, blind_spots=(BlindSpot("pay|ments", "x"),), worst_unacknowledged=None)
    first = drawn("nagios", (), end).splitlines()[0]
    assert "INCOMPLETE (pay/ments)" in first
    assert STATUS.fullmatch(first)
    assert "INCOMPLETE (rows left out)" in drawn("nagios", (), an_end(complete=False, truncated=True))


def test_acknowledged_findings_are_counted_and_not_listed() -> None:
    end = an_end(summary=Summary(critical=1, sagas=1, acknowledged=1), worst_unacknowledged=None)
    page = drawn("nagios", [a_finding(acknowledged_until=NOW)], end)
    assert page.splitlines()[1:] == []
    assert "1 acknowledged" in page


def test_the_worst_are_listed_first_however_late_they_come() -> None:
    warnings = [
        a_finding(severity=Severity.WARNING, saga_id=f"w-{number}", late_seconds=1 + number) for number in range(20)
    ]
    page = drawn("nagios", [*warnings, a_finding(saga_id="the-worst")])
    listed = page.splitlines()[1:]
    assert len(listed) == 10
    assert "the-worst" in listed[0]
    assert "w-19" in listed[1]


def test_findings_that_are_no_cause_are_not_listed() -> None:
    quiet = [a_finding(primary=False), a_finding(severity=Severity.INFO)]
    assert len(drawn("nagios", quiet).splitlines()) == 1


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_outside_text_adds_no_line_and_no_performance_data(text: str) -> None:
    page = drawn("nagios", [named(text), named(f"|{text}|")], named_end(text))
    first, *listed = page.split("\n")[:-1]
    assert STATUS.fullmatch(first)
    assert len(listed) == 2
    assert not any("|" in line for line in listed)
    assert page.isascii()
    assert powerful(page) == []
    assert max(map(len, listed)) < 600


def test_a_markdown_page_has_a_title_findings_and_a_summary() -> None:
    page = drawn("markdown", [a_finding()])
    assert page.startswith("# Sagas as of 2026-11-20T03:00:00Z\n\n- **critical compensation-stuck** `7d1c`")
    assert "\n## Summary\n\n1 critical, 0 warning, 0 info; 120 sagas read; complete\n" in page


def test_a_markdown_page_says_what_was_left_out() -> None:
    page = drawn("markdown", [a_finding(), a_finding()], an_end(truncated=True), limit=1)
    assert "1 more findings were left out by the limit." in page
    assert "Rows were left out: this is not all." in page
    assert page.count("- **critical") == 1


def test_a_markdown_page_by_group_lists_causes_only() -> None:
    page = drawn("markdown", [a_finding()], by_group=True)
    assert "- **critical" not in page
    assert "| 1 | critical | undos that were never confirmed | `g-0123456789ab` |" in page


def test_a_markdown_page_about_a_store_names_the_store() -> None:
    about = a_finding(subject=Subject.STORE, saga_id=None, about="orders")
    assert "**critical compensation-stuck** `orders`" in drawn("markdown", [about])


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_a_markdown_page_is_inert(text: str) -> None:
    assert powerful(drawn("markdown", [named(text)], named_end(text))) == []
    plain = drawn("markdown", [named(text)], named_end(text), on=terminal(ascii=True))
    assert plain.isascii()
