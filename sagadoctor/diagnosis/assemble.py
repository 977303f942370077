"""Joining what a store, the configuration and the others say of one saga into a Case."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from sagadoctor.model.case import Case, LinkedSaga
from sagadoctor.model.letter import DeadLetter
from sagadoctor.model.observation import Observation, Tries
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.reading import Reading
from sagadoctor.model.report import BlindSpot
from sagadoctor.model.saga import FORWARD, Saga, SagaState, Step, StepStatus

from .anatomy import optional
from .deadlines import after

_OPEN: Final = (
    StepStatus.EXECUTING,
    StepStatus.COMPENSATING,
    StepStatus.COMPENSATION_FAILED,
    StepStatus.FAILED,
    StepStatus.TIMED_OUT,
)
_OPEN_BACKWARD: Final = (_OPEN[1], _OPEN[2], _OPEN[0], *_OPEN[3:])
_GIVEN_UP: Final = (StepStatus.FAILED, StepStatus.TIMED_OUT)


def assemble(
    saga: Saga,
    policy: SagaPolicy,
    now: datetime,
    *,
    observed: Observation | None = None,
    tries: Tries | None = None,
    linked: tuple[LinkedSaga, ...] = (),
    letters: tuple[DeadLetter, ...] = (),
    readings: tuple[Reading, ...] = (),
    blind_spots: tuple[BlindSpot, ...] = (),
    gone: frozenset[str] = frozenset(),
    repeated: bool = False,
    stirred_at: datetime | None = None,
) -> Case:
    """Return the case of one saga; `now` is the source's own present."""
    if saga.doubts:
        saga = _without_doubtful_deadlines(saga)
    steps = _with_definitions(saga.steps, policy)
    progress_at, progress_from, future = _progress(saga, steps, policy, now, observed)
    return Case(
        saga=saga,
        steps=steps,
        current=_current(saga, steps, policy),
        progress_at=progress_at,
        progress_from=progress_from,
        future=future,
        observed=observed,
        tries=tries,
        linked=linked,
        letters=letters,
        readings=readings,
        blind_spots=blind_spots,
        gone=gone,
        stirred_at=stirred_at,
        repeated=repeated or (bool(saga.doubts) and any(doubt.field == "id" for doubt in saga.doubts)),
    )


def _without_doubtful_deadlines(saga: Saga) -> Saga:
    """Return the saga without the deadlines that its row casts a doubt on: nothing is late by such a time."""
    doubted = {doubt.field for doubt in saga.doubts}
    if "deadline" in doubted:
        saga = msgspec.structs.replace(saga, deadline=None)
    if not saga.steps or not any(field.endswith(".timeout_at") for field in doubted):
        return saga
    steps = tuple(
        msgspec.structs.replace(step, timeout_at=None) if f"steps[{step.index}].timeout_at" in doubted else step
        for step in saga.steps
    )
    return msgspec.structs.replace(saga, steps=steps)


def _with_definitions(steps: tuple[Step, ...] | None, policy: SagaPolicy) -> tuple[Step, ...] | None:
    """Add the action and compensation that only the configuration names."""
    if steps is None or not policy.steps:
        return steps
    completed: list[Step] = []
    for step in steps:
        defined = policy.step(step.name)
        if defined is None:
            completed.append(step)
            continue
        action, compensation = step.action or defined.action, step.compensation or defined.compensation
        if (action, compensation) == (step.action, step.compensation):
            completed.append(step)
        else:
            completed.append(msgspec.structs.replace(step, action=action, compensation=compensation))
    return tuple(completed)


def _progress(
    saga: Saga, steps: tuple[Step, ...] | None, policy: SagaPolicy, now: datetime, observed: Observation | None
) -> tuple[datetime | None, str | None, tuple[str, ...]]:
    """Return the latest known movement that isn't in the future, its field, and the fields that are."""
    latest: datetime | None = None
    origin: str | None = None
    future: list[str] = []
    horizon = after(now, policy.thresholds.skew)
    for field, at in _movements(saga, steps, observed):
        if at > horizon:
            future.append(field)
        elif latest is None or at > latest:
            latest, origin = at, field
    return latest, origin, tuple(future)


def _movements(saga: Saga, steps: tuple[Step, ...] | None, observed: Observation | None) -> list[tuple[str, datetime]]:
    moments: list[tuple[str, datetime | None]] = [
        ("created_at", saga.created_at),
        ("updated_at", saga.updated_at),
        ("ended_at", saga.ended_at),
    ]
    for step in steps or ():
        if step.started_at is not None:
            moments.append((f"steps.{step.name}.started_at", step.started_at))
        if step.executed_at is not None:
            moments.append((f"steps.{step.name}.executed_at", step.executed_at))
        if step.compensated_at is not None:
            moments.append((f"steps.{step.name}.compensated_at", step.compensated_at))
    if observed is not None and (saga.updated_at is None or not observed.first_look):
        moments.append(("observation", observed.since))
    return [(field, at) for field, at in moments if at is not None]


def _current(saga: Saga, steps: tuple[Step, ...] | None, policy: SagaPolicy) -> Step | None:
    """Return the step that is out; else the one the cursor names; else the next one not yet done.

    An optional step that failed is over: a saga on its way forward is at the next one.
    """
    if not steps:
        return None
    if policy.steps and saga.state in FORWARD:
        left = tuple(step for step in steps if step.status not in _GIVEN_UP or not optional(step, policy))
        steps = left or steps
    there = {step.status for step in steps}
    for status in _OPEN if saga.state is not SagaState.COMPENSATING else _OPEN_BACKWARD:
        if status in there:
            found = [step for step in steps if step.status is status]
            return found[-1] if status is StepStatus.COMPENSATING else found[0]
    if not saga.is_live:
        return None
    if saga.current_step is not None:
        for step in steps:
            if step.name == saga.current_step:
                return step
    for step in steps:
        if step.status in (StepStatus.PENDING, StepStatus.UNKNOWN):
            return step
    return None
