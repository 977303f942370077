"""Is a text one statement that only reads? Told from the text alone, before any database sees it.

Databases read quotes and comments in two ways: a text that is fine in one of them is fine here. What a text can't tell
(a function that writes, a mistake in the statement) the database itself says, in a session that may only read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

LONGEST: Final = 20_000
"""Characters of a query; one of a thousand lines belongs into a view."""
_REST: Final = r"""
    | (?P<quoted> "(?:[^"]|"")*" | `(?:[^`]|``)*` | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
    | (?P<unclosed> ['"`] | /\* )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<sign> . )"""
_WAYS: Final = (
    (r"\s+ | --[^\n]*", r"'(?:[^']|'')*'"),
    (r"\s+ | --[^\n]* | \#[^\n]*", r"'(?:[^'\\]|''|\\.)*'"),  # as MariaDB and MySQL have it, and E'…' of PostgreSQL
)
_WRITING: Final = frozenset(("insert", "update", "delete", "merge", "replace", "truncate"))
_LOCKING: Final = (("for", "update"), ("for", "share"), ("for", "no", "key"), ("for", "key", "share"))


class Token(NamedTuple):
    """One word or sign outside of quotes and comments; a quoted text is the word ''."""

    text: str
    kind: str
    begin: int


def one_select(text: str) -> str:
    """Return a query without the semicolon at its end; raises ValueError where it isn't one SELECT that only reads."""
    if len(text) > LONGEST:
        raise ValueError(f"a query has at most {LONGEST:,} characters; make a view of this one")
    if "\x00" in text:
        raise ValueError("a query holds no NUL character")
    trouble: ValueError | None = None
    for blank, quote in _WAYS:
        try:
            return _checked(text, _tokens(text, blank, quote))
        except ValueError as error:
            trouble = trouble or error
    assert trouble is not None
    raise trouble


def _tokens(text: str, blank: str, quote: str) -> list[Token]:
    pattern = re.compile(rf"(?P<blank> {blank} | /\*.*?\*/ ) | (?P<text> {quote} ){_REST}", re.VERBOSE | re.DOTALL)
    found: list[Token] = []
    for match in pattern.finditer(text):
        kind = match.lastgroup or ""
        kind = "quoted" if kind == "tag" else kind
        if kind == "unclosed":
            what = "a comment that begins with /*" if match.group() == "/*" else f"a quote ({match.group()})"
            raise ValueError(f"{what} is never closed")
        if kind == "blank":
            if match.group().startswith(("/*!", "/*M!")):
                raise ValueError("a comment that MariaDB and MySQL run (/*! … */) is not taken")
            continue
        word = "" if kind in ("text", "quoted") else match.group().lower()
        found.append(Token(word, kind, match.start()))
    return found


def _checked(text: str, tokens: list[Token]) -> str:
    end = len(text)
    while tokens and tokens[-1].text == ";":
        end = tokens.pop().begin
    if not tokens:
        raise ValueError('a query is one statement, such as "select …"; this one is empty')
    first = next((token.text for token in tokens if token.text != "("), "")
    if first not in ("select", "with"):
        said = f"begins with {first.upper()}" if first.isidentifier() else "doesn't begin so"
        raise ValueError(f"a query is one SELECT, or WITH … SELECT; this one {said}")
    depth = 0
    for at, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0:
            raise ValueError("a parenthesis is closed that was never opened")
        if token.text == ";":
            raise ValueError("several statements; a query is one, and only reads")
        _only_reads(tokens, at, depth)
    if depth:
        raise ValueError("a parenthesis is never closed")
    return text[:end].strip()


def _only_reads(tokens: Sequence[Token], at: int, depth: int) -> None:
    """Raise ValueError where a statement that writes or locks begins at this place."""
    word = tokens[at].text
    before = tokens[at - 1].text if at else ""
    following = tokens[at + 1] if at + 1 < len(tokens) else Token("", "", 0)
    if word in _WRITING and following.kind in ("word", "quoted") and (before == "(" or (before == ")" and not depth)):
        raise ValueError(f"a query only reads; this one holds {word.upper()}")
    if word == "into":
        raise ValueError("a query only reads; this one writes by INTO")
    coming = tuple(token.text for token in tokens[at : at + 3])
    if any(coming[: len(words)] == words for words in _LOCKING) or coming == ("lock", "in", "share"):
        raise ValueError(f"a query locks no rows; take {' '.join(coming[:2]).upper()} … out")
