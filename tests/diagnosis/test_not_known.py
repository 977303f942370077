"""What a store can't tell is said in the evidence of its findings, and changes what is advised."""

from __future__ import annotations

import pytest

from sagadoctor.model.finding import EvidenceKind
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import REPAIRS, Advice, RemedyKind
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.testing.builders import PAY, ago, findings, observation, order_steps, saga
from tests.diagnosis.looking import advised, against, facts, primary, supporting

STEPLESS = "the store tells no steps of it"
ERRORLESS = "the store tells no error"
TIMELESS = "the row tells no time of change"


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (saga(SagaState.COMPENSATING, None, updated_at=ago(hours=1)), "compensation-stuck"),
        (saga(SagaState.PENDING, None, updated_at=ago(hours=1)), "no-progress"),
        (saga(SagaState.PENDING, None, updated_at=ago(hours=1), attempts=12), "retry-loop"),
        (saga(SagaState.FAILED, None, updated_at=ago(hours=1)), "compensation-failed"),
    ],
)
def test_without_steps_no_repair_is_offered_and_it_is_said_why(row: Saga, rule: str) -> None:
    finding = primary(findings(row, SagaPolicy()), rule)
    assert STEPLESS in facts(finding)
    assert any(STEPLESS in fact.fact for fact in against(finding))
    assert not {kind for kind, _ in advised(finding)} & REPAIRS


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (saga(updated_at=ago(hours=1), attempts=12), "retry-loop"),
        (saga(SagaState.FAILED, (), updated_at=ago(hours=1)), "compensation-failed"),
        (
            saga(
                SagaState.COMPENSATING,
                order_steps(StepStatus.COMPENSATION_FAILED, StepStatus.FAILED),
                updated_at=ago(hours=1),
            ),
            "compensation-failed",
        ),
        (
            saga(steps=order_steps(StepStatus.COMPLETED, StepStatus.FAILED), updated_at=ago(hours=1)),
            "failure-not-handled",
        ),
    ],
)
def test_without_errors_it_is_said_that_the_cause_is_not_known(row: Saga, rule: str) -> None:
    found = {finding.rule: finding for finding in findings(row)}
    assert ERRORLESS in facts(found[rule])


def test_a_retry_loop_without_an_error_sends_a_person_to_the_logs() -> None:
    told = primary(findings(saga(updated_at=ago(hours=1), attempts=12, error="declined")), "retry-loop")
    silent = primary(findings(saga(updated_at=ago(hours=1), attempts=12)), "retry-loop")
    assert [remedy.because for remedy in told.remedies] != [remedy.because for remedy in silent.remedies]
    assert "find the cause in the logs" in silent.remedies[0].because
    assert ERRORLESS not in facts(told)


def test_without_times_a_standstill_is_as_long_as_somebody_watched() -> None:
    row = saga(updated_at=None)
    assert findings(row, observed=observation(ago(seconds=1), first_look=True)) == ()

    finding = primary(findings(row, SagaPolicy(), observed=observation(ago(hours=1))), "no-progress")
    assert TIMELESS in facts(finding)
    assert "as far as it was watched" in facts(finding)
    assert EvidenceKind.OBSERVATION in supporting(finding)
    assert EvidenceKind.TIME not in supporting(finding)
    assert advised(finding)[RemedyKind.RETRY_STEP, PAY] is Advice.ASK
