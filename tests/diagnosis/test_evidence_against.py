"""Every rule weighs what speaks against it, or has a reason why there is nothing to weigh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from sagadoctor.diagnosis.examine import examine, survey_signs
from sagadoctor.diagnosis.rules import RULES, SURVEY_RULES
from sagadoctor.model.case import Relation
from sagadoctor.model.finding import Finding
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.remedy import REPAIRS, Advice
from sagadoctor.model.saga import OutboxEntry, Owner, Reply, SagaState, StepStatus
from sagadoctor.model.survey import SharedKey
from sagadoctor.testing.builders import (
    NOW,
    ORDER_TYPE,
    PAY,
    RESERVE,
    SHIP,
    ago,
    ahead,
    case,
    changed,
    findings,
    linked,
    order_policy,
    order_steps,
    policy,
    saga,
    step,
    survey,
)
from tests.diagnosis.looking import against, named

DONE, OUT, NEXT, FAILED, TIMED_OUT, UNDOING, UNDONE = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.PENDING,
    StepStatus.FAILED,
    StepStatus.TIMED_OUT,
    StepStatus.COMPENSATING,
    StepStatus.COMPENSATED,
)
PLAIN = SagaPolicy()


def duplicate() -> tuple[Finding, ...]:
    """Return the findings of a saga whose key another one has had for days."""
    said = survey(SharedKey(ORDER_TYPE, "A-10042", 2, ("s-1", "s-2"), ago(days=3), NOW))
    signs = [(rule, each.sign) for rule, each in survey_signs(said, policy(), NOW)]
    return examine(case(), order_policy(), NOW, signs)


def disputed() -> tuple[Finding, ...]:
    """Return the findings of a saga whose steps are told alike by two stores that disagree about its state."""
    here = saga(SagaState.COMPLETED, order_steps(*[DONE] * 5), updated_at=ago(hours=1))
    there = saga(SagaState.PENDING, here.steps, store="archive", updated_at=ago(hours=2))
    return findings(here, linked=(linked(Relation.SAME_ID, there),))


WEIGHED: Final[dict[str, tuple[Callable[[], tuple[Finding, ...]], str]]] = {
    "clock-skew": (
        lambda: findings(changed(saga(), RESERVE, executed_at=ahead(hours=1))),
        "not every writer's clock is ahead",
    ),
    "forward-while-compensating": (
        lambda: findings(
            changed(
                saga(steps=order_steps(UNDONE, OUT)), RESERVE, compensated_at=ago(hours=2), executed_at=ago(hours=1)
            )
        ),
        "executed again after it was compensated",
    ),
    "concurrent-steps": (
        lambda: findings(saga(steps=order_steps(OUT, OUT)), PLAIN),
        "nothing says whether this saga type runs steps in parallel",
    ),
    "late-success": (
        lambda: findings(
            changed(
                saga(SagaState.COMPENSATED, order_steps(UNDONE, TIMED_OUT), updated_at=ago(hours=1)),
                PAY,
                timeout_at=ago(hours=3),
                executed_at=ago(hours=2),
                error="gateway said no",
            )
        ),
        "also carries an error",
    ),
    "undone-past-pivot": (
        lambda: findings(
            changed(saga(SagaState.COMPENSATING, order_steps(DONE, UNDOING, DONE, DONE)), SHIP, derived=True)
        ),
        "nothing says in so many words that create_shipment is done",
    ),
    "false-completion": (
        lambda: findings(saga(SagaState.COMPLETED, order_steps(DONE, NEXT), updated_at=ago(seconds=1))),
        "it moved just now",
    ),
    "compensation-failed": (
        lambda: findings(
            saga(
                SagaState.COMPENSATING,
                order_steps(StepStatus.COMPENSATION_FAILED),
                updated_at=ago(hours=1),
                next_attempt_at=ahead(minutes=1),
            )
        ),
        "the engine tries again in 1m",
    ),
    "half-compensated": (
        lambda: findings(
            saga(SagaState.COMPENSATED, order_steps(DONE, FAILED), updated_at=ago(hours=1), repaired_by="s-2")
        ),
        "saga s-2 should repair it",
    ),
    "outbox-unpublished": (
        lambda: findings(
            saga(
                updated_at=ago(minutes=9),
                outbox=(
                    OutboxEntry("m-1", "orders.outbox", PAY, sent=False, created_at=ago(minutes=9)),
                    OutboxEntry("m-2", "orders.outbox", PAY, sent=True, created_at=ago(minutes=8)),
                ),
            )
        ),
        "written after it, has left",
    ),
    "reply-lost": (
        lambda: findings(
            changed(
                saga(
                    updated_at=ago(minutes=9),
                    replies=(Reply("r-1", "m-1", "orders.message", at=ago(minutes=3), taken=False, taken_by="orders"),),
                ),
                PAY,
                timeout_at=ago(minutes=5),
            )
        ),
        "whoever takes replies may still come to it",
    ),
    "owner-gone": (
        lambda: findings(saga(updated_at=ago(minutes=9), owner=Owner("w", alive=None, lease_until=ago(minutes=5)))),
        "nobody can tell whether w is alive",
    ),
    "retry-loop": (
        lambda: findings(changed(saga(attempts=12), RESERVE, executed_at=ago(minutes=2))),
        "step reserve_inventory was done 2m ago",
    ),
    "failure-not-handled": (
        lambda: findings(saga(steps=order_steps(DONE, FAILED, DONE), updated_at=ago(hours=1))),
        "which comes after it, is completed",
    ),
    "nothing-to-compensate": (
        lambda: findings(saga(SagaState.COMPENSATING, order_steps(TIMED_OUT), updated_at=ago(hours=1))),
        "the participant may have done the work",
    ),
    "compensation-not-sent": (
        lambda: findings(
            changed(
                saga(SagaState.COMPENSATING, order_steps(DONE, FAILED), updated_at=ago(hours=1)),
                RESERVE,
                compensated_at=ago(minutes=30),
            )
        ),
        "shows a time of its undo",
    ),
    "compensation-stuck": (
        lambda: findings(
            changed(
                saga(SagaState.COMPENSATING, order_steps(UNDOING, FAILED), updated_at=ago(hours=1)),
                RESERVE,
                compensated_at=ago(minutes=30),
            )
        ),
        "shows a time of its undo",
    ),
    "wake-up-missed": (
        lambda: findings(
            saga(
                SagaState.BACKING_OFF,
                order_steps(DONE, NEXT),
                updated_at=ago(hours=1),
                next_attempt_at=ago(minutes=20),
                owner=Owner("w", heartbeat_at=ago(minutes=1)),
            )
        ),
        "w has shown a sign of life since",
    ),
    "step-timed-out": (
        lambda: findings(changed(saga(updated_at=ago(minutes=2)), PAY, timeout_at=ago(minutes=30))),
        "the row still moved after the deadline",
    ),
    "no-progress": (
        lambda: findings(saga(steps=None, updated_at=ago(minutes=2), deadline=ago(minutes=30))),
        "the row still moved after the deadline",
    ),
    "dirty-timeout": (
        lambda: findings(
            saga(
                SagaState.COMPENSATED,
                order_steps(UNDONE, TIMED_OUT),
                outbox=(OutboxEntry("m-1", "orders.outbox", PAY, sent=False, created_at=ago(hours=1)),),
            )
        ),
        "a command of process_payment never left orders.outbox",
    ),
    "sources-disagree": (disputed, "its steps stand as they do here"),
    "duplicate-saga": (duplicate, "the key may stand for more than one order"),
    "wrong-compensation-order": (
        lambda: findings(
            changed(
                changed(
                    saga(SagaState.COMPENSATED, order_steps(UNDONE, UNDONE, FAILED)),
                    RESERVE,
                    compensated_at=ago(hours=2),
                ),
                PAY,
                compensated_at=ago(hours=1),
            )
        ),
        "the order of undos is not declared",
    ),
    "backing-off": (
        lambda: findings(
            saga(
                SagaState.BACKING_OFF,
                order_steps(DONE, FAILED),
                updated_at=ago(hours=1),
                next_attempt_at=ahead(minutes=9),
                deadline=ago(minutes=5),
            )
        ),
        "the deadline of the saga passed 5m ago",
    ),
    "waiting": (
        lambda: findings(saga(SagaState.WAITING, None, error="mail bounced")),
        "it carries an error: mail bounced",
    ),
}

NOTHING_TO_WEIGH: Final = {
    "unreadable": "what can't be read is a fact of the row: nothing else in it makes the word readable",
    "blocked-by": "it proposes nothing but to wait; what speaks against the other's sickness stands in its findings",
}


def test_every_rule_is_in_one_of_the_two_lists() -> None:
    names = {rule.name for rule in RULES} | {rule.name for rule in SURVEY_RULES}

    assert set(WEIGHED) | set(NOTHING_TO_WEIGH) == names
    assert not set(WEIGHED) & set(NOTHING_TO_WEIGH)
    assert all(NOTHING_TO_WEIGH.values())


@pytest.mark.parametrize("name", WEIGHED)
def test_what_speaks_against_it_is_told_and_holds_up_every_repair(name: str) -> None:
    found, fact = WEIGHED[name]

    finding = named(found(), name)

    assert [each for each in against(finding) if fact in each.fact], against(finding)
    assert {remedy.advice for remedy in finding.remedies if remedy.kind in REPAIRS} <= {Advice.WAIT, Advice.REFUSE}


@pytest.mark.parametrize("name", NOTHING_TO_WEIGH)
def test_a_rule_that_weighs_nothing_proposes_no_repair(name: str) -> None:
    child = saga(saga_id="s-9", updated_at=ago(hours=3))
    sick = {
        "unreadable": lambda: findings(saga(SagaState.UNKNOWN, raw_state="HALF_DONE")),
        "blocked-by": lambda: findings(linked=(linked(Relation.CHILD, child),)),
    }

    finding = named(sick[name](), name)

    assert not against(finding)
    assert not {remedy.kind for remedy in finding.remedies} & REPAIRS


def test_a_step_that_rests_past_its_own_deadline_is_told_of() -> None:
    row = changed(
        saga(SagaState.BACKING_OFF, updated_at=ago(hours=1), next_attempt_at=ahead(minutes=9), attempts=2),
        PAY,
        timeout_at=ahead(minutes=5),
    )

    assert [fact.fact for fact in against(named(findings(row), "backing-off"))] == [
        "the deadline of step process_payment passes before it is tried again"
    ]


def test_a_double_click_has_nothing_against_it() -> None:
    said = survey(SharedKey(ORDER_TYPE, "A-10042", 2, ("s-1", "s-2"), ago(minutes=3), NOW))
    ((rule, spoken),) = survey_signs(said, policy(), NOW)

    assert not against(named(examine(case(), order_policy(), NOW, [(rule, spoken.sign)]), "duplicate-saga"))


def test_attempts_of_the_step_itself_are_not_excused_by_another_one() -> None:
    row = changed(changed(saga(attempts=12), RESERVE, executed_at=ago(minutes=2)), PAY, attempts=12)

    assert not against(named(findings(row), "retry-loop"))


def test_other_steps_of_another_store_are_no_agreement() -> None:
    here = saga(SagaState.COMPLETED, order_steps(*[DONE] * 5), updated_at=ago(hours=1))
    there = saga(SagaState.PENDING, order_steps(DONE), store="archive", updated_at=ago(hours=2))

    assert not against(named(findings(here, linked=(linked(Relation.SAME_ID, there),)), "sources-disagree"))


def test_a_relay_that_sends_nothing_has_nothing_against_it() -> None:
    entries = (
        OutboxEntry("m-0", "orders.outbox", RESERVE, sent=True, created_at=ago(minutes=20)),
        OutboxEntry("m-1", "orders.outbox", PAY, sent=False, created_at=ago(minutes=9)),
    )

    assert not against(named(findings(saga(updated_at=ago(minutes=9), outbox=entries)), "outbox-unpublished"))


def test_steps_that_were_done_before_a_failure_do_not_excuse_it() -> None:
    known = SagaPolicy(steps=(StepDefinition("a"), StepDefinition("b")), parallel=True)
    row = saga(steps=(step("a", FAILED), step("b", DONE)), updated_at=ago(hours=1))

    assert not against(named(findings(row, known), "failure-not-handled"))
