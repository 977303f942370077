"""backing-off: asleep until a known time."""

from __future__ import annotations

import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.testing.builders import PAY, ago, ahead, changed, findings, order_steps, saga
from tests.diagnosis.looking import advised, bad, named, primary, rules, supporting

DONE, OUT, FAILED, UNDOING = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.FAILED,
    StepStatus.COMPENSATING,
)
RULE = "backing-off"
ASLEEP = saga(
    SagaState.BACKING_OFF,
    order_steps(DONE, FAILED),
    updated_at=ago(hours=1),
    next_attempt_at=ahead(minutes=12),
    attempts=3,
    error="connection refused",
)


def test_it_rests_before_its_next_try() -> None:
    finding = primary(findings(ASLEEP), RULE)

    assert (finding.severity, finding.step) == (Severity.INFO, PAY)
    assert (finding.since, finding.late_seconds) == (ago(hours=1), None)
    assert "12m" in finding.summary
    assert "3 times" in finding.summary
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {(RemedyKind.WAIT, PAY): Advice.WAIT}


@pytest.mark.parametrize(
    "row",
    [
        saga(updated_at=ago(hours=1), next_attempt_at=ahead(minutes=1), error="connection refused"),
        saga(SagaState.COMPENSATING, order_steps(UNDOING), next_attempt_at=ahead(minutes=1), attempts=2),
        changed(saga(updated_at=ago(hours=1)), PAY, next_attempt_at=ahead(minutes=1), attempts=1),
        saga(SagaState.BACKING_OFF, None, updated_at=ago(days=1), next_attempt_at=ahead(minutes=1)),
    ],
)
def test_wherever_it_is_told(row: Saga) -> None:
    assert rules(findings(row, SagaPolicy())) == [RULE]


@pytest.mark.parametrize(
    "row",
    [
        saga(next_attempt_at=ahead(minutes=1)),
        saga(SagaState.BACKING_OFF),
        saga(SagaState.BACKING_OFF, next_attempt_at=ago(seconds=0), attempts=2),
        saga(SagaState.COMPENSATED, order_steps(FAILED), next_attempt_at=ahead(minutes=1), attempts=2),
    ],
)
def test_a_plan_of_no_retry_is_not_told(row: Saga) -> None:
    assert RULE not in rules(findings(row))


def test_a_retry_loop_takes_its_place() -> None:
    row = saga(
        SagaState.BACKING_OFF, ASLEEP.steps, updated_at=ago(hours=1), next_attempt_at=ahead(hours=6), attempts=10
    )

    assert rules(findings(row)) == ["retry-loop"]


def test_an_older_wrong_explains_more() -> None:
    row = changed(ASLEEP, PAY, result=b'{"payment_id": 7}')

    found = findings(row)

    primary(found, "late-success")
    assert not named(found, RULE).primary
    assert bad(found) == {"late-success"}
