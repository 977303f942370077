"""How long a regular expression may search at worst: an upper bound on its steps, told from the expression alone.

`re` tries one way after another to share a text out among the parts of an expression. What counts is in how many ways
each part can end where the next one may begin: `[a-z]+\\.` in one, `.*-` in as many as there are characters. Ways of
parts that follow each other are multiplied, and so are those of the rounds of a repeat.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

import msgspec

_REPEATS: Final = (constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT)
_BEYOND: Final = 1 << 128
"""Any character that isn't ASCII."""
_END: Final = 1 << 129
"""The end of the text, where the next character would stand."""
_ANY: Final = (_END << 1) - 1
_CHARACTER: Final = _END - 1
_NEWLINE: Final = 1 << 10
_ASCII: Final = [chr(code) for code in range(128)]
_CATEGORIES: Final = {
    constants.CATEGORY_DIGIT: r"\d",
    constants.CATEGORY_NOT_DIGIT: r"\D",
    constants.CATEGORY_SPACE: r"\s",
    constants.CATEGORY_NOT_SPACE: r"\S",
    constants.CATEGORY_WORD: r"\w",
    constants.CATEGORY_NOT_WORD: r"\W",
}
_SINGLE: Final = (constants.LITERAL, constants.NOT_LITERAL, constants.ANY, constants.IN)
_TOO_MUCH: Final = 1e18


class After(msgspec.Struct, frozen=True):
    """What comes after a part: the characters that it may begin with, whether it can fail, what a look at it costs."""

    first: int = _ANY
    can_fail: bool = False
    checks: float = 1


class Part(msgspec.Struct, frozen=True):
    """One part of an expression: in how many ways it may end at worst, and the steps of trying them all."""

    ways: float
    steps: float
    first: int
    may_be_empty: bool
    can_fail: bool
    checks: float = 1


def worst_steps(text: str, length: int) -> float:
    """Return an upper bound on the steps of a search in a text of this length; the expression compiles."""
    parsed = parser.parse(text)
    flags = parsed.state.flags
    whole = _Measure(length).sequence(parsed, flags, After())
    if begins_once(parsed, flags):
        return whole.steps + length
    return whole.steps * (2 if begins_lines(parsed) else length)


def begins_once(parsed: Any, flags: int) -> bool:
    """Say whether a match can only stand where the text begins."""
    first = _leading(parsed)
    if first is None:
        return False
    operator, argument = first
    if operator is constants.AT and argument is constants.AT_BEGINNING_STRING:
        return True
    return operator is constants.AT and argument is constants.AT_BEGINNING and not flags & re.MULTILINE


def begins_lines(parsed: Any) -> bool:
    r"""Say whether the expression begins with `.*` or `.+`: a match that stands in a line stands at its begin too."""
    first = _leading(parsed)
    if first is None or first[0] not in (constants.MAX_REPEAT, constants.MIN_REPEAT):
        return False
    _, most, body = first[1]
    refers = any(operator is constants.GROUPREF for operator, _ in _all(parsed))
    return most is constants.MAXREPEAT and len(body) == 1 and body[0][0] is constants.ANY and not refers


def _leading(parsed: Any) -> tuple[Any, Any] | None:
    while len(parsed):
        operator, argument = parsed[0]
        if operator is not constants.SUBPATTERN:
            return operator, argument
        if argument[1] or argument[2]:  # flags of its own
            return None
        parsed = argument[3]
    return None


def _all(parsed: Any) -> Iterable[tuple[Any, Any]]:
    for operator, argument in parsed:
        yield operator, argument
        for body in _bodies(argument):
            yield from _all(body)


def _bodies(argument: Any) -> list[Any]:
    if isinstance(argument, parser.SubPattern):
        return [argument]
    if isinstance(argument, list | tuple):
        return [body for inner in argument for body in _bodies(inner)]
    return []


class _Measure:
    """Measures parts for texts of one length."""

    def __init__(self, length: int) -> None:
        self._length = length

    def sequence(self, parsed: Sequence[Any], flags: int, after: After) -> Part:
        """Measure parts that follow each other, the last one first: each asks what comes after it."""
        ways, steps, first, checks = 1.0, 0.0, 0, 0.0
        may_be_empty, can_fail = True, False
        for operator, argument in reversed(list(parsed)):
            part = self._part(operator, argument, flags, after)
            steps = _bounded(part.steps + part.ways * steps)
            ways = _bounded(ways * part.ways)
            first = part.first | (first if part.may_be_empty else 0)
            checks = part.checks + (checks if part.may_be_empty else 0)
            may_be_empty, can_fail = may_be_empty and part.may_be_empty, can_fail or part.can_fail
            after = After(
                part.first | (after.first if part.may_be_empty else 0),
                after.can_fail or part.can_fail,
                part.checks + (after.checks if part.may_be_empty else 0),
            )
        return Part(ways, steps + 1, first, may_be_empty, can_fail, checks + 1)

    def _part(self, operator: Any, argument: Any, flags: int, after: After) -> Part:
        if operator in _SINGLE:
            return Part(1, 1, _characters(operator, argument, flags), may_be_empty=False, can_fail=True)
        if operator in _REPEATS:
            return self._repeat(argument, flags, after, keeps=operator is constants.POSSESSIVE_REPEAT)
        if operator is constants.SUBPATTERN:
            _, added, removed, body = argument
            return self.sequence(body, (flags | added) & ~removed, after)
        if operator is constants.BRANCH:
            return self._branch(argument[1], flags, after)
        if operator is constants.ATOMIC_GROUP:
            body = self.sequence(argument, flags, After())
            return Part(1, body.steps, body.first, body.may_be_empty, body.can_fail, body.checks)
        if operator in (constants.ASSERT, constants.ASSERT_NOT):
            body = self.sequence(argument[1], flags, After())
            return Part(1, body.steps, _ANY, may_be_empty=True, can_fail=True, checks=body.steps)
        if operator is constants.AT and argument in (constants.AT_END, constants.AT_END_STRING):
            ends = _END | (0 if argument is constants.AT_END_STRING else _NEWLINE)
            return Part(1, 1, ends, may_be_empty=False, can_fail=True)
        if operator is constants.AT:
            return Part(1, 1, 0, may_be_empty=True, can_fail=True)
        if operator is constants.GROUPREF_EXISTS:
            bodies = [body if body is not None else [] for body in argument[1:]]
            return self._branch(bodies, flags, after)
        # a reference to a group, and whatever else may come
        return Part(1, self._length, _ANY, may_be_empty=True, can_fail=True, checks=self._length)

    def _branch(self, bodies: Sequence[Any], flags: int, after: After) -> Part:
        parts = [self.sequence(body, flags, after) for body in bodies]
        seen, apart = 0, True
        for part in parts:
            first = part.first | (after.first if part.may_be_empty else 0)
            apart = apart and not first & seen
            seen |= first
        ways = [part.ways for part in parts]
        return Part(
            _bounded(max(ways) if apart else sum(ways)),
            _bounded(sum(part.steps for part in parts) + len(parts)),
            _joined(part.first for part in parts),
            any(part.may_be_empty for part in parts),
            all(part.can_fail for part in parts),
            sum(part.checks for part in parts),
        )

    def _repeat(self, argument: Any, flags: int, after: After, *, keeps: bool) -> Part:
        least, most, body = argument
        shortest = max(1, body.getwidth()[0])
        rounds = min(int(most), self._length // shortest + 1)
        if rounds == 0:
            return Part(1, 1, 0, may_be_empty=True, can_fail=False)
        least = min(int(least), rounds)
        beginning = _beginning(body, flags)[0] if rounds > 1 else 0
        again = After(after.first | beginning, after.can_fail or least > 1, after.checks + len(body) + 1)
        part = self.sequence(body, flags, again)
        ways, tries = self._rounds(part, least, rounds, after)
        if keeps:
            ways = 1
        return Part(
            ways if after.can_fail else 1,
            _bounded(tries * part.steps + ways * after.checks),
            part.first,
            least == 0 or part.may_be_empty,
            least > 0 and part.can_fail,
            part.checks,
        )

    @staticmethod
    def _rounds(part: Part, least: int, rounds: int, after: After) -> tuple[float, float]:
        """Return in how many ways the rounds may end, and how many rounds are tried at worst."""
        each = part.ways + (1 if part.may_be_empty and rounds > 1 else 0)
        if each == 1:
            apart = not part.may_be_empty and not part.first & after.first
            return 1 if apart else rounds - least + 1, rounds
        reached = [_power(each, count) for count in range(min(rounds, 60) + 1)]
        return _bounded(sum(reached[min(least, 60) :])), _bounded(sum(reached[:-1]))


def _bounded(steps: float) -> float:
    return min(steps, _TOO_MUCH)


def _power(base: float, times: int) -> float:
    return _TOO_MUCH if times * math.log10(base) > 18 else base**times


def _beginning(parsed: Sequence[Any], flags: int) -> tuple[int, bool]:
    """Return the characters that these parts may begin with, and whether they may be empty."""
    first = 0
    for operator, argument in parsed:
        more, may_be_empty = _begins(operator, argument, flags)
        first |= more
        if not may_be_empty:
            return first, False
    return first, True


def _begins(operator: Any, argument: Any, flags: int) -> tuple[int, bool]:
    if operator in _SINGLE:
        return _characters(operator, argument, flags), False
    if operator in _REPEATS:
        least, most, body = argument
        first, may_be_empty = _beginning(body, flags) if most else (0, True)
        return first, may_be_empty or least == 0
    if operator is constants.SUBPATTERN:
        _, added, removed, body = argument
        return _beginning(body, (flags | added) & ~removed)
    if operator is constants.ATOMIC_GROUP:
        return _beginning(argument, flags)
    if operator in (constants.BRANCH, constants.GROUPREF_EXISTS):
        bodies = argument[1] if operator is constants.BRANCH else [body or [] for body in argument[1:]]
        each = [_beginning(body, flags) for body in bodies]
        return _joined(first for first, _ in each), any(may_be_empty for _, may_be_empty in each)
    if operator is constants.AT:
        return (_END | _NEWLINE, False) if argument in (constants.AT_END, constants.AT_END_STRING) else (0, True)
    return _ANY, True


def _joined(masks: Iterable[int]) -> int:
    joined = 0
    for mask in masks:
        joined |= mask
    return joined


def _characters(operator: Any, argument: Any, flags: int) -> int:
    """Return the characters that a part of one character matches, rather too many than too few."""
    if operator is constants.ANY:
        return _CHARACTER if flags & re.DOTALL else _CHARACTER & ~_NEWLINE
    if operator is constants.LITERAL:
        return _letter(argument, flags)
    if operator is constants.NOT_LITERAL:
        return _CHARACTER & ~(1 << argument if argument < 128 else 0)
    refused = argument[0][0] is constants.NEGATE
    mask = _joined(_member(kind, value, 0 if refused else flags) for kind, value in argument)
    return (_CHARACTER & ~mask) | _BEYOND if refused else mask


def _letter(code: int, flags: int) -> int:
    if code >= 128:
        return _BEYOND if not flags & re.IGNORECASE else _BEYOND | _both(code)
    if flags & re.IGNORECASE and chr(code).isalpha():
        return 1 << ord(chr(code).lower()) | 1 << ord(chr(code).upper()) | _BEYOND
    return 1 << code


def _both(code: int) -> int:
    """Return the ASCII letters that a letter beyond it may be taken for (the sign of kelvin, the long s, the i)."""
    return _joined(1 << ord(char) for char in _ASCII if char.isalpha() and re.match(re.escape(chr(code)), char, re.I))


def _member(operator: Any, argument: Any, flags: int) -> int:
    if operator is constants.LITERAL:
        return _letter(argument, flags)
    if operator is constants.RANGE:
        low, high = argument
        mask = _joined(_letter(code, flags) for code in range(low, min(high, 127) + 1))
        return mask | (_BEYOND if high >= 128 else 0) | (_letters() if high >= 128 and flags & re.IGNORECASE else 0)
    if operator is constants.CATEGORY and argument in _CATEGORIES:
        kind = re.compile(_CATEGORIES[argument])
        return _joined(1 << code for code, char in enumerate(_ASCII) if kind.match(char)) | _BEYOND
    return 0 if operator is constants.NEGATE else _CHARACTER


def _letters() -> int:
    return _joined(1 << ord(char) for char in _ASCII if char.isalpha())
