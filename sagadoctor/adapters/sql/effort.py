"""How long a regular expression may search at worst: an upper bound on its steps, told from its text alone.

`re` tries one way after another to share a text out among the parts of an expression. What counts is in how many ways
each part can end where the next one may begin: `[a-z]+\\.` in one, `.*-` in as many as there are characters. Ways of
parts that follow each other are multiplied, and so are those of the rounds of a repeat.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import msgspec

from .expression import WITHOUT_END, Edge, Group, Repeat, Row, Single

_BEYOND: Final = 1 << 128
"""Any character that isn't ASCII."""
_END: Final = 1 << 129
"""The end of the text, where the next character would stand."""
_ANY: Final = (_END << 1) - 1
_NEWLINE: Final = 1 << 10
_ASCII: Final = [chr(code) for code in range(128)]
_ONLY_ASCII: Final = re.compile(r"[\x00-\x7f]|\\[^a-zA-Z0-9]|\[(?!\^)(?:\\[^a-zA-Z0-9]|[^\\])*\]", re.DOTALL)
_TOO_MUCH: Final = 10**18
_MOST_ROUNDS: Final = 60
"""Of a round that ends in two ways or more, so many are too many."""


class Part(msgspec.Struct, frozen=True):
    """One part with all that follows it: in how many ways it may end at worst, and the steps of trying them all."""

    ways: int
    steps: int
    first: int
    """The characters that may stand where it begins: its own, and where it may be empty those of what follows."""
    checks: int
    """The steps until it is refused where none of these characters stands."""
    may_be_empty: bool = False


_NOTHING: Final = Part(1, 0, 0, 0, may_be_empty=True)
"""What comes after the last part: nothing that could fail, so that no other way is tried for its sake."""


def worst_steps(tree: Group, flags: int, length: int) -> int:
    """Return an upper bound on the steps of a search in a text of this length."""
    steps = _Measure(flags, length).part(tree, _NOTHING).steps
    if begins_once(tree, flags):
        return steps + length
    return steps * (2 if begins_lines(tree) else length + 1)


def begins_once(tree: Group, flags: int) -> bool:
    """Say whether a match can only stand where the text begins."""
    first = _leading(tree)
    return isinstance(first, Edge) and (first.text == r"\A" or (first.text == "^" and not flags & re.MULTILINE))


def begins_lines(tree: Group) -> bool:
    r"""Say whether the expression begins with `.*` or `.+`: a match that stands in a line stands at its begin too."""
    first = _leading(tree)
    if not isinstance(first, Repeat) or first.is_possessive:
        return False
    return first.body == Single(".") and first.most == WITHOUT_END


def _leading(tree: Group) -> Single | Edge | Group | Repeat | None:
    first: Single | Edge | Group | Repeat | None = tree
    while isinstance(first, Group):
        if len(first.branches) > 1 or not first.branches[0] or first.looks or first.opening == "(?>":
            return None
        first = first.branches[0][0]
    return first


class _Measure:
    """Measures parts for texts of one length."""

    def __init__(self, flags: int, length: int) -> None:
        self._flags = flags
        self._length = length

    def part(self, node: Single | Edge | Group | Repeat, after: Part) -> Part:
        """Measure a part, knowing what follows it."""
        if isinstance(node, Single):
            return Part(1, 1, _characters(node.text, self._flags), 1)
        if isinstance(node, Repeat):
            return self._repeat(node, after)
        if isinstance(node, Group):
            return self._look(node, after) if node.looks else self._branches(node, after)
        if node.text in ("$", r"\Z", r"\z"):
            return Part(1, 1, _END | (_NEWLINE if node.text == "$" else 0), 1)
        return Part(1, 1, after.first, after.checks + 1, may_be_empty=True)

    def _row(self, row: Row, after: Part) -> Part:
        """Measure parts that follow each other, the last one first."""
        ways, steps, may_be_empty = 1, 0, True
        for node in reversed(row):
            part = self.part(node, after)
            steps = min(part.steps + part.ways * steps, _TOO_MUCH)
            ways = min(part.ways * ways, _TOO_MUCH)
            may_be_empty = may_be_empty and part.may_be_empty
            after = part
        return Part(ways, steps + 1, after.first, after.checks + 1, may_be_empty)

    def _branches(self, group: Group, after: Part) -> Part:
        parts = [self._row(row, after) for row in group.branches]
        first, apart = 0, True
        for part in parts:
            apart = apart and not part.first & first
            first |= part.first
        ways = [part.ways for part in parts]
        return Part(
            min(max(ways) if apart else sum(ways), _TOO_MUCH),
            min(sum(part.steps for part in parts), _TOO_MUCH),
            first,
            sum(part.checks for part in parts),
            any(part.may_be_empty for part in parts),
        )

    def _look(self, group: Group, after: Part) -> Part:
        """Measure a look ahead or back: it may take all its steps wherever it stands, whatever follows."""
        steps = self._branches(group, _NOTHING).steps
        return Part(1, steps, _ANY, min(steps + after.checks, _TOO_MUCH), may_be_empty=True)

    def _repeat(self, node: Repeat, after: Part) -> Part:
        rounds = min(node.most, self._length + 1)
        again = after
        if rounds > 1:
            begins = _Measure(self._flags, 0).part(node.body, after)
            if begins.may_be_empty:  # how often nothing fits into nothing, nobody should have to know
                return Part(_TOO_MUCH, _TOO_MUCH, _ANY, _TOO_MUCH, may_be_empty=True)
            again = Part(1, 0, begins.first | after.first, begins.checks + after.checks)
        body = self.part(node.body, again)
        least = min(node.least, rounds)
        ways, tries = _shared_out(body, least, rounds, after)
        stops = (rounds - least + 1) * (after.checks if body.ways == 1 else 0) + 1
        steps = tries * body.steps + stops + (ways * after.checks if body.ways > 1 else 0)
        may_be_empty = node.least == 0 or body.may_be_empty
        first = body.first | (after.first if may_be_empty else 0)
        checks = body.checks + (after.checks if may_be_empty else 0) + 1
        return Part(ways, min(steps, _TOO_MUCH), first, checks, may_be_empty)


def _shared_out(body: Part, least: int, rounds: int, after: Part) -> tuple[int, int]:
    """Return in how many ways the rounds may end, and how many rounds are tried at worst."""
    if body.ways == 1:
        return 1 if not body.first & after.first else rounds - least + 1, rounds
    rounds, least = min(rounds, _MOST_ROUNDS), min(least, _MOST_ROUNDS)
    ways = sum(body.ways**count for count in range(least, rounds + 1))
    return min(ways, _TOO_MUCH), min(sum(body.ways**count for count in range(rounds)), _TOO_MUCH)


@cache
def _characters(text: str, flags: int) -> int:
    """Return the characters that a part of one character matches, rather too many than too few."""
    one = re.compile(text, flags)
    mask = sum(1 << code for code, char in enumerate(_ASCII) if one.match(char))
    only_ascii = text != "." and text.isascii() and _ONLY_ASCII.fullmatch(text) is not None
    return mask if only_ascii and not flags & re.IGNORECASE else mask | _BEYOND
