"""The course of a saga as its mapping says it: which row undoes which, and which step must be out."""

from __future__ import annotations

from sagadoctor.adapters.sql.course import joined, onward
from sagadoctor.api.v1 import SagaPolicy, SagaState, Step, StepStatus

DONE, OUT = StepStatus.COMPLETED, StepStatus.EXECUTING
NOTHING = SagaPolicy()


def steps(*told: tuple[str, StepStatus, str | None]) -> tuple[Step, ...]:
    return tuple(Step(name, at, status, compensation=undo) for at, (name, status, undo) in enumerate(told))


def named(found: tuple[Step, ...]) -> list[tuple[int, str, StepStatus]]:
    return [(step.index, step.name, step.status) for step in found]


def test_an_undo_tells_of_its_step_and_is_none_itself() -> None:
    found = joined(steps(("a", DONE, "una"), ("b", DONE, "unb"), ("una", OUT, None)), NOTHING)
    assert named(found) == [(0, "a", StepStatus.COMPENSATING), (1, "b", DONE)]


def test_steps_that_undo_each_other_in_a_circle_stay_in_sight() -> None:
    told = steps(("a", DONE, "b"), ("b", OUT, "a"), ("c", DONE, None))
    assert joined(told, NOTHING) == told


def test_an_undo_of_an_undo_is_a_step_of_its_own() -> None:
    found = joined(steps(("a", DONE, "b"), ("b", DONE, "c"), ("c", DONE, None)), NOTHING)
    assert named(found) == [(0, "a", StepStatus.COMPENSATED), (1, "c", DONE)]


def test_an_undo_that_two_steps_name_is_nobodys() -> None:
    told = steps(("a", DONE, "undo"), ("b", DONE, "undo"), ("undo", DONE, None))
    assert joined(told, NOTHING) == told


def test_what_must_be_out_is_marked_as_concluded() -> None:
    told = steps(("a", DONE, "una"), ("b", StepStatus.PENDING, None))
    forward, back = onward(told, SagaState.STARTED, NOTHING), onward(told, SagaState.COMPENSATING, NOTHING)
    assert [(step.status, step.derived) for step in forward] == [(DONE, False), (OUT, True)]
    assert [(step.status, step.derived) for step in back] == [
        (StepStatus.COMPENSATING, True),
        (StepStatus.PENDING, False),
    ]
    assert onward(told, SagaState.COMPLETED, NOTHING) == told
