"""From the rows of a workflow to a Saga."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sagadoctor.api.v1 import LIVE, Doubt, Owner, Policy, Saga, SagaState, Step, StepStatus

from .course import Course, course_of, state_of
from .moments import moment
from .options import DbosOptions
from .tables import WORKFLOWS
from .values import error_of, json_of, short_name

Row = Mapping[str, object]
_RUNS: Final = "PENDING"
_QUEUED: Final = ("ENQUEUED", "DELAYED")
_TIMES: Final = ("created_at", "updated_at")


@dataclass(frozen=True, slots=True)
class Around:
    """What belongs to the workflows of a page: their steps, their forks, the phase that they tell."""

    steps: Mapping[str, Sequence[Row]]
    forks: Mapping[str, str]
    phases: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes sagas of rows; `present` is the database's, `superseded` when each version of the application was."""

    store: str
    options: DbosOptions
    policy: Policy
    present: datetime
    superseded: Mapping[str, datetime]

    def saga(self, row: Row, around: Around) -> Saga:
        """Return the saga of a workflow."""
        saga_id, status = str(row["workflow_uuid"]), _text(row["status"])
        kind = _text(row["name"])
        saga_type = short_name(kind) if kind is not None else None
        course = course_of(
            around.steps.get(saga_id, ()),
            self.policy.of(saga_type),
            self.options.undo,
            runs=status == _RUNS,
            completed=status == "SUCCESS",
        )
        doubts = [
            Doubt(name, str(row[name])[:100], "milliseconds since 1970")
            for name in _TIMES
            if row[name] is not None and moment(row[name]) is None
        ]
        moved = moment(row["updated_at"])
        if course.wait is not None and course.wait.until <= self.present:
            # Whatever it does now, it is no longer asleep: it moved when its time was up, or its signal came before.
            moved = max(course.wait.until, moved) if moved is not None else course.wait.until
            course = replace(course, wait=None)
        state = None if status is None else state_of(status, course)
        if state is None:
            doubts.append(Doubt("state", str(status)[:100], "a status that DBOS 3.4 doesn't have"))
        state = self._phase(state or SagaState.UNKNOWN, around.phases.get(saga_id))
        out = next((step.name for step in course.steps if step.status is StepStatus.EXECUTING), None)
        delayed = moment(row["delay_until_epoch_ms"]) if status == "DELAYED" else None
        return Saga(
            store=self.store,
            saga_id=saga_id,
            state=state,
            raw_state=status,
            saga_type=saga_type,
            source=self._source(row, status),
            current_step=out,
            steps=self._steps(row, course, around),
            created_at=moment(row["created_at"]),
            updated_at=moved,
            ended_at=moment(row["completed_at"]) if state not in LIVE else None,
            deadline=self._deadline(row),
            attempts=_recoveries(row),
            next_attempt_at=course.wait.until if course.wait is not None else delayed,
            error=_error(row, status),
            owner=self._owner(row) if status == _RUNS else None,
            waiting_for=course.wait.what if course.wait is not None else None,
            parent_id=_text(row["parent_workflow_id"]),
            repaired_by=around.forks.get(saga_id),
            correlation_id=_text(row["forked_from"]),
            payload=json_of(_text(row["inputs"]), _text(row["serialization"])),
            doubts=tuple(doubts),
        )

    def _source(self, row: Row, status: str | None) -> str:
        """Return the place to look at: for what was not begun yet, its queue."""
        table = f"{self.store}.{WORKFLOWS}"
        return f"{table}, queue {row['queue_name']}" if status in _QUEUED and row["queue_name"] else table

    def _steps(self, row: Row, course: Course, around: Around) -> tuple[Step, ...] | None:
        """Return the steps; None where no row tells any: the first may be out all the same, and has none until it ends.

        Of a workflow that nobody has begun yet, nothing is said about its steps either.
        """
        if row["status"] in _QUEUED and row["workflow_uuid"] not in around.steps:
            return None
        return course.steps or None

    def _phase(self, state: SagaState, told: str | None) -> SagaState:
        """Return the state that the workflow itself tells, where DBOS only says that it runs."""
        if told is None or state is not SagaState.PENDING:
            return state
        return next((each for each in LIVE if each.value == told.strip().lower()), state)

    def _deadline(self, row: Row) -> datetime | None:
        told = moment(row["workflow_deadline_epoch_ms"])
        began, timeout = moment(row["started_at_epoch_ms"]), row["workflow_timeout_ms"]
        if told is not None or began is None or not isinstance(timeout, int):
            return told
        return began + timedelta(milliseconds=timeout)

    def _owner(self, row: Row) -> Owner | None:
        """Return the executor; DBOS keeps no heartbeats, so whether it is alive only the configuration can tell."""
        name = _text(row["executor_id"])
        if name is None:
            return None
        alive = name in self.options.executors if self.options.executors else None
        version = _text(row["application_version"])
        ended = self.superseded.get(version) if version is not None and self.options.drain is not None else None
        until = ended + self.options.drain if ended is not None and self.options.drain is not None else None
        return Owner(name, alive=alive, lease_until=until)


def _recoveries(row: Row) -> int | None:
    """Return how often it was begun, where that is more than once: the first time is no attempt to recover."""
    begun = row["recovery_attempts"]
    return begun if isinstance(begun, int) and begun > 1 else None


def _error(row: Row, status: str | None) -> str | None:
    told = error_of(_text(row["error"]), _text(row["serialization"]))
    if told is None and status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        return f"DBOS gave it up after {row['recovery_attempts']} recoveries"
    return told


def _text(cell: object) -> str | None:
    return cell if isinstance(cell, str) else None
