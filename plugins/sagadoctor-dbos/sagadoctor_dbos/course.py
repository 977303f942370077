"""From the rows of a workflow's steps to its course: which ran, which are undone, which is out, what it waits for.

DBOS writes a step's row when the step has ended. What is out, it doesn't tell: only a sleep or a child that was started
shows, and otherwise `[sagas]` tells which step comes next. Steps that are called again go on in the same place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sagadoctor.api.v1 import SagaPolicy, SagaState, Step, StepStatus, replace

from .moments import moment
from .values import error_of, json_of, seconds_of, short_name

_INTERNAL: Final = "DBOS."
_SLEEP: Final = "DBOS.sleep"
_RESULT: Final = "DBOS.getResult"
_SIGNALS: Final = ("DBOS.recv", "DBOS.getEvent")
_UNDONE: Final = {
    StepStatus.COMPLETED: StepStatus.COMPENSATED,
    StepStatus.EXECUTING: StepStatus.COMPENSATING,
    StepStatus.FAILED: StepStatus.COMPENSATION_FAILED,
}
_BEGUN: Final = frozenset(_UNDONE.values())


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait that was begun: for a timer or a signal, and until when at most."""

    what: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """The steps of a workflow, and the wait that its last row tells of."""

    steps: tuple[Step, ...]
    wait: Wait | None = None

    @property
    def has_undos(self) -> bool:
        """Say whether an undo has begun."""
        return any(step.status in _BEGUN for step in self.steps)

    @property
    def owes_undos(self) -> bool:
        """Say whether an undo failed, or work that has a known undo stands."""
        return any(
            step.status is StepStatus.COMPENSATION_FAILED
            or (step.status is StepStatus.COMPLETED and step.compensation is not None)
            for step in self.steps
        )


@dataclass(slots=True)
class _Called:
    """All calls of one step together: the latest decides, and how many were done counts for its undo."""

    step: Step
    done: int = 0
    tried: int = 0


def course_of(
    rows: Sequence[Mapping[str, object]], policy: SagaPolicy, undo: Sequence[str], *, runs: bool, completed: bool
) -> Course:
    """Return the course of a workflow; `runs`: an executor has it, `completed`: it returned without an error."""
    called = _called(rows, runs=runs)
    for definition in policy.steps:
        called.setdefault(definition.name, _Called(Step(definition.name, 0, StepStatus.PENDING)))
    pairs = _pairs(called, policy, undo)
    undos = {back for back in pairs.values() if back is not None}
    steps = [_joined(called, name, pairs[name]) for name in called if name not in undos]
    wait = _wait(rows) if runs else None
    declared = [definition.name for definition in policy.steps]
    if completed:
        steps = [_handled(step, declared) for step in steps]
    elif runs and wait is None:
        steps = _next_out(steps, declared)
    return Course(tuple(replace(step, index=place) for place, step in enumerate(steps)), wait)


def _called(rows: Iterable[Mapping[str, object]], *, runs: bool) -> dict[str, _Called]:
    """Return the calls by the step's name, in the order in which they were first made."""
    collected = {row["child_workflow_id"]: row for row in rows if row["function_name"] == _RESULT}
    called: dict[str, _Called] = {}
    own = [row for row in rows if not str(row["function_name"]).startswith(_INTERNAL)]
    for row in own:
        name = short_name(str(row["function_name"]))
        each = called.setdefault(name, _Called(Step(name, 0)))
        child = row["child_workflow_id"]
        ended = row if child is None else collected.get(child)
        step = _step(name, row, ended, out=runs and row is own[-1])
        each.done += step.status is StepStatus.COMPLETED
        each.tried += 1
        each.step = replace(step, attempts=each.tried if each.tried > 1 else None)
    return called


def _step(name: str, row: Mapping[str, object], ended: Mapping[str, object] | None, *, out: bool) -> Step:
    """Return one call; `ended` is the row that holds its outcome, None where nobody has asked a child for its."""
    began = moment(row["started_at_epoch_ms"])
    if ended is None:
        status = StepStatus.EXECUTING if out else StepStatus.COMPLETED
        return Step(name, 0, status, "started as a child", started_at=began, derived=True)
    tongue = _text(ended["serialization"])
    failed = ended["error"] is not None
    return Step(
        name,
        0,
        StepStatus.FAILED if failed else StepStatus.COMPLETED,
        "error" if failed else "output",
        started_at=began,
        executed_at=moment(ended["completed_at_epoch_ms"]),
        error=error_of(_text(ended["error"]), tongue),
        result=None if failed else json_of(_text(ended["output"]), tongue),
    )


def _pairs(called: Mapping[str, _Called], policy: SagaPolicy, undo: Sequence[str]) -> dict[str, str | None]:
    """Return each step's undo: the one that `[sagas]` names, else one that is called like it and was run."""
    pairs: dict[str, str | None] = {}
    for name in called:
        definition = policy.step(name)
        if definition is not None and definition.compensation is not None:
            pairs[name] = definition.compensation
        elif definition is not None and definition.compensable is False:
            pairs[name] = None
        else:
            likely = (pattern.replace("{step}", name) for pattern in undo)
            pairs[name] = next((each for each in likely if each in called and each != name), None)
    return pairs


def _joined(called: Mapping[str, _Called], name: str, back: str | None) -> Step:
    """Return a step with what its undo's rows say of it; work that was done more often than undone still stands."""
    forward, undo = called[name], called.get(back) if back is not None else None
    step = forward.step if back is None else replace(forward.step, compensation=back)
    if undo is None or undo.step.status not in _UNDONE:
        return step
    status = _UNDONE[undo.step.status]
    if status is StepStatus.COMPENSATED and undo.done < forward.done:
        return step
    return replace(
        step,
        status=status,
        raw_status=undo.step.raw_status,
        compensated_at=undo.step.executed_at if status is StepStatus.COMPENSATED else None,
        attempts=undo.step.attempts,
        error=undo.step.error or step.error,
        derived=undo.step.derived,
    )


def _handled(step: Step, declared: Sequence[str]) -> Step:
    """Return a step of a workflow that returned: a failure of one that `[sagas]` doesn't ask for was lived with."""
    if step.status is not StepStatus.FAILED or step.name in declared:
        return step
    return replace(step, status=StepStatus.SKIPPED, derived=True)


def _next_out(steps: list[Step], declared: Sequence[str]) -> list[Step]:
    """Return the steps with the one after the last that ran as executing, where `[sagas]` tells which that is."""
    if any(step.status in (*_BEGUN, StepStatus.EXECUTING, StepStatus.FAILED) for step in steps):
        return steps
    ran = [step.name for step in steps if step.status is not StepStatus.PENDING]
    after = max((declared.index(name) for name in ran if name in declared), default=-1)
    return [
        replace(step, status=StepStatus.EXECUTING, derived=True)
        if step.status is StepStatus.PENDING and declared.index(step.name) == after + 1
        else step
        for step in steps
    ]


def _wait(rows: Sequence[Mapping[str, object]]) -> Wait | None:
    """Return the wait of the last row.

    A sleep's row is written when it begins, and holds when it ends. The one that belongs to `recv` or `get_event` comes
    after the place of their own row, which is written when they end.
    """
    if not rows or rows[-1]["function_name"] != _SLEEP:
        return None
    last = rows[-1]
    before = next((row for row in rows if _number(row) == _number(last) - 1), None)
    if before is not None and before["function_name"] in _SIGNALS:
        return None  # it has its answer
    seconds = seconds_of(_text(last["output"]), _text(last["serialization"]))
    until = moment(None if seconds is None else seconds * 1000)
    if until is None:
        return None
    alone = before is not None or _number(last) <= 1
    return Wait("timer" if alone else "signal", until)


def _number(row: Mapping[str, object]) -> int:
    number = row["function_id"]
    return number if isinstance(number, int) else 0


def _text(cell: object) -> str | None:
    return cell if isinstance(cell, str) else None


def state_of(status: str, course: Course) -> SagaState | None:
    """Return what a status of DBOS means, given the course; None for a word that DBOS 3.4 doesn't have.

    ERROR and SUCCESS only say whether the workflow raised: whether it was undone, its steps tell.
    """
    if status in ("PENDING", "ENQUEUED", "DELAYED"):
        if course.has_undos:
            return SagaState.COMPENSATING
        if status == "PENDING":
            return SagaState.WAITING if course.wait is not None else SagaState.PENDING
        return SagaState.STARTED if status == "ENQUEUED" else SagaState.BACKING_OFF
    if status == "SUCCESS" and not course.has_undos:
        return SagaState.COMPLETED
    if status in ("SUCCESS", "ERROR"):
        return SagaState.FAILED if course.owes_undos else SagaState.COMPENSATED
    return {"CANCELLED": SagaState.CANCELLED, "MAX_RECOVERY_ATTEMPTS_EXCEEDED": SagaState.FAILED}.get(status)
