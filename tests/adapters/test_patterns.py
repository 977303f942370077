"""Regular expressions of a mapping: the first group is the value, and none may run for long."""

from __future__ import annotations

import re

import pytest

from sagadoctor.adapters.sql.patterns import LONGEST_SUBJECT, parse_pattern, value_of

ORDINARY = [
    r"^(\w+)\.(\w+)$",
    r"(.*)\.running",
    r"^([^.]+)\.(.+)$",
    r"^.*/(.*)$",
    r"ORD-(.*)",
    r"ORD-(\d+)-(\d+)$",
    r"(.*)-(\d+)$",
    r"(\w+)-(\w+)-(\w+)",
    r"^(.+?)\.(?:running|done|failed)$",
    r"(?i)order[ _-]?(\d+)",
    r"^(?:[a-z]+\.)*([a-z]+)$",
    r'"order_id":\s*"([^"]+)"',
    r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
    r"^([a-z_]+)(?:\.[a-z]+)?$",
    r"Handler for (.*) failed",
    r"([a-z]+)(?=\.done)",
    r"(?:^|\.)(\w+)Saga$",
]
ENDLESS = [
    "(a+)+$",
    "((a|b)*)*",
    "(x(y*)z+)*",
    "(a{1,100})+",
    "(?:(a*))*b",
    "(.*).*.*.*.*=.*",
    "(.*)-.*-.*-.*x",
    "(?:a|a){40}(b)",
    f"({'a?' * 28}{'a' * 28})b",
    r"(\w+\s?)*$",
    "(a|aa)+$",
    "((?:a|ab|b)*)c",
    "(?i)(k*)\u212a*\u212a*K*x",
    f"({'(?:' * 25}a+{')+' * 25})b",
    r"(\w*)(?=.*-.*-.*x)",
]
IN_THE_PAGE = [r"^([^-]*)-([^-]*)-(.*)$", r"^([^-]*)-([^-]*)$", r"\.(\w+)$", "saga:(.*)", r"^(\w+)(?:\.\w+)*$"]
FOREIGN = [
    (r"(a*)(?:\1)*x", r"\\1)*x"),
    (r"(?P<a>x)(?P=a)", "(?P=a)"),
    (r"(x)?(?(1)y|z)", "(?(1)y|z)"),
    (r"(x)(?i:y)", "(?i:y)"),
    (r"(?x)( a )", "(?x)( a )"),
    (r"(a)(?#so)", "(?#so)"),
]


@pytest.mark.parametrize("text", [*ORDINARY, *IN_THE_PAGE])
def test_ordinary_patterns_are_taken(text: str) -> None:
    parse_pattern(text)


@pytest.mark.parametrize("text", ENDLESS)
def test_row_14_patterns_that_could_run_for_long(text: str) -> None:
    with pytest.raises(ValueError, match="try for very long") as refused:
        parse_pattern(text)
    assert "^([^-]*)-([^-]*)$" in str(refused.value)


def test_the_refusal_speaks_of_the_beginning_only_where_it_helps() -> None:
    with pytest.raises(ValueError, match=r"begin it with \^"):
        parse_pattern("x(a*)a*a*b")
    with pytest.raises(ValueError, match=r"repeats; let each"):
        parse_pattern("^x(a*)a*a*b")


@pytest.mark.parametrize(("text", "said"), [("(", "not a regular expression"), ("abc", "no group")])
def test_patterns_that_are_none(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_pattern(text)


@pytest.mark.parametrize(("text", "place"), FOREIGN)
def test_what_cannot_be_measured_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ValueError, match="how long it would search can't be told") as refused:
        parse_pattern(text)
    assert f"from {place} on: write it without" in str(refused.value)


def test_a_pattern_gives_its_first_group() -> None:
    made = parse_pattern(r"^(\w+)\.(\w+)$")
    assert value_of(made, "charge.running") == "charge"
    assert value_of(made, "nothing") is None
    assert value_of(parse_pattern("(x)$"), "y" * 5000 + "x") is None
    assert value_of(parse_pattern("(x)"), "y" * (LONGEST_SUBJECT - 1) + "x") == "x"


@pytest.mark.parametrize(
    ("text", "subject", "value"),
    [
        (r"(.*)-(\d+)$", "a-b-7", "a-b"),
        (r"(.*)-(\d+)$", "one\ntwo-7", "two"),
        (r"(.*?)=", "one\ntwo=7=8", "two"),
        (r"(.+):", "\n:\nk:v", "k"),
        (r"(?s)(.*)=", "one\ntwo=7", "one\ntwo"),
        (r"(.*)\Z", "one\n", ""),
        (r".*(?:a|(b))", "xxb", "b"),
        (r"(.*)x", "y", None),
        (r"(.*+)-x", "a-x", None),
        (r"(?>(.*?))x", "abx", ""),
        (r"x(.*)|(?:.*)y", "axb", "b"),
    ],
)
def test_a_pattern_that_begins_with_anything_is_tried_once_a_line(text: str, subject: str, value: str | None) -> None:
    found = re.search(text, subject)
    assert value_of(parse_pattern(text), subject) == value == (found[1] if found else None)
