"""Identifiers that we make ourselves: short, stable hashes of what a thing is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache


def digest(parts: Iterable[str | None], length: int = 16) -> str:
    """Return `length` hex digits (at most 64) that depend on every part and on where each part ends."""
    marked = "".join(
        ["\x00n" if part is None else f"\x01{len(part if part.isascii() else _encoded(part))}:{part}" for part in parts]
    )
    return hashlib.blake2b(_encoded(marked), digest_size=32).hexdigest()[:length]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def finding_id(
    store: str,
    subject: str,
    about: str,
    rule: str,
    step: str | None,
    progress: datetime | None,
    marks: str | None = None,
) -> str:
    """Return the id of a finding: it stays while the saga stands still and changes when it moves.

    `about` is the saga's, letter's or queue's own id; `progress` the moment it stands on. `marks` is what the
    finding stands on where a moment alone doesn't tell (the fingerprint of a row without times).
    """
    stands_on = progress.isoformat() if progress is not None else None
    return "f-" + digest((store, subject, about, rule, step, stands_on, marks))


@lru_cache(maxsize=1024)
def group_id(rule: str, saga_type: str | None, step: str | None, cause: str) -> str:
    """Return the id that findings of one cause share; `cause` is a masked error text or a rule's own word."""
    return "g-" + digest((rule, saga_type, step, cause), 12)
