"""Chance that can be repeated: what is drawn depends on the seed and on what it is drawn for, not on when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import TypeVar
from uuid import UUID

Choice = TypeVar("Choice")


class Chance:
    """Draws by hashing, so that one more saga in a scenario changes nothing for all the others."""

    def __init__(self, seed: int) -> None:
        """Remember the seed; two worlds with one seed are alike."""
        self._seed = seed

    def seconds(self, low: float, high: float, *about: object) -> timedelta:
        """Return a time between `low` and `high` seconds."""
        fraction = int.from_bytes(self._digest(about)[:7], "big") / (1 << 56)
        return timedelta(seconds=low + (high - low) * fraction)

    def pick(self, choices: Sequence[Choice], *about: object) -> Choice:
        """Return one of the choices."""
        return choices[int.from_bytes(self._digest(about)[:7], "big") % len(choices)]

    def number(self, low: int, high: int, *about: object) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int.from_bytes(self._digest(about)[:7], "big") % (high - low + 1)

    def uuid(self, *about: object) -> str:
        """Return an id that looks like any other random UUID."""
        return str(UUID(bytes=self._digest(about), version=4))

    def _digest(self, about: tuple[object, ...]) -> bytes:
        text = "\x1f".join(str(part) for part in (self._seed, *about))
        return blake2b(text.encode(), digest_size=16).digest()
