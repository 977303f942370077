"""TOML that is written here is read as it was meant, whatever the texts hold."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagadoctor.export.toml_text import assignment, comment, commented, header, key, text, value

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
HOSTILE = st.sampled_from(
    ["\n", "\r", "\x1b", "\u2028", "\x85", '"', "'", "\\", "]", "#", "=", "\x00", "\u202e", "a", " "]
)
NASTY = TEXTS | st.lists(HOSTILE).map("".join)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | NASTY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NASTY, inner, max_size=4),
    max_leaves=12,
)


@given(NASTY)
def test_a_text_is_read_as_it_was(given_text: str) -> None:
    assert tomllib.loads(f"a = {text(given_text)}") == {"a": given_text}
    assert "\n" not in text(given_text)


@given(NASTY, VALUES)
def test_a_key_and_its_value_are_read_as_they_were(name: str, given_value: Any) -> None:
    lines = assignment(name, given_value)
    assert tomllib.loads("\n".join(lines)) == {name: given_value}
    assert all("\n" not in line and "\x1b" not in line for line in lines)


@given(st.lists(NASTY, min_size=1, max_size=4))
def test_a_header_opens_its_table(path: list[str]) -> None:
    table = tomllib.loads(f"{header(path)}\nx = 1")
    for part in path:
        table = table[part]
    assert table == {"x": 1}


@given(NASTY)
def test_a_comment_says_nothing_to_a_parser(said: str) -> None:
    lines = comment(said)
    assert lines
    assert tomllib.loads("\n".join(lines)) == {}
    assert "\x1b" not in "".join(lines)


@given(st.dictionaries(NASTY, VALUES, min_size=1, max_size=3))
def test_what_is_commented_comes_back_when_the_marks_are_taken_away(table: dict[str, Any]) -> None:
    lines = commented([line for pair in table.items() for line in assignment(*pair)])
    assert tomllib.loads("\n".join(lines)) == {}
    assert tomllib.loads("\n".join(line.removeprefix("# ") for line in lines)) == table


def test_what_no_configuration_holds_is_refused() -> None:
    assert tomllib.loads(f"a = {text(chr(0xD800))}") == {"a": "\N{REPLACEMENT CHARACTER}"}
    with pytest.raises(TypeError):
        value(object())


def test_it_reads_as_a_person_would_write() -> None:
    assert key("saga_id") == "saga_id"
    assert key("odd.name") == '"odd.name"'
    assert value({"column": "a", "values": {"X Y": "failed"}, "base": 0}) == (
        '{ column = "a", values = { "X Y" = "failed" }, base = 0 }'
    )
    assert text('say "x"') == "'say \"x\"'"
    assert assignment("steps", [{"name": "a"}, {"name": "b"}]) == [
        "steps = [",
        '  { name = "a" },',
        '  { name = "b" },',
        "]",
    ]
