"""clock-skew: what should be past lies ahead."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.remedy import REPAIRS, Advice, RemedyKind
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.testing.builders import PAY, RESERVE, ago, ahead, changed, findings, order_policy, order_steps, saga
from tests.diagnosis.looking import advised, bad, facts, named, primary, supporting

RULE = "clock-skew"


def test_a_row_that_was_written_in_an_hour() -> None:
    finding = primary(findings(saga(updated_at=ahead(hours=1), created_at=ago(minutes=3))), RULE)

    assert (finding.severity, finding.step) == (Severity.WARNING, None)
    assert (finding.since, finding.late_seconds) == (ago(minutes=3), None)
    assert "updated_at" in facts(finding)
    assert supporting(finding) == {EvidenceKind.TIME}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, None): Advice.ASK}


@pytest.mark.parametrize(
    "row",
    [
        saga(created_at=ahead(minutes=1)),
        saga(SagaState.COMPLETED, order_steps(*[StepStatus.COMPLETED] * 5), ended_at=ahead(minutes=1)),
        changed(saga(), RESERVE, executed_at=ahead(minutes=1)),
        changed(saga(), PAY, started_at=ahead(minutes=1)),
        changed(saga(), RESERVE, compensated_at=ahead(minutes=1)),
    ],
)
def test_every_time_that_should_be_past_is_compared(row: Saga) -> None:
    primary(findings(row), RULE)


def test_within_the_tolerance_nothing_is_wrong() -> None:
    assert findings(saga(updated_at=ahead(seconds=30), created_at=ago(days=1))) == ()
    wide = order_policy(skew=timedelta(hours=2))
    assert findings(saga(updated_at=ahead(hours=1), created_at=ago(days=1)), wide) == ()


def test_deadlines_may_lie_ahead() -> None:
    row = changed(saga(deadline=ahead(days=1), next_attempt_at=ahead(days=1)), PAY, timeout_at=ahead(days=1))

    assert not bad(findings(row))


def test_a_time_ahead_is_no_progress_and_no_repair_is_offered() -> None:
    row = changed(saga(updated_at=ago(hours=1)), PAY, timeout_at=ago(minutes=50))
    row = changed(row, RESERVE, executed_at=ahead(hours=5))

    found = findings(row)

    primary(found, RULE)
    assert named(found, "step-timed-out").since == ago(hours=1)
    assert not [remedy for finding in found for remedy in finding.remedies if remedy.kind in REPAIRS]


def test_a_row_that_cannot_be_read_explains_more() -> None:
    found = findings(saga(SagaState.UNKNOWN, updated_at=ahead(hours=1), created_at=ago(minutes=3)))

    primary(found, "unreadable")
    assert not named(found, RULE).primary


def test_all_rows_of_a_case_may_lie_ahead() -> None:
    finding = primary(findings(saga(updated_at=ahead(hours=1), created_at=ahead(hours=1))), RULE)

    assert (finding.since, finding.age_seconds) == (None, None)
