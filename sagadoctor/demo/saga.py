"""A saga as its orchestrator keeps it, and the row it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from .schema import SAGAS


class State(StrEnum):
    """The words of the `state` column; `failed` is what a saga is after a clean undo."""

    STARTED = "started"
    PENDING = "pending"
    COMPENSATING = "compensating"
    COMPLETED = "completed"
    FAILED = "failed"


class Status(StrEnum):
    """The words a step's `status` may have."""

    PENDING = "pending"
    EXECUTING = "executing"
    COMPLETED = "completed"
    FAILED = "failed"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"


@dataclass(slots=True)
class Step:
    """One action with its compensation, if it has one; times are naive UTC."""

    name: str
    action: str
    compensation: str | None
    status: Status = Status.PENDING
    result: dict[str, Any] | None = None
    error: str | None = None
    executed_at: datetime | None = None
    compensated_at: datetime | None = None
    timeout_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the step as the `steps` column holds it."""
        return {
            "name": self.name,
            "action": self.action,
            "compensation": self.compensation,
            "status": self.status.value,
            "result": self.result,
            "error": self.error,
            "executed_at": _written(self.executed_at),
            "compensated_at": _written(self.compensated_at),
            "timeout_at": _written(self.timeout_at),
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Step:
        """Return the step that the `steps` column holds."""
        return cls(
            name=kept["name"],
            action=kept["action"],
            compensation=kept["compensation"],
            status=Status(kept["status"]),
            result=kept["result"],
            error=kept["error"],
            executed_at=_read(kept["executed_at"]),
            compensated_at=_read(kept["compensated_at"]),
            timeout_at=_read(kept["timeout_at"]),
        )


@dataclass(slots=True)
class Saga:
    """One run of a business transaction; there is no version column, the last writer wins."""

    saga_id: str
    saga_type: str
    data: dict[str, Any]
    steps: list[Step]
    created_at: datetime
    updated_at: datetime
    state: State = State.STARTED
    current_step: int = 0

    @property
    def reference(self) -> str | None:
        """Return the business key."""
        reference = self.data.get("reference")
        return reference if isinstance(reference, str) else None

    def step(self, name: str) -> Step | None:
        """Return the step of this name."""
        return next((step for step in self.steps if step.name == name), None)


@dataclass(frozen=True, slots=True)
class SagaTable:
    """Reads and writes whole rows of one saga type."""

    saga_type: str

    def get(self, connection: Connection, saga_id: str) -> Saga | None:
        """Return the saga, or None when it is not one of this type."""
        row = connection.execute(
            select(SAGAS).where(SAGAS.c.saga_id == saga_id, SAGAS.c.saga_type == self.saga_type)
        ).one_or_none()
        if row is None:
            return None
        return Saga(
            saga_id=row.saga_id,
            saga_type=row.saga_type,
            data=row.data,
            steps=[Step.from_json(kept) for kept in row.steps],
            created_at=row.created_at,
            updated_at=row.updated_at,
            state=State(row.state),
            current_step=row.current_step,
        )

    def save(self, connection: Connection, saga: Saga) -> None:
        """Write the whole row over whatever is there."""
        values = {
            "saga_type": saga.saga_type,
            "state": saga.state.value,
            "current_step": saga.current_step,
            "data": saga.data,
            "steps": [step.to_json() for step in saga.steps],
            "created_at": saga.created_at,
            "updated_at": saga.updated_at,
        }
        written = connection.execute(update(SAGAS).where(SAGAS.c.saga_id == saga.saga_id).values(values))
        if written.rowcount == 0:
            connection.execute(insert(SAGAS).values(saga_id=saga.saga_id, **values))


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
