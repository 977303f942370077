"""Masking what a row says before any rule quotes it: error texts, raw words, and what could not be read."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from sagadoctor.model.saga import Saga, Step
from sagadoctor.redaction import Redactor

_PLAIN_WORD: Final = re.compile(r"[A-Za-z0-9_-]{0,40}\Z")
"""What a state or a status usually is; nothing in it needs a closer look."""


def veiled(saga: Saga, redactor: Redactor) -> Saga:
    """Return the saga with its texts masked; the saga itself where there is nothing to mask."""
    changes: dict[str, object] = {}
    if saga.error:
        changes["error"] = redactor.text(saga.error)
    if _suspicious(saga.raw_state):
        changes["raw_state"] = redactor.text(saga.raw_state or "")
    if saga.steps and any(step.error or _suspicious(step.raw_status) for step in saga.steps):
        changes["steps"] = tuple(_veiled_step(step, redactor) for step in saga.steps)
    if saga.doubts:
        changes["doubts"] = tuple(msgspec.structs.replace(doubt, raw=redactor.text(doubt.raw)) for doubt in saga.doubts)
    return msgspec.structs.replace(saga, **changes) if changes else saga


def _suspicious(word: str | None) -> bool:
    return word is not None and _PLAIN_WORD.match(word) is None


def _veiled_step(step: Step, redactor: Redactor) -> Step:
    error = redactor.text(step.error) if step.error else step.error
    raw = redactor.text(step.raw_status or "") if _suspicious(step.raw_status) else step.raw_status
    if (error, raw) == (step.error, step.raw_status):
        return step
    return msgspec.structs.replace(step, error=error, raw_status=raw)
