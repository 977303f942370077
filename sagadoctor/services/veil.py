"""Masking what a row says before any rule quotes it: error texts, raw words, and what could not be read."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from sagadoctor.model.saga import Saga, Step
from sagadoctor.redaction import Redactor

_PLAIN_WORD: Final = re.compile(r"[A-Za-z0-9_-]{0,40}\Z")
"""What a state or a status usually is; nothing in it needs a closer look."""


WORD: Final = 300
"""How many characters of a state or a status are kept."""
RAW: Final = 200
"""How many characters of a value that could not be read are kept."""
ERROR: Final = 2500
DETAILED_ERROR: Final = 60_000
"""How many characters of an error are kept, in a page and for one saga.

A store cuts later than this, by more than the length of a secret: what straddled its cut is not among what is kept.
"""


def veiled(saga: Saga, redactor: Redactor, *, detail: bool = False) -> Saga:
    """Return the saga with its texts masked and cut; the saga itself where there is nothing to do."""
    longest = DETAILED_ERROR if detail else ERROR
    changes: dict[str, object] = {}
    if saga.error:
        changes["error"] = redactor.cut(saga.error, longest)
    if _suspicious(saga.raw_state):
        changes["raw_state"] = redactor.cut(saga.raw_state or "", WORD)
    if saga.steps and _any_to_veil(saga.steps):
        changes["steps"] = tuple(_veiled_step(step, redactor, longest) for step in saga.steps)
    if saga.doubts:
        changes["doubts"] = tuple(
            msgspec.structs.replace(doubt, raw=redactor.cut(doubt.raw, RAW)) for doubt in saga.doubts
        )
    return msgspec.structs.replace(saga, **changes) if changes else saga


def _any_to_veil(steps: tuple[Step, ...]) -> bool:
    for step in steps:  # noqa: SIM110 - a loop takes a third of the time of any(), and every finding comes by here
        if step.error or _suspicious(step.raw_status):
            return True
    return False


@lru_cache(maxsize=64)
def _suspicious(word: str | None) -> bool:
    """Say whether a word has to be looked at more closely; a store has few words, and says them again and again."""
    return word is not None and _PLAIN_WORD.match(word) is None


def _veiled_step(step: Step, redactor: Redactor, longest: int) -> Step:
    error = redactor.cut(step.error, longest) if step.error else step.error
    raw = redactor.cut(step.raw_status or "", WORD) if _suspicious(step.raw_status) else step.raw_status
    if (error, raw) == (step.error, step.raw_status):
        return step
    return msgspec.structs.replace(step, error=error, raw_status=raw)
