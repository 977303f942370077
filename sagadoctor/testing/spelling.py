"""How people spell ids: a UUID in capitals, in braces, without dashes, as a URN."""

from __future__ import annotations

import re
from typing import Final

_UUID: Final = re.compile(
    r"(?i)(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?\Z"
)


def canonical(spelt: str) -> str:
    """Return a UUID in lower case with dashes, and any other id as it is."""
    found = _UUID.match(spelt)
    return "-".join(found.groups()).lower() if found is not None else spelt


def spellings(saga_id: str) -> tuple[str, ...]:
    """Return the usual ways to write an id: those of a UUID, or just the one."""
    plain = canonical(saga_id)
    if _UUID.match(plain) is None:
        return (saga_id,)
    digits = plain.replace("-", "")
    return (plain, plain.upper(), digits, digits.upper(), f"{{{plain}}}", f"urn:uuid:{plain}")
