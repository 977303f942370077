"""Masking what a row says before any rule quotes it: error texts and what could not be read."""

from __future__ import annotations

import msgspec

from sagadoctor.model.saga import Saga
from sagadoctor.redaction import Redactor


def veiled(saga: Saga, redactor: Redactor) -> Saga:
    """Return the saga with its error texts and doubts masked; the saga itself where there is nothing to mask."""
    changes: dict[str, object] = {}
    if saga.error:
        changes["error"] = redactor.text(saga.error)
    if saga.steps and any(step.error for step in saga.steps):
        changes["steps"] = tuple(
            msgspec.structs.replace(step, error=redactor.text(step.error)) if step.error else step
            for step in saga.steps
        )
    if saga.doubts:
        changes["doubts"] = tuple(msgspec.structs.replace(doubt, raw=redactor.text(doubt.raw)) for doubt in saga.doubts)
    return msgspec.structs.replace(saga, **changes) if changes else saga
