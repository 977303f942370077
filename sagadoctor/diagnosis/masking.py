"""Error texts without what differs from saga to saga, so that one cause is one group. Version 1."""

from __future__ import annotations

import re
from typing import Final

from sagadoctor.late import LatePattern

VERSION: Final = 1
_LONGEST: Final = 400

_VARIABLE: Final = LatePattern(
    r"(?P<uuid>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)"
    r"|(?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\d))"
    r"|(?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b)"
    r"|(?P<hex>\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b)"
    r"|(?P<token>\b(?=\w*[A-Za-z])(?=(?:[A-Za-z_]*\d){3})\w{12,}\b)"
    r"|(?P<name>\b[A-Za-z]{1,12}-\d[\w-]*)"
    r"|(?P<number>(?<![A-Za-z_\d])[-+]?\d+(?:[.,]\d+)*|(?<=[A-Za-z_])\d{4,})"
)
_TRACEBACK: Final = "Traceback (most recent call last):"
_SPACE: Final = LatePattern(r"\s+")


def _mask(found: re.Match[str]) -> str:
    return f"<{found.lastgroup}>"


def masked(text: str) -> str:
    """Return the telling line of an error with ids, times, addresses and numbers replaced, at most 400 characters.

    That is its first line; of a Python traceback the last one.
    """
    first = next((line for line in text[: _LONGEST * 4].splitlines() if line.strip()), "")
    if first.strip() == _TRACEBACK:
        first = text[-_LONGEST * 4 :].rstrip().splitlines()[-1]
    return _SPACE.sub(" ", _VARIABLE.sub(_mask, first)).strip()[:_LONGEST]
