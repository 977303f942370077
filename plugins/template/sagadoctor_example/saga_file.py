"""From a file to facts: the engine's words become sagadoctor's, and what can't be read is said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sagadoctor.api.v1 import Doubt, Saga, SagaState, Step, StepStatus

STATES: Final = {
    "RUNNING": SagaState.PENDING,
    "UNDOING": SagaState.COMPENSATING,
    "DONE": SagaState.COMPLETED,
    "UNDONE": SagaState.COMPENSATED,
    "BROKEN": SagaState.FAILED,
}
STATUSES: Final = {
    "TODO": StepStatus.PENDING,
    "SENT": StepStatus.EXECUTING,
    "OK": StepStatus.COMPLETED,
    "REFUSED": StepStatus.FAILED,
    "UNDOING": StepStatus.COMPENSATING,
    "UNDONE": StepStatus.COMPENSATED,
    "UNDO_FAILED": StepStatus.COMPENSATION_FAILED,
}
BIGGEST: Final = 1_000_000
"""Bytes of a file that is read."""


def saga_of(path: Path, store: str, source: str) -> Saga | None:
    """Return the saga of a file; None where the file is gone. Raises OSError."""
    try:
        with path.open("rb") as file:
            raw = file.read(BIGGEST + 1)
    except FileNotFoundError:
        return None
    try:
        told = json.loads(raw)
        if not isinstance(told, dict) or not isinstance(told["id"], str):
            raise ValueError("a saga is an object with an id")
    except (ValueError, KeyError, RecursionError) as odd:
        # A row that can't be read stays in sight: under the name that it has, with the reason.
        doubt = Doubt("state", raw[:100].decode("utf-8", "replace"), f"not a saga: {odd}")
        return Saga(store, path.stem, SagaState.UNKNOWN, source=source, doubts=(doubt,))
    word = told.get("state")
    doubts = [] if word in STATES else [Doubt("state", str(word)[:100], "a word that this plugin doesn't know")]
    began, moved = _moment(told, "created_at", doubts), _moment(told, "updated_at", doubts)
    return Saga(
        store,
        told["id"],
        STATES.get(str(word), SagaState.UNKNOWN),
        raw_state=None if word is None else str(word),
        saga_type=_text(told, "type"),
        source=source,
        steps=_steps(told),
        created_at=began,
        updated_at=moved,
        error=_text(told, "error"),
        doubts=tuple(doubts),
    )


def _steps(told: Mapping[str, Any]) -> tuple[Step, ...] | None:
    """Return the steps; None where the file tells none, which is not the same as having none."""
    listed = told.get("steps")
    if not isinstance(listed, list) or not all(isinstance(step, dict) for step in listed):
        return None
    return tuple(
        Step(
            str(step.get("name")),
            number,
            STATUSES.get(str(step.get("status")), StepStatus.UNKNOWN),
            raw_status=_text(step, "status"),
            compensation=_text(step, "undo"),
            executed_at=_moment(step, "executed_at", []),
            error=_text(step, "error"),
        )
        for number, step in enumerate(listed)
    )


def _text(told: Mapping[str, Any], name: str) -> str | None:
    value = told.get(name)
    return value if isinstance(value, str) else None


def _moment(told: Mapping[str, Any], name: str, doubts: list[Doubt]) -> datetime | None:
    """Return an aware UTC time; one that can't be read is a doubt, never a guess."""
    value = told.get(name)
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        doubts.append(Doubt(name, str(value)[:100], "a time as 2026-11-20T03:00:00Z"))
        return None
