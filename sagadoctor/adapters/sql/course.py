"""The course of a saga as its mapping says it: undos in rows of their own, waits, and the step that is out."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from sagadoctor.api.v1 import ENDED, FORWARD, Doubt, Policy, SagaPolicy, SagaState, Step, StepStatus

from .mapping.step_words import StepWords
from .shapes import About

_NEXT: Final = frozenset(("op_table", "log_table", "columns", "counters", "cursor_only"))
"""Shapes that don't tell which step is out, unless the mapping says that they do."""
_PLACE: Final = re.compile(r"steps\[(\d+)\](.*)", re.DOTALL)
_OPEN: Final = frozenset(
    (StepStatus.EXECUTING, StepStatus.COMPENSATING, StepStatus.COMPENSATION_FAILED, StepStatus.UNKNOWN)
)
_DONE: Final = frozenset((StepStatus.COMPLETED, StepStatus.SKIPPED))
_GIVEN_UP: Final = frozenset((StepStatus.FAILED, StepStatus.TIMED_OUT))
AS_UNDO: Final = {
    StepStatus.COMPLETED: StepStatus.COMPENSATED,
    StepStatus.COMPENSATED: StepStatus.COMPENSATED,
    StepStatus.EXECUTING: StepStatus.COMPENSATING,
    StepStatus.COMPENSATING: StepStatus.COMPENSATING,
    StepStatus.FAILED: StepStatus.COMPENSATION_FAILED,
    StepStatus.TIMED_OUT: StepStatus.COMPENSATION_FAILED,
    StepStatus.COMPENSATION_FAILED: StepStatus.COMPENSATION_FAILED,
    StepStatus.UNKNOWN: StepStatus.UNKNOWN,
}
"""What the status of an undo's own row says of the step that it undoes; any other leaves that one as it is."""


class Course:
    """What a mapping says of all steps of a saga together."""

    def __init__(self, words: StepWords, policy: Policy) -> None:
        """Find out whether anything has to be done at all."""
        self._policy = policy
        self._by_name = words.direction == "by_name"
        self._next = words.current == "next" or (words.current is None and words.shape in _NEXT)
        self._undone = (StepStatus.COMPLETED, *(_GIVEN_UP if words.undoes_failed else ()))
        self._waiting = words.waiting
        self._is_log = words.shape == "log_table"
        self.is_needed = self._by_name or self._next or self._is_log or bool(self._waiting)

    def followed(self, steps: tuple[Step, ...], about: About) -> tuple[Step, ...]:
        """Return the steps with their undos joined to them, and the one that is out marked as such."""
        policy = self._policy.of(about.saga_type)
        if self._by_name:
            steps = joined(steps, policy)
        if self._is_log and (steps or about.state not in ENDED):
            steps = whole(steps, policy)
        if self._next:
            steps = onward(steps, about.state, policy, self._undone)
        return steps

    def waits(self, steps: tuple[Step, ...]) -> str | None:
        """Return the name of the wait that is out; None where none is."""
        for step in steps if self._waiting else ():
            if step.status is StepStatus.EXECUTING and any(
                fnmatch.fnmatchcase(step.name, pattern) for pattern in self._waiting
            ):
                return step.name
        return None


def joined(steps: tuple[Step, ...], policy: SagaPolicy) -> tuple[Step, ...]:
    """Return the steps without those that are named like another one's compensation: they tell how its undo went.

    A name that several steps have for their undo tells of none of them, and what is an undo itself has none.
    """
    named: dict[str, set[str]] = {}
    for step in steps:
        said = policy.step(step.name)
        name = step.compensation or (said.compensation if said is not None else None)
        if name is not None and name != step.name:
            named.setdefault(name, set()).add(step.name)
    undone_by = {name: next(iter(owners)) for name, owners in named.items() if len(owners) == 1}
    undone_by = {name: owner for name, owner in undone_by.items() if owner not in undone_by}
    undos = {undone_by[step.name]: step for step in steps if step.name in undone_by}
    if not undos:
        return steps
    kept = [step for step in steps if step.name not in undone_by]
    return tuple(
        undone(step, undos[step.name], index) if step.name in undos else replace(step, index=index)
        for index, step in enumerate(kept)
    )


def undone(step: Step, undo: Step, index: int) -> Step:
    """Return a step as its undo left it; one whose turn has not come leaves it as it is."""
    status = AS_UNDO.get(undo.status)
    if status is None:
        return replace(step, index=index)
    told = undo.compensated_at or undo.executed_at
    return replace(
        step,
        index=index,
        status=status,
        raw_status=undo.raw_status,
        compensation=step.compensation or undo.name,
        compensated_at=told if status is StepStatus.COMPENSATED else None,
        attempts=undo.attempts,
        next_attempt_at=undo.next_attempt_at,
        timeout_at=undo.timeout_at,
        error=undo.error or step.error,
    )


def whole(steps: tuple[Step, ...], policy: SagaPolicy) -> tuple[Step, ...]:
    """Return the steps of a log with those of [sagas] that have no row yet, in the order of [sagas]."""
    told: dict[str, Step] = {step.name: step for step in steps}
    defined = {said.name: told.get(said.name) for said in policy.steps}
    order = [step or Step(name, 0, StepStatus.PENDING, derived=True) for name, step in defined.items()]
    order += [step for step in steps if step.name not in defined]
    return tuple([step if step.index == index else replace(step, index=index) for index, step in enumerate(order)])


def moved(doubts: Iterable[Doubt], before: tuple[Step, ...], after: tuple[Step, ...]) -> list[Doubt]:
    """Return the doubts about steps at the places that these have come to."""
    names = {step.index: step.name for step in before}
    places = {step.name: step.index for step in after}
    out: list[Doubt] = []
    for doubt in doubts:
        found = _PLACE.match(doubt.field)
        place = places.get(names.get(int(found[1]), "")) if found is not None else None
        out.append(doubt if found is None or place is None else replace(doubt, field=f"steps[{place}]{found[2]}"))
    return out


def onward(
    steps: tuple[Step, ...],
    state: SagaState,
    policy: SagaPolicy,
    to_undo: Iterable[StepStatus] = (StepStatus.COMPLETED,),
) -> tuple[Step, ...]:
    """Return the steps of a live saga with the one that must be out marked as such, where none tells that it is.

    On the way forward that is the first one not done, while being undone the last one whose status is `to_undo`.
    """
    for step in steps:
        if step.status in _OPEN:
            return steps
    if state is SagaState.COMPENSATING:
        standing = [step for step in steps if step.status in to_undo and is_compensable(step, policy)]
        return _marked(steps, standing[-1], StepStatus.COMPENSATING) if standing else steps
    if state not in FORWARD or any(step.status in _GIVEN_UP and not _is_optional(step, policy) for step in steps):
        return steps
    left = next(
        (each for at, each in enumerate(steps) if each.status is StepStatus.PENDING and not _passed(at, steps, policy)),
        None,
    )
    return steps if left is None else _marked(steps, left, StepStatus.EXECUTING)


def _passed(at: int, steps: tuple[Step, ...], policy: SagaPolicy) -> bool:
    """Say whether the saga has gone on without a step: another one took its place, or it is optional."""
    said = policy.step(steps[at].name)
    if said is None:
        return False
    line = policy.line(said.name)
    if any(step.status in _DONE and policy.line(step.name) == line for step in steps):
        return True
    return said.optional and any(step.status in _DONE for step in steps[at + 1 :])


def _marked(steps: tuple[Step, ...], one: Step, status: StepStatus) -> tuple[Step, ...]:
    return tuple(replace(step, status=status, derived=True) if step is one else step for step in steps)


def is_compensable(step: Step, policy: SagaPolicy) -> bool:
    """Say whether a step has an undo: configured so, or named for it, and not past the step of no return."""
    said = policy.step(step.name)
    if step.name in policy.irreversible:
        return False
    if said is not None and said.compensable is not None:
        return said.compensable
    return step.compensation is not None or (said is not None and said.compensation is not None)


def _is_optional(step: Step, policy: SagaPolicy) -> bool:
    said = policy.step(step.name)
    return said is not None and said.optional
