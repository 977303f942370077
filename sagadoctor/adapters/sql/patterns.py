"""Regular expressions of a mapping: the first group is the value; one that could run for long is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from sagadoctor.api.v1 import shown

LONGEST_SUBJECT: Final = 500
"""A pattern looks at this many characters of a cell at most."""
MOST_STEPS: Final = 4_000_000
"""What a search may take at worst: some 50 ms. While `re` works, nothing else does, not even a signal or a timeout."""
_ANCHORED: Final = "begin it with ^ if the value stands at the beginning, and "
_ADVICE: Final = (
    "on some texts it would try for very long how to share the same characters out among its repeats; {anchored}let "
    "each repeat end where the next part begins: ^([^-]*)-([^-]*)$, not (.*)-(.*); [a-z]+, not (?:[a-z]+)* or (?:a|a)*"
)
_FOREIGN: Final = (
    "how long it would search can't be told from {place} on: write it without references to groups (\\1, (?P=name), "
    "(?(1)…)), comments and flags other than (?i), (?m), (?s), (?a) at its beginning"
)


class Pattern(msgspec.Struct, frozen=True):
    """A compiled pattern; `by_line` when it begins with `.*`, so that only the beginnings of lines are worth a try."""

    compiled: re.Pattern[str]
    by_line: bool = False


def parse_pattern(text: str) -> Pattern:
    """Compile a pattern; raises ValueError when it is malformed, has no group or could run for long."""
    from .effort import begins_lines, begins_once, worst_steps  # most mappings have no pattern
    from .expression import Foreign, tree_of

    try:
        made = re.compile(text)
        if made.groups == 0:
            raise ValueError("the pattern has no group: its first group, in parentheses, is the value")
        tree = tree_of(text)
        steps = worst_steps(tree, made.flags, LONGEST_SUBJECT)
    except Foreign as foreign:
        raise ValueError(_FOREIGN.format(place=shown(foreign, 20))) from None
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    if steps > MOST_STEPS:
        once = begins_once(tree, made.flags) or begins_lines(tree)
        raise ValueError(_ADVICE.format(anchored="" if once else _ANCHORED))
    return Pattern(made, begins_lines(tree))


def value_of(pattern: Pattern, text: str) -> str | None:
    """Return the first group of the first match, None without one."""
    subject = text[:LONGEST_SUBJECT]
    if not pattern.by_line:
        found = pattern.compiled.search(subject)
        return None if found is None else found[1]
    dotall = pattern.compiled.flags & re.DOTALL
    for start in (0,) if dotall else _lines(subject):
        found = pattern.compiled.match(subject, start)
        if found is not None:
            return found[1]
    return None


def _lines(text: str) -> Iterator[int]:
    yield 0
    at = text.find("\n")
    while at >= 0:
        yield at + 1
        at = text.find("\n", at + 1)
