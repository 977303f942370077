r"""Outside text made inert: what a store, a queue or an engine said never reaches a terminal as it came.

Textual and Rich pass ESC, C1 controls and bidirectional overrides through, and read `[...]` in strings as
markup; so text is made visible here, before any widget, log, file name or report sees it.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import NewType

from .late import LatePattern

Shown = NewType("Shown", str)
"""Text whose every character is seen and has no power: no controls, no direction changes, no half pairs."""

_HARMLESS = re.compile(r"[\x20-\x5b\x5d-\x7e]*\Z")
_INERT_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_UNSEEN = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Letters and marks that are drawn as nothing: two ids that differ by one of them would look the same."""
_SPELT = LatePattern(r"\\(?:[nrte0\\]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e", "\x00": "\\0", "\\": "\\\\"}
_BY_NAME = {spelt: char for char, spelt in _NAMED.items()}


def _is_seen(char: str) -> bool:
    return unicodedata.category(char) not in _INERT_CATEGORIES and char not in _UNSEEN


def _visible(char: str) -> str:
    named = _NAMED.get(char)
    if named is not None:
        return named
    if _is_seen(char):
        return char
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def shown(text: object, limit: int | None = None) -> Shown:
    r"""Return `text` with every control, format and half character spelt out (`\e`, `\u202e`), one line long.

    `limit` keeps that many characters of `text` (each may be spelt longer) and says how many were left out. A
    backslash is doubled, so that text which spells an escape can't be taken for one.
    """
    raw = text if isinstance(text, str) else str(text)
    cut = 0
    if limit is not None and len(raw) > limit:
        cut = len(raw) - limit
        raw = raw[:limit]
    clean = raw if _HARMLESS.match(raw) else "".join(map(_visible, raw))
    return Shown(f"{clean}… (+{cut} more)" if cut else clean)


def sentence(text: object, limit: int | None = None) -> Shown:
    r"""Return `text` as inert as `shown` does, but with a backslash as it is: for words that a person only reads.

    What spells an escape (`\e`) may then be taken for the character itself. Of an id, which says which one of two is
    meant and may be copied back, nothing but `shown` is fit.
    """
    return Shown(shown(text, limit).replace("\\\\", "\\"))


def unshown(text: str) -> str:
    """Return what `shown` spelt out like this, as far as it is text at all."""
    return _SPELT.sub(_meant, text) if "\\" in text else text


def _meant(found: re.Match[str]) -> str:
    spelt = found.group()
    named = _BY_NAME.get(spelt)
    if named is not None:
        return named
    code = int(spelt[2:], 16)
    return chr(code) if code <= sys.maxunicode else spelt


def is_inert(text: str) -> bool:
    """Say whether `text` may be pasted into a shell line as it is (no control, format or unseen characters)."""
    return all(map(_is_seen, text))


def ascii_only(text: str) -> str:
    r"""Return `text` with everything outside printable ASCII spelt out as `\uXXXX`."""
    return "".join(char if " " <= char <= "~" else _spelt(char) for char in text)


def _spelt(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def csv_cell(text: str) -> str:
    """Return a cell that no spreadsheet reads as a formula: a leading `=`, `+`, `-` or `@` gets a quote."""
    clean = str(shown(text))
    first = unicodedata.normalize("NFKC", clean.lstrip()[:1])  # spreadsheets read the full-width signs as well
    return "'" + clean if first.startswith(("=", "+", "-", "@")) else clean
