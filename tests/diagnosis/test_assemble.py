"""Cases: progress, the current step, and what the configuration adds."""

from __future__ import annotations

import pytest

from sagadoctor.model.case import Relation
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.testing.builders import (
    APPROVE,
    CONFIRM,
    PAY,
    RESERVE,
    ago,
    ahead,
    case,
    changed,
    linked,
    observation,
    order_steps,
    saga,
    step,
)

DONE, OUT, NEXT, FAILED, UNDOING, UNDONE = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.PENDING,
    StepStatus.FAILED,
    StepStatus.COMPENSATING,
    StepStatus.COMPENSATED,
)


@pytest.mark.parametrize(
    ("row", "at", "field"),
    [
        (saga(updated_at=ago(minutes=9)), ago(minutes=9), "updated_at"),
        (saga(updated_at=None), None, None),
        (saga(updated_at=None, created_at=ago(days=2)), ago(days=2), "created_at"),
        (saga(updated_at=ago(minutes=9), ended_at=ago(minutes=8)), ago(minutes=8), "ended_at"),
        (
            changed(saga(updated_at=ago(hours=1)), PAY, started_at=ago(minutes=7)),
            ago(minutes=7),
            f"steps.{PAY}.started_at",
        ),
        (
            changed(saga(updated_at=ago(hours=1)), PAY, executed_at=ago(minutes=6)),
            ago(minutes=6),
            f"steps.{PAY}.executed_at",
        ),
        (
            changed(saga(updated_at=ago(hours=1)), RESERVE, compensated_at=ago(minutes=5)),
            ago(minutes=5),
            f"steps.{RESERVE}.compensated_at",
        ),
        (saga(updated_at=ahead(hours=1), created_at=ago(days=2)), ago(days=2), "created_at"),
        (saga(updated_at=ahead(seconds=30)), ahead(seconds=30), "updated_at"),
        (
            saga(updated_at=ago(hours=1), next_attempt_at=ago(minutes=1), deadline=ago(minutes=1)),
            ago(hours=1),
            "updated_at",
        ),
    ],
)
def test_progress_is_the_latest_movement_that_is_past(row: Saga, at: object, field: str | None) -> None:
    known = case(row)

    assert (known.progress_at, known.progress_from) == (at, field)


def test_times_ahead_are_set_aside() -> None:
    row = changed(saga(updated_at=ahead(hours=1)), PAY, started_at=ahead(minutes=2))

    assert case(row).future == ("updated_at", f"steps.{PAY}.started_at")


def test_an_observed_change_is_progress_and_a_first_look_only_where_nothing_else_tells() -> None:
    timed, timeless = saga(updated_at=ago(hours=2)), saga(updated_at=None)

    assert case(timed, observed=observation(ago(hours=1))).progress_from == "observation"
    assert case(timed, observed=observation(ago(hours=1), first_look=True)).progress_from == "updated_at"
    assert case(timeless, observed=observation(ago(hours=1), first_look=True)).progress_at == ago(hours=1)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (saga(steps=order_steps(DONE, OUT)), PAY),
        (saga(steps=order_steps(DONE, FAILED)), PAY),
        (saga(steps=order_steps(DONE, NEXT)), PAY),
        (saga(steps=order_steps(DONE, NEXT), current_step=APPROVE), APPROVE),
        (saga(steps=order_steps(DONE, OUT), current_step=APPROVE), PAY),
        (saga(steps=order_steps(DONE, NEXT), current_step="no such step"), PAY),
        (saga(steps=order_steps(DONE, DONE, DONE, DONE, DONE)), None),
        (saga(SagaState.COMPENSATING, order_steps(UNDOING, UNDOING, FAILED)), PAY),
        (saga(SagaState.COMPENSATING, order_steps(DONE, UNDONE, FAILED)), APPROVE),
        (saga(SagaState.COMPLETED, order_steps(DONE, NEXT)), None),
        (saga(SagaState.COMPENSATED, order_steps(DONE, FAILED)), PAY),
        (saga(steps=(step(CONFIRM, FAILED), step(APPROVE, NEXT))), APPROVE),
        (saga(steps=(step(CONFIRM, FAILED),)), CONFIRM),
        (saga(steps=()), None),
        (saga(steps=None), None),
    ],
)
def test_the_current_step_is_the_one_that_is_out_else_the_next(row: Saga, name: str | None) -> None:
    current = case(row).current

    assert (current.name if current is not None else None) == name


def test_the_configuration_adds_what_the_row_does_not_say() -> None:
    known = case(saga(steps=(step(RESERVE), step(PAY, action="Other", compensation="Undo"), step("unheard_of"))))

    assert [(each.action, each.compensation) for each in known.steps or ()] == [
        ("InventoryService.ReserveItems", "InventoryService.ReleaseReservation"),
        ("Other", "Undo"),
        (None, None),
    ]
    assert case(saga(steps=None)).steps is None
    assert case(known=SagaPolicy()).steps == saga().steps


def test_related_sagas_are_told_apart() -> None:
    child, parent = saga(saga_id="c"), saga(saga_id="p")

    known = case(linked=(linked(Relation.CHILD, child), linked(Relation.PARENT, parent)))

    assert known.related(Relation.CHILD) == (child,)
    assert known.related(Relation.LOCK_HOLDER) == ()
