"""Outside text made inert, whatever it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sagadoctor.untrusted import ascii_only, csv_cell, is_inert, sentence, shown, unshown
from tests.diagnosis.strategies import QUICK

EVERY = settings(QUICK, max_examples=300)
any_text = st.text(st.characters(), max_size=60)
NASTY = (
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "\x1b]52;c;aGk=\x07",
    "[@click=app.bell]x[/]",
    "a\nb\r\tc\x00",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "zero\u200bwidth\ufeff",
    "family \U0001f468\u200d\U0001f469",
    "\ud800 half",
    "\u2028line\u2029",
    "\ue000private",
    "fill\u3164er\u115f",
    "tag\U000e0041",
    "hidden\U000e0101",
    "../../etc/passwd",
    "-rf",
    "=cmd|' /C calc'!A0",
    "%s %n {0}",
    "",
    "é 漢字 ñ ع",
)
POWER = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def powerless(text: str) -> bool:
    return all(unicodedata.category(char) not in POWER for char in text)


@EVERY
@given(text=any_text)
def test_no_text_has_power_once_it_is_shown(text: str) -> None:
    line = shown(text)

    assert powerless(line)
    assert is_inert(line)
    assert is_inert(shown(line))
    assert len(line.splitlines()) <= 1
    str(line).encode("utf-8")


@EVERY
@given(text=any_text)
@example(text="\\x41 \\n \\\\ \U0010ffff")
def test_what_was_shown_says_what_it_was(text: str) -> None:
    assert unshown(shown(text)) == text


@EVERY
@given(text=any_text)
@example(text="\\Uffffffff \\u12 \\")
def test_any_text_can_be_taken_for_a_shown_one(text: str) -> None:
    assert "\\" in text or unshown(text) == text


@pytest.mark.parametrize("text", NASTY)
def test_known_tricks_have_no_power(text: str) -> None:
    assert powerless(shown(text))
    assert is_inert(shown(text))
    assert powerless(csv_cell(text))


@EVERY
@given(first=any_text, second=any_text)
@example(first="\x1b", second="\\e")
@example(first="a\u3164", second="a")
@example(first="\ue000", second="\\ue000")
def test_two_texts_are_shown_alike_only_if_they_are(first: str, second: str) -> None:
    assert (shown(first) == shown(second)) == (first == second)


@pytest.mark.parametrize("text", ["order 7", "é 漢字 ñ", "a.b/c:d [x] {y}", "😀"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert shown(text) == text
    assert is_inert(text)


def test_what_is_no_text_is_shown_as_its_text() -> None:
    assert shown(7) == "7"
    assert shown(None) == "None"
    assert shown(ValueError("a\nb")) == "a\\nb"


@EVERY
@given(text=any_text, limit=st.integers(0, 70))
def test_a_limit_cuts_and_says_how_much(text: str, limit: int) -> None:
    line = shown(text, limit)

    if len(text) <= limit:
        assert line == shown(text)
    else:
        assert line == f"{shown(text[:limit])}… (+{len(text) - limit} more)"


@EVERY
@given(text=any_text, limit=st.none() | st.integers(0, 70))
@example(text="C:\\temp\\new\x1b", limit=None)
def test_a_sentence_has_no_power_either_and_keeps_its_backslashes(text: str, limit: int | None) -> None:
    line = sentence(text, limit)

    assert is_inert(line)
    kept = text if limit is None else text[:limit]
    assert line.startswith("\\".join(map(shown, kept.split("\\"))))
    assert sentence(line) == line


@pytest.mark.parametrize("text", ["\x1b", "a\nb", "\u202e", "\u200b", "\u3164", "\ue000", "\ud800", "\U000e0101"])
def test_what_is_not_inert(text: str) -> None:
    assert not is_inert(text)


@EVERY
@given(text=any_text)
def test_ascii_is_ascii(text: str) -> None:
    line = ascii_only(text)

    assert all(" " <= char <= "~" for char in line)
    assert ascii_only(line) == line


def test_ascii_spells_out_the_rest() -> None:
    assert ascii_only("é\n😀") == "\\u00e9\\u000a\\U0001f600"


@EVERY
@given(text=any_text)
def test_no_cell_is_a_formula(text: str) -> None:
    cell = csv_cell(text)

    assert powerless(cell)
    assert not unicodedata.normalize("NFKC", cell.lstrip()).startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1+1", "\u00a0=1", "＝1+1", "＋1", "－1", "＠x"])
def test_a_formula_gets_a_quote(text: str) -> None:
    assert csv_cell(text) == "'" + text


def test_a_formula_behind_a_tab_is_no_formula() -> None:
    assert csv_cell("\t=1+1") == "\\t=1+1"
    assert csv_cell("order 7") == "order 7"
