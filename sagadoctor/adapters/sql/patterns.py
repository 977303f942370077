"""Regular expressions of a mapping: the first group is the value; one that could run for ever is refused."""

from __future__ import annotations

import re
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

LONGEST_SUBJECT: Final = 1000
"""A pattern looks at this many characters of a cell at most."""

_REPEATS: Final = (constants.MAX_REPEAT, constants.MIN_REPEAT)


def parse_pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern; raises ValueError when it is malformed, has no group or nests endless repeats."""
    try:
        made = re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    if made.groups == 0:
        raise ValueError("the pattern has no group: its first group, in parentheses, is the value")
    if _nests_repeats(parser.parse(text), inside=False):
        raise ValueError("a repeat inside a repeat, such as (a+)+, can run for ever on some texts; write it flat")
    return made


def _nests_repeats(parsed: Any, *, inside: bool) -> bool:
    for operation, argument in parsed:
        if operation in _REPEATS:
            _, most, body = argument
            endless = most is constants.MAXREPEAT or most > 50
            if (endless and inside) or _nests_repeats(body, inside=inside or endless):
                return True
        elif any(_nests_repeats(body, inside=inside) for body in _bodies(argument)):
            return True
    return False


def _bodies(argument: Any) -> list[Any]:
    if isinstance(argument, parser.SubPattern):
        return [argument]
    if isinstance(argument, list | tuple):
        return [body for item in argument for body in _bodies(item)]
    return []


def value_of(pattern: re.Pattern[str], text: str) -> str | None:
    """Return the first group of the first match, None without one."""
    found = pattern.search(text[:LONGEST_SUBJECT])
    return None if found is None else found[1]
