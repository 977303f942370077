"""The bound on a search's steps: nothing is ever counted beyond it, by a model that tries as `re` does."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sagadoctor.adapters.sql.effort import begins_lines, begins_once, worst_steps
from sagadoctor.adapters.sql.expression import WITHOUT_END, Edge, Foreign, Group, Repeat, Row, Single, tree_of
from sagadoctor.adapters.sql.patterns import LONGEST_SUBJECT, MOST_STEPS

LENGTH = 14
MOST = 100_000
"""Patterns whose bound for a short text is higher are not tried out: the model would take for ever."""
SINGLES = ["a", "b", "-", ".", "[ab]", "[^-]", "[^a]", "[a-z]", r"\w", r"\d", r"\s", r"\.", "[]a]", r"[\]-]", r"\x61"]
EDGES = ["$", "^", r"\b", r"\Z", r"\A", r"\B"]
TIMES = ["*", "+", "?", "{2,5}", "{1,40}", "*?", "+?", "??", "{3}", "{0}", "{,2}", "{2,}", "*+", "++", "?+"]
UNITS = ["a", "b", "-", "ab", "a-", "aab", "-.", "a.", "1", "x", "a ", "aa\n", "b-a", "ab1-", "\u212a", ""]
TAILS = ["", "!", "\n!", "x", "\n"]


class Tried:
    """A search as `re` makes it, one way after another, with every look at a character or a place counted."""

    def __init__(self, tree: Group, flags: int, text: str) -> None:
        self.text, self.flags, self.steps = text, flags, 0
        once, lines = begins_once(tree, flags), begins_lines(tree)
        starts = [at for at in range(len(text) + 1) if not lines or at == 0 or text[at - 1] == "\n"]
        self.found: int | None = None
        for start in starts[: 1 if once else None]:
            if self.node(tree, start, lambda end: True):
                self.found = start
                break

    def node(self, node: Single | Edge | Group | Repeat, at: int, then: Callable[[int], bool]) -> bool:
        if isinstance(node, Repeat):
            if node.is_possessive:
                return self.at_once(lambda kept: self.rounds(node, 0, at, kept), then)
            return self.rounds(node, 0, at, then)
        if isinstance(node, Group):
            if node.looks:
                return self.looked(node, at) and then(at)
            if node.opening == "(?>":
                return self.at_once(lambda kept: self.branches(node, at, kept), then)
            return self.branches(node, at, then)
        self.steps += 1
        if isinstance(node, Edge):
            return re.compile(node.text, self.flags).match(self.text, at) is not None and then(at)
        there = self.text[at : at + 1]
        return there != "" and re.fullmatch(node.text, there, self.flags) is not None and then(at + 1)

    def at_once(self, first: Callable[[Callable[[int], bool]], bool], then: Callable[[int], bool]) -> bool:
        ends: list[int] = []
        return first(lambda end: ends.append(end) or True) and then(ends[0])

    def looked(self, node: Group, at: int) -> bool:
        if node.opening in ("(?=", "(?!"):
            there = self.branches(node, at, lambda end: True)
        else:
            begin = at - width(Group("", node.branches))[0]
            there = begin >= 0 and self.branches(node, begin, lambda end: end == at)
        return there is (node.opening in ("(?=", "(?<="))

    def branches(self, node: Group, at: int, then: Callable[[int], bool]) -> bool:
        return any(self.row(row, at, then) for row in node.branches)

    def row(self, row: Row, at: int, then: Callable[[int], bool]) -> bool:
        if not row:
            return then(at)
        return self.node(row[0], at, lambda end: self.row(row[1:], end, then))

    def rounds(self, node: Repeat, done: int, at: int, then: Callable[[int], bool]) -> bool:
        def again() -> bool:
            return done < node.most and self.node(node.body, at, more)

        def more(end: int) -> bool:
            if end == at and done >= node.least:  # an empty round is the last one
                return then(end)
            return self.rounds(node, done + 1, end, then)

        def enough() -> bool:
            return done >= node.least and then(at)

        return enough() or again() if node.text.endswith("?") and len(node.text) > 1 else again() or enough()


def width(node: Single | Edge | Group | Repeat) -> tuple[int, int]:
    """Return how many characters it takes, at least and at most."""
    if isinstance(node, Single):
        return 1, 1
    if isinstance(node, Edge) or (isinstance(node, Group) and node.looks):
        return 0, 0
    if isinstance(node, Repeat):
        least, most = width(node.body)
        return least * node.least, most * node.most
    rows = [[width(each) for each in row] for row in node.branches]
    return min(sum(least for least, _ in row) for row in rows), max(sum(most for _, most in row) for row in rows)


def patterns(seed: int, many: int) -> Iterator[str]:
    """Yield small expressions that compile."""
    chance = random.Random(seed)

    def part(depth: int) -> str:
        kind = chance.random()
        if kind < 0.12:
            return chance.choice(EDGES)
        if depth == 0 or kind < 0.5:
            made = chance.choice(SINGLES)
        elif kind < 0.7:
            made = f"({row(depth - 1)})"
        elif kind < 0.92:
            made = f"(?:{'|'.join(row(depth - 1) for _ in range(chance.randint(1, 3)))})"
        else:
            return chance.choice(["(?=", "(?!", "(?>", "(?<=", "(?<!"]) + row(depth - 1) + ")"
        return made if chance.random() < 0.5 else made + chance.choice(TIMES)

    def row(depth: int) -> str:
        return "".join(part(depth) for _ in range(chance.randint(1, 4)))

    made = 0
    while made < many:
        text = chance.choice(["", "", "", "(?i)", "(?m)", "(?s)"]) + chance.choice(["", "^"]) + f"({row(1)})" + row(2)
        try:
            re.compile(text)
        except re.error:
            continue
        made += 1
        yield text


RIGHT = sys.version_info >= (3, 11, 5)
"""Before, `re` itself matched groups that are repeated possessively where they don't (cpython 106052)."""
POSSESSIVE = re.compile(r"[*+?}]\+|\(\?>")


@pytest.mark.parametrize("seed", range(6))
def test_no_search_takes_more_steps_than_were_foretold(seed: int) -> None:
    tried = taken = 0
    for text in patterns(seed, 120):
        tree, flags = tree_of(text), re.compile(text).flags
        taken += worst_steps(tree, flags, LONGEST_SUBJECT) <= MOST_STEPS
        bound = worst_steps(tree, flags, LENGTH)
        if bound > MOST:
            continue
        tried += 1
        for unit in UNITS:
            for tail in TAILS:
                subject = (unit * LENGTH)[: LENGTH - len(tail)] + tail
                made = Tried(tree, flags, subject)
                assert made.steps <= bound, (text, subject)
                if RIGHT or not POSSESSIVE.search(text):
                    found = re.search(text, subject)
                    assert made.found == (None if found is None else found.start()), (text, subject)
    assert tried > 30
    assert taken > 20


@pytest.mark.parametrize("seed", range(3))
def test_the_tree_is_the_one_that_python_reads(seed: int) -> None:
    parser: Any = pytest.importorskip("re._parser", reason="this Python's own parser is elsewhere")
    for text in patterns(seed, 500):
        parsed = parser.parse(text)
        assert [min(each, 10_000) for each in width(tree_of(text))] == [
            min(int(each), 10_000) for each in parsed.getwidth()
        ], text


@pytest.mark.parametrize(
    ("text", "many"),
    [
        ("{", (1, 1)),
        ("x{", (2, 2)),
        ("x{}", (3, 3)),
        ("x{a}", (4, 4)),
        ("x{2", (3, 3)),
        ("x{,}", (0, WITHOUT_END)),
        ("x{2,}", (2, WITHOUT_END)),
        ("[]]{2}", (2, 2)),
        ("[^]]", (1, 1)),
        (r"[\]x)(|]", (1, 1)),
        (r"\x41\u0041\U00000041\N{DASH}\012\0\-", (7, 7)),
        ("a|bc|", (0, 2)),
        ("(?P<name>a)(?:b)(?>c)(?=d)(?!e)(?<=f)(?<!g)", (3, 3)),
        ("(?i)(?s)a", (1, 1)),
    ],
)
def test_how_parts_are_written(text: str, many: tuple[int, int]) -> None:
    assert width(tree_of(text)) == many


@pytest.mark.parametrize(
    "text", [r"(a)\1", "(?i:a)", "(?x) a", "(?#a)", "a)", "(a", "+", "[a", "(a)(?P=b)", "(a)?(?(1)b)"]
)
def test_what_is_not_understood_is_said(text: str) -> None:
    with pytest.raises(Foreign):
        tree_of(text)
