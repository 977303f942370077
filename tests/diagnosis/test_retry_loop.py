"""retry-loop: tried again and again without getting on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.observation import Tries
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.testing.builders import (
    CONFIRM,
    NOW,
    PAY,
    RESERVE,
    ago,
    ahead,
    changed,
    findings,
    order_policy,
    order_steps,
    saga,
    tries,
)
from tests.diagnosis.looking import advised, against, bad, facts, named, primary, rules, supporting

DONE, OUT, FAILED, UNDOING = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.FAILED,
    StepStatus.COMPENSATING,
)
RULE = "retry-loop"
LOOPING = changed(saga(updated_at=ago(seconds=2)), PAY, attempts=14, error="connection refused 10.0.0.7:5432")


def test_it_is_tried_again_and_again_however_fresh_the_row_is() -> None:
    finding = primary(findings(LOOPING), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.late_seconds) == (ago(seconds=2), None)
    assert "14" in finding.summary
    assert "connection refused <ip>" in finding.group_title
    assert supporting(finding) == {EvidenceKind.STATUS}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, PAY): Advice.ASK}


@pytest.mark.parametrize(
    "row",
    [
        saga(attempts=10),
        changed(saga(SagaState.COMPENSATING, order_steps(UNDOING, FAILED)), RESERVE, attempts=10),
        changed(saga(steps=order_steps(DONE, FAILED)), PAY, attempts=10),
        changed(saga(steps=order_steps(DONE, StepStatus.TIMED_OUT)), PAY, attempts=10),
        changed(saga(steps=order_steps(DONE, StepStatus.PENDING)), PAY, attempts=10),
        saga(SagaState.BACKING_OFF, attempts=10, next_attempt_at=ahead(hours=3)),
        saga(SagaState.COMPENSATING, None, attempts=10),
    ],
)
def test_wherever_the_attempts_are_told(row: Saga) -> None:
    assert bad(findings(row)) == {RULE}


def test_just_below_the_policy_nothing_is_wrong() -> None:
    assert not bad(findings(changed(LOOPING, PAY, attempts=9)))
    assert not bad(findings(LOOPING, order_policy(attempts=15)))


def test_what_failed_before_the_saga_turned_back_is_over() -> None:
    row = changed(saga(SagaState.COMPENSATING, order_steps(UNDOING, FAILED)), PAY, attempts=12, error="declined")

    assert not bad(findings(row))


def test_an_optional_step_that_was_given_up_is_over() -> None:
    row = changed(saga(steps=order_steps(DONE, DONE, DONE, DONE, FAILED)), CONFIRM, attempts=12, error="no mail today")

    assert not bad(findings(row))


def test_a_step_that_was_given_up_while_another_is_out_is_over() -> None:
    row = changed(saga(steps=order_steps(FAILED, OUT)), RESERVE, attempts=12, error="sold out")

    assert RULE not in bad(findings(row, SagaPolicy()))


def test_a_step_that_is_done_may_have_taken_many_attempts() -> None:
    assert findings(changed(saga(), RESERVE, attempts=40)) == ()


def test_asking_whether_a_person_has_answered_is_no_failing_retry() -> None:
    row = saga(SagaState.WAITING, order_steps(DONE, DONE, OUT), attempts=200)

    assert not bad(findings(row))
    assert bad(findings(saga(SagaState.WAITING, row.steps, attempts=200, error="refused"))) == {RULE}


def test_ended_sagas_try_no_more() -> None:
    assert not bad(findings(saga(SagaState.COMPENSATED, order_steps(FAILED), attempts=40)))


def test_the_next_attempt_is_told() -> None:
    finding = primary(findings(changed(LOOPING, PAY, next_attempt_at=ahead(hours=6))), RULE)

    assert "next attempt is due in 6h" in facts(finding)
    assert "backing-off" not in {
        other.rule for other in findings(changed(LOOPING, PAY, next_attempt_at=ahead(hours=6)))
    }


def test_nobody_is_told_to_try_once_more_because_of_it() -> None:
    known = SagaPolicy(steps=(StepDefinition(PAY, idempotent="header"),))

    assert {kind for kind, _ in advised(primary(findings(LOOPING, known), RULE))} == {RemedyKind.CALL_HUMAN}


def test_a_failed_undo_explains_more() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(StepStatus.COMPENSATION_FAILED, FAILED), attempts=14)

    found = findings(row)

    primary(found, "compensation-failed")
    assert not named(found, RULE).primary


FEW = changed(saga(updated_at=ago(seconds=40)), PAY, attempts=4, error="connection refused 10.0.0.7:5432")
RISING = tries(ago(minutes=20), 2, 4)


def test_a_few_attempts_that_go_on_to_fail_with_one_error_are_a_loop_too() -> None:
    finding = primary(findings(FEW, tries=RISING), RULE)

    assert (finding.severity, finding.step, finding.late_seconds) == (Severity.CRITICAL, PAY, None)
    assert "2 attempts 20m ago, 4 now, the same error at every look" in facts(finding)
    [seen] = [fact for fact in finding.evidence if fact.kind is EvidenceKind.OBSERVATION]
    assert (seen.source, seen.supports, seen.observed_at) == ("ledger", True, ago(minutes=20))
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.OBSERVATION}
    assert "stops believing" not in facts(finding)
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, PAY): Advice.ASK}
    assert finding.group == primary(findings(LOOPING), RULE).group


@pytest.mark.parametrize(
    "row",
    [
        saga(attempts=4, error="refused"),
        saga(steps=None, attempts=4, error="refused"),
        changed(saga(SagaState.COMPENSATING, order_steps(UNDOING, FAILED)), RESERVE, attempts=4, error="refused"),
        changed(saga(steps=order_steps(DONE, FAILED)), PAY, attempts=4, error="refused"),
        changed(saga(steps=order_steps(DONE, StepStatus.PENDING)), PAY, attempts=4, error="refused"),
        saga(SagaState.WAITING, order_steps(DONE, DONE, OUT), attempts=4, error="refused"),
    ],
)
def test_wherever_the_attempts_rise(row: Saga) -> None:
    assert not bad(findings(row))
    assert bad(findings(row, tries=RISING)) == {RULE}


@pytest.mark.parametrize(
    ("row", "seen"),
    [
        (FEW, None),
        (FEW, tries(ago(minutes=20), 3, 4)),
        (FEW, tries(ago(minutes=20), 4, 4)),
        (FEW, tries(ago(minutes=15), 2, 4)),
        (FEW, tries(NOW, 1, 4)),
        (FEW, tries(ahead(minutes=5), 1, 4)),
        (changed(FEW, PAY, error=None), RISING),
        (changed(FEW, PAY, attempts=None), RISING),
        (saga(SagaState.WAITING, order_steps(DONE, DONE, OUT), attempts=4), RISING),
        (saga(SagaState.COMPENSATED, order_steps(FAILED), attempts=4, error="refused"), RISING),
        (changed(saga(), RESERVE, attempts=4, error="refused"), RISING),
    ],
)
def test_a_back_off_that_has_just_begun_is_none(row: Saga, seen: Tries | None) -> None:
    assert not bad(findings(row, tries=seen))


def test_how_long_the_same_error_may_last_is_a_matter_of_policy() -> None:
    assert bad(findings(FEW, order_policy(no_progress=timedelta(minutes=5)), tries=tries(ago(minutes=6), 2, 4)))
    assert not bad(findings(FEW, order_policy(no_progress=timedelta(hours=1)), tries=RISING))


def test_a_next_attempt_speaks_against_a_loop_of_few() -> None:
    finding = primary(findings(changed(FEW, PAY, next_attempt_at=ahead(minutes=9)), tries=RISING), RULE)

    assert [fact.fact for fact in against(finding)] == [
        f"the engine tries again in 9m (steps.{PAY}.next_attempt_at)",
    ]


def test_a_step_done_lately_speaks_against_a_loop_of_few() -> None:
    row = changed(saga(attempts=4, error="refused"), RESERVE, executed_at=ago(minutes=2))

    assert [fact.fact for fact in against(named(findings(row, tries=RISING), RULE))] == [
        f"step {RESERVE} was done 2m ago",
    ]


def test_of_many_attempts_the_rise_is_one_more_fact() -> None:
    finding = primary(findings(LOOPING, tries=tries(ago(hours=2), 1, 14)), RULE)

    assert "14 attempts; 10 is where" in facts(finding)
    assert "1 attempt 2h ago, 14 now" in facts(finding)


def test_a_loop_of_few_is_not_called_a_rest_as_well() -> None:
    row = changed(FEW, PAY, next_attempt_at=ahead(minutes=9))

    assert rules(findings(row)) == ["backing-off"]
    assert rules(findings(row, tries=RISING)) == [RULE]


def test_a_failed_undo_explains_more_than_a_loop_of_few() -> None:
    row = saga(
        SagaState.COMPENSATING, order_steps(StepStatus.COMPENSATION_FAILED, FAILED), attempts=4, error="no such refund"
    )

    found = findings(row, tries=RISING)

    primary(found, "compensation-failed")
    assert not named(found, RULE).primary
