"""Regular expressions of a mapping: the first group is the value, and none may run for long."""

from __future__ import annotations

import re
import subprocess
import sys
import time

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
    r"(a*)(?:\1)*(?:\1)*x",
]
HOSTILE = """
import random, sys, time
from sagadoctor.adapters.sql.patterns import LONGEST_SUBJECT, parse_pattern, value_of

chance = random.Random(int(sys.argv[1]))
PARTS = ["a", "b", "-", ".", "[ab]", "[^-]", "[^a]", "[a-z]", r"\\w", r"\\d", r"\\s", "aa", "(?:ab)", r"\\b", r"\\."]
PARTS += ["$", "^"]
TIMES = ["*", "+", "?", "{2,5}", "{1,40}", "*?", "+?", "{3}", "*+"]
UNITS = ["a", "b", "-", "ab", "a-", "aab", "-.", "a.", "1", "x", "a ", "aa\\n", "b-a", "ab1-"]

def part(depth):
    kind = chance.random()
    if depth == 0 or kind < 0.5:
        made = chance.choice(PARTS)
    elif kind < 0.7:
        made = f"({row(depth - 1)})"
    elif kind < 0.92:
        made = f"(?:{'|'.join(row(depth - 1) for _ in range(chance.randint(1, 3)))})"
    else:
        return chance.choice(["(?=", "(?!", "(?>"]) + row(depth - 1) + ")"
    zero_wide = made in ("^", "$", r"\\b")
    return made if zero_wide or chance.random() < 0.5 else made + chance.choice(TIMES)

def row(depth):
    return "".join(part(depth) for _ in range(chance.randint(1, 4)))

accepted = 0
while accepted < int(sys.argv[2]):
    text = chance.choice(["", "", "^"]) + f"({row(1)})" + row(2)
    try:
        made = parse_pattern(text)
    except ValueError:
        continue
    accepted += 1
    print(text, flush=True)
    for unit in UNITS:
        for tail in ("", "!", "\\n!", "x"):
            subject = (unit * LONGEST_SUBJECT)[: LONGEST_SUBJECT - len(tail)] + tail
            began = time.process_time()
            value_of(made, subject)
            assert time.process_time() - began < 0.5, (text, subject[:10])
"""


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_patterns_are_taken(text: str) -> None:
    parse_pattern(text)


@pytest.mark.parametrize("text", ENDLESS)
def test_row_14_patterns_that_could_run_for_long(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match="try for very long") as refused:
        parse_pattern(text)
    assert time.monotonic() - began < 2
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


@pytest.mark.parametrize("seed", range(3))
def test_every_pattern_that_is_taken_ends_soon(seed: int) -> None:
    told = subprocess.run(
        [sys.executable, "-c", HOSTILE, str(seed), "150"], capture_output=True, text=True, timeout=100, check=False
    )
    assert told.returncode == 0, told.stderr[-2000:] + told.stdout[-200:]


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
    ],
)
def test_a_pattern_that_begins_with_anything_is_tried_once_a_line(text: str, subject: str, value: str | None) -> None:
    found = re.search(text, subject)
    assert value_of(parse_pattern(text), subject) == value == (found[1] if found else None)
