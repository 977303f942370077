"""The builders: healthy unless told otherwise, numbered, typed."""

from __future__ import annotations

import pytest

from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.testing.builders import (
    ORDER_TYPE,
    PAY,
    ago,
    changed,
    findings,
    order_policy,
    order_steps,
    policy,
    saga,
    step,
)


@pytest.mark.parametrize("known", [order_policy(), order_policy(parallel=True), SagaPolicy()])
def test_what_is_built_without_a_word_is_healthy(known: SagaPolicy) -> None:
    assert findings(known=known) == ()


def test_steps_are_numbered_in_their_order() -> None:
    assert [each.index for each in saga(steps=(step("a"), step("b"), step("c"))).steps or ()] == [0, 1, 2]
    assert [each.index for each in order_steps()] == [0, 1, 2, 3, 4]


def test_a_saga_began_before_it_moved() -> None:
    for at in (ago(days=30), ago(seconds=1)):
        row = saga(updated_at=at)
        assert row.created_at is not None
        assert row.created_at < at
    assert saga(updated_at=None).created_at is None


def test_the_fields_of_one_step_are_changed() -> None:
    row = changed(saga(), PAY, error="declined")

    assert [each.error for each in row.steps or ()] == [None, "declined", None, None, None]


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(TypeError):
        saga(unheard_of=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        step("a", StepStatus.PENDING, unheard_of=1)  # type: ignore[call-arg]


def test_orders_are_known_to_the_whole_policy() -> None:
    assert policy().of(ORDER_TYPE).steps == order_policy().steps
    assert isinstance(saga(SagaState.COMPENSATED), Saga)
