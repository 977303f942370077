"""Which steps can never be undone: the step of no return, and what comes after it."""

from __future__ import annotations

import msgspec
import pytest

from sagadoctor.diagnosis.anatomy import compensable
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.testing.builders import order_policy, step

PAY = StepDefinition("pay", compensation="refund")
SHIP = StepDefinition("ship", pivot=True)
COURIER = StepDefinition("courier", pivot=True, alternative_of="ship")
INVOICE = StepDefinition("invoice", compensation="cancel", alternative_of="pay")
LABEL = StepDefinition("label", compensation="tear it up")


@pytest.mark.parametrize(
    ("steps", "names"),
    [
        ((PAY, LABEL), set()),
        ((PAY, SHIP), {"ship"}),
        ((PAY, SHIP, LABEL), {"ship", "label"}),
        ((PAY, SHIP, INVOICE, LABEL), {"ship", "label"}),
        ((PAY, SHIP, COURIER, LABEL), {"ship", "courier", "label"}),
        ((COURIER, PAY, SHIP, LABEL), {"ship", "courier", "label"}),
        ((SHIP, PAY), {"ship", "pay"}),
    ],
)
def test_after_the_step_of_no_return_nothing_is_undone(steps: tuple[StepDefinition, ...], names: set[str]) -> None:
    assert SagaPolicy(steps=steps).irreversible == names


def test_an_alternative_that_is_no_pivot_can_be_undone_in_its_place() -> None:
    pickup = StepDefinition("pickup", compensation="cancel the pickup", alternative_of="ship")

    assert SagaPolicy(steps=(PAY, SHIP, pickup)).irreversible == {"ship"}


def test_steps_that_run_at_the_same_time_come_after_nothing() -> None:
    assert SagaPolicy(steps=(SHIP, PAY), parallel=True).irreversible == {"ship"}


def test_alternatives_that_go_in_circles_are_no_trouble() -> None:
    ring = (StepDefinition("a", pivot=True, alternative_of="b"), StepDefinition("b", alternative_of="a"))

    assert SagaPolicy(steps=ring).irreversible >= {"a"}
    lost = SagaPolicy(steps=(StepDefinition("a", pivot=True, alternative_of="gone"), LABEL))
    assert lost.irreversible == {"a", "label"}


def test_a_policy_that_is_changed_works_it_out_again() -> None:
    assert msgspec.structs.replace(order_policy(), steps=(PAY, SHIP)).irreversible == {"ship"}


def test_no_name_of_a_compensation_makes_it_otherwise() -> None:
    known = SagaPolicy(
        steps=(
            PAY,
            StepDefinition("ship", compensation="recall", pivot=True),
            StepDefinition("label", compensable=True),
            LABEL,
        )
    )

    assert compensable(step("pay"), known)
    for name in ("ship", "label"):
        assert not compensable(step(name, compensation="undo"), known)
