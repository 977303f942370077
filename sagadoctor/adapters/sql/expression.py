"""A regular expression as a tree, read from its text alone: as much of the language as a mapping needs."""

from __future__ import annotations

import re
from typing import Final

import msgspec

Row = tuple["Single | Edge | Group | Repeat", ...]
"""Parts that follow each other."""

WITHOUT_END: Final = 1 << 32
"""How often a repeat without an upper bound may repeat."""
_FLAGS: Final = re.compile(r"(?:\(\?[aimsu]+\))*")
_TOKEN: Final = re.compile(
    r"""(?P<open> \((?!\?) | \(\?(?: : | > | = | ! | <= | <! | P<\w+> ) )
    | (?P<close> \) )
    | (?P<bar> \| )
    | (?P<repeat> (?: [*+?] | \{(?: (?P<least>[0-9]+) (?P<open_end>,(?P<most>[0-9]*))? | ,(?P<only_most>[0-9]*) )\} )
      (?P<manner>[?+])? )
    | (?P<edge> [\^$] | \\[AbBZz] )
    | (?P<single> \[\^?\]?(?:\\.|[^\]\\])*\]
      | \\(?: x[0-9a-fA-F]{2} | u[0-9a-fA-F]{4} | U[0-9a-fA-F]{8} | N\{[^}]*\} | 0[0-7]{0,2} | [dDsSwWafnrtv\W_] )
      | [^\\()\[] )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_LOOKS: Final = ("(?=", "(?!", "(?<=", "(?<!")
_OFTEN: Final = {"*": (0, WITHOUT_END), "+": (1, WITHOUT_END), "?": (0, 1)}


class Foreign(ValueError):
    """The expression says something at this place that isn't understood here, and so can't be measured."""


class Single(msgspec.Struct, frozen=True):
    """One character: a letter, an escape, a dot or a set, as it is written."""

    text: str


class Edge(msgspec.Struct, frozen=True):
    r"""A place between two characters: `^`, `$`, `\b` and their like."""

    text: str


class Group(msgspec.Struct, frozen=True):
    """Alternatives in parentheses; `opening` says of which kind, and is empty for the whole expression."""

    opening: str
    branches: tuple[Row, ...]

    @property
    def looks(self) -> bool:
        """Say whether it only looks ahead or back and takes no character."""
        return self.opening in _LOOKS


class Repeat(msgspec.Struct, frozen=True):
    """A part that is repeated; `text` is how that is written."""

    body: Single | Edge | Group
    least: int
    most: int
    text: str

    @property
    def is_possessive(self) -> bool:
        """Say whether what was taken is never given back."""
        return len(self.text) > 1 and self.text.endswith("+")


def tree_of(text: str) -> Group:
    """Return the tree of an expression that compiles; raises Foreign where it says what isn't understood here."""
    flags = _FLAGS.match(text)
    branches, at = _branches(text, flags.end() if flags is not None else 0)
    if at < len(text):
        raise Foreign(text[at:])
    return Group("", branches)


def _branches(text: str, at: int) -> tuple[tuple[Row, ...], int]:
    """Read alternatives up to the parenthesis that closes them, or the end; return where that stands."""
    done: list[Row] = []
    row: list[Single | Edge | Group | Repeat] = []
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise Foreign(text[at:])
        if token.lastgroup == "close":
            break
        at = token.end()
        if token.lastgroup == "bar":
            done.append(tuple(row))
            row = []
        elif token["open"]:
            branches, at = _branches(text, at)
            row.append(Group(token["open"], branches))
            if text[at : at + 1] != ")":
                raise Foreign(text[at:])
            at += 1
        elif token["repeat"]:
            body = row.pop() if row else None
            if body is None or isinstance(body, Repeat):
                raise Foreign(token.group())
            row.append(Repeat(body, *_often(token), token.group()))
        elif token["edge"]:
            row.append(Edge(token.group()))
        else:
            row.append(Single(token.group()))
    return (*done, tuple(row)), at


def _often(token: re.Match[str]) -> tuple[int, int]:
    said = _OFTEN.get(token["repeat"][0])
    if said is not None:
        return said
    least, most = token["least"] or "0", token["most"] or token["only_most"]
    if token["least"] and not token["open_end"]:
        most = least
    return int(least), int(most) if most else WITHOUT_END
