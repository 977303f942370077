"""Markdown to paste: outside text makes no markup, no link, no HTML and wakes nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sagadoctor.export.markdown import code, end_section, finding_section, text
from sagadoctor.model.finding import Evidence, EvidenceKind, FindingStatus
from sagadoctor.model.report import BlindSpot
from sagadoctor.untrusted import shown

from .made import NOW, ODD_TEXTS, a_finding, an_end, named, named_end

MARKUP = (
    *ODD_TEXTS,
    "`code` `` two `` ```fence```",
    "~~~\nfence\n~~~",
    "1. list",
    "12) list",
    "- [ ] task",
    "=====",
    "-----",
    "***",
    "&lt;b&gt; &#64;everyone &amp;",
    "@channel @here @a/team someone@example.org mailto:a@b.example",
    "org/repo#12 #999 GH-12",
    "https://evil.example/?a=b ftp://evil.example www.evil.example",
    "[a]: https://evil.example",
    "[^1] $$x$$ ~~no~~ ==mark==",
    "<script>alert(1)</script> <!-- x --> <a href='javascript:x'>",
    "!@user",
)
PARSER = MarkdownIt("gfm-like", {"html": True, "linkify": True})
PARSER.linkify.set({"fuzzy_link": False, "fuzzy_email": True})
PARSER.linkify.add("www.", "https:")
HARMLESS = {
    "text",
    "code_inline",
    "softbreak",
    "strong_open",
    "strong_close",
    "inline",
    "bullet_list_open",
    "bullet_list_close",
    "list_item_open",
    "list_item_close",
    "paragraph_open",
    "paragraph_close",
    "heading_open",
    "heading_close",
}
TABLE = {f"{part}_{side}" for part in ("table", "thead", "tbody", "tr", "th", "td") for side in ("open", "close")}


def tokens(page: str) -> Iterator[Token]:
    for token in PARSER.parse(page):
        yield token
        yield from token.children or ()


def kinds(page: str) -> set[str]:
    return {token.type for token in tokens(page)}


def mentions(page: str) -> list[str]:
    """What stands outside of code and could name a person, a mailbox or another issue."""
    outside = " ".join(token.content for token in tokens(page) if token.type == "text")
    return re.findall(r"[@#]\w+|\w@", outside)


@pytest.mark.parametrize("outside", MARKUP, ids=range(len(MARKUP)))
def test_a_finding_is_a_list_entry_whatever_it_is_called(outside: str) -> None:
    page = finding_section(named(outside))
    assert kinds(page) <= HARMLESS
    assert mentions(page) == []
    assert [token.type for token in PARSER.parse(page)].count("list_item_open") == 3


@pytest.mark.parametrize("outside", MARKUP, ids=range(len(MARKUP)))
def test_the_end_keeps_its_shape_whatever_stands_in_it(outside: str) -> None:
    page = end_section(named_end(outside))
    assert kinds(page) <= HARMLESS | TABLE
    assert mentions(page) == []
    opened = [token.type for token in PARSER.parse(page)]
    assert opened.count("tr_open") == 3
    assert opened.count("td_open") == 8
    assert opened.count("heading_open") == 1


@pytest.mark.parametrize("outside", MARKUP, ids=range(len(MARKUP)))
def test_text_reads_as_it_was_meant(outside: str) -> None:
    (paragraph,) = (token for token in PARSER.parse(f"x {text(outside)} x") if token.type == "inline")
    read = "".join(token.content for token in paragraph.children or ())
    assert read == re.sub(r"\s+$", "", f"x {shown(outside)} x")


@pytest.mark.parametrize("outside", MARKUP, ids=range(len(MARKUP)))
def test_a_name_can_be_copied_out_of_its_code_span(outside: str) -> None:
    (paragraph,) = (token for token in PARSER.parse(f"x {code(outside)} x") if token.type == "inline")
    assert [token.content for token in paragraph.children or () if token.type == "code_inline"] == [shown(outside)]


def test_usual_names_stay_readable_where_nothing_is_rendered() -> None:
    assert text("nothing has moved (steps.reserve_inventory.compensated_at is the latest): 12 of 3") == (
        "nothing has moved (steps.reserve_inventory.compensated_at is the latest): 12 of 3"
    )


def test_a_finding_says_everything_once() -> None:
    page = finding_section(a_finding(status=FindingStatus.ONGOING))
    assert page == (
        "- **critical compensation-stuck** `7d1c` (`OrderFulfillment`, `process_payment`, `A-10042`)\n"
        "  the undo of process_payment was sent and has not been confirmed for 42m\n"
        "  since 2026-11-20T02:18:00Z, ongoing\n"
        "  - for: step process_payment is compensating (`orders.sagas`)\n"
        "  - against: its command lies in a queue (`prom`)\n"
        "  - resend-compensation: **ask**, it was never confirmed\n"
        "  - close-saga: **refuse**, something was done"
    )


def test_partial_is_said() -> None:
    page = end_section(an_end(complete=False, blind_spots=(BlindSpot("payments", "no route to host"),)))
    assert "INCOMPLETE" in page
    assert "**Not seen:**\n\n- `payments`: no route to host" in page
    assert "INCOMPLETE" not in end_section(an_end())


def test_long_text_is_cut_and_says_so() -> None:
    page = finding_section(a_finding(evidence=(Evidence("y" * 5000, EvidenceKind.STATUS, "s", True, NOW),)))
    assert "(+4700 more)" in page
    assert len(page) < 1500
