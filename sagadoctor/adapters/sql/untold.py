"""Paths and patterns that match nothing: what none of some rows tells, though the mapping says where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sagadoctor.api.v1 import Saga

from .mapping.columns import ColumnWords
from .mapping.saga import SagaWords
from .mapping.step_words import StepFields, StepWords

_FIELDS: Final = {"type": "saga_type", "parent": "parent_id"}
_STEP_TEXTS: Final = ("action", "compensation", "error")
_STEP_TIMES: Final = ("started_at", "executed_at", "compensated_at", "timeout_at", "next_attempt_at")
_STEP_FIELDS: Final = (*_STEP_TEXTS, *_STEP_TIMES, "attempts", "result")


def untold(sagas: Sequence[Saga], saga: SagaWords, steps: StepWords, left_out: Sequence[str]) -> list[str]:
    """Say which fields with a path or a pattern no row tells; those in `left_out` were not read at all."""
    if not sagas:
        return []
    found: list[str] = []
    for name, words in _sought(saga):
        if name not in left_out and all(_told(each, name) is None for each in sagas):
            found.append(_text(f"saga.{name}", words, f"{len(sagas)} rows"))
    fields = getattr(steps, "fields", None)
    every = [step for each in sagas for step in each.steps or ()]
    for name, words in _sought(fields) if isinstance(fields, StepFields) and every else ():
        if name in _STEP_FIELDS and all(getattr(step, name) is None for step in every):
            found.append(_text(f"steps.fields.{name}", words, f"{len(every)} steps"))
    return found


def _sought(words: SagaWords | StepFields) -> Iterator[tuple[str, ColumnWords]]:
    for name in type(words).model_fields:
        spec = getattr(words, name)
        if isinstance(spec, ColumnWords) and (spec.path is not None or spec.pattern is not None):
            yield name, spec


def _told(saga: Saga, name: str) -> Any:
    if any(doubt.field == name for doubt in saga.doubts):
        return ""  # something stands there, which is told as unreadable
    if name in ("owner", "lease_until"):
        owner = saga.owner
        return None if owner is None else owner.name or None if name == "owner" else owner.lease_until
    if name == "current_step" and not saga.is_live:
        return ""  # it means nothing any more
    return getattr(saga, _FIELDS.get(name, name))


def _text(key: str, words: ColumnWords, where: str) -> str:
    path = f"path {words.path}" if words.path is not None else ""
    pattern = f"pattern {words.pattern}" if words.pattern is not None else ""
    sought = " and its ".join(each for each in (path, pattern) if each)
    column = f" in {words.column}" if words.column is not None else " in the payload"
    return f"{key} is told by none of {where}: its {sought} finds nothing{column}"
