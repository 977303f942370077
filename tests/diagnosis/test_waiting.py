"""waiting: rests for a person, a timer or a signal, as it should."""

from __future__ import annotations

import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.testing.builders import APPROVE, PAY, ago, ahead, changed, findings, order_steps, saga
from tests.diagnosis.looking import advised, against, bad, named, primary, rules, supporting

DONE, OUT, FAILED, NEXT = StepStatus.COMPLETED, StepStatus.EXECUTING, StepStatus.FAILED, StepStatus.PENDING
RULE = "waiting"
AT_THE_MANAGER = saga(steps=order_steps(DONE, DONE, OUT), updated_at=ago(days=2))


def test_it_waits_for_a_person() -> None:
    finding = primary(findings(AT_THE_MANAGER), RULE)

    assert (finding.severity, finding.step) == (Severity.INFO, APPROVE)
    assert (finding.since, finding.late_seconds) == (ago(days=2), None)
    assert "a person" in finding.summary
    assert "late in 1d" in finding.summary
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.DECLARED}
    assert advised(finding) == {(RemedyKind.WAIT, APPROVE): Advice.WAIT}


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (saga(SagaState.WAITING, None, updated_at=ago(days=6)), "a signal"),
        (saga(updated_at=ago(days=6), waiting_for="timer"), "a timer"),
        (saga(updated_at=ago(days=6), waiting_for="the warehouse"), "the warehouse"),
        (saga(steps=order_steps(DONE, DONE, NEXT), updated_at=ago(hours=30)), "a person"),
        (saga(SagaState.WAITING, order_steps(DONE, FAILED), updated_at=ago(days=6)), "a signal"),
        (saga(SagaState.WAITING, None, updated_at=None), "a signal"),
    ],
)
def test_whoever_says_so(row: Saga, word: str) -> None:
    found = findings(row)

    assert rules(found) == [RULE]
    assert word in found[0].summary


def test_past_its_time_it_waits_no_more() -> None:
    late = saga(steps=AT_THE_MANAGER.steps, updated_at=ago(days=3, seconds=1))

    assert rules(findings(late)) == ["no-progress"]


@pytest.mark.parametrize(
    "row",
    [
        saga(steps=order_steps(DONE, DONE, FAILED), updated_at=ago(minutes=5)),
        saga(SagaState.COMPENSATING, order_steps(DONE, StepStatus.COMPENSATED), updated_at=ago(minutes=5)),
        saga(SagaState.COMPLETED, order_steps(DONE, DONE, DONE, DONE, DONE), waiting_for="person"),
        saga(),
    ],
)
def test_a_saga_that_does_not_rest_is_not_said_to(row: Saga) -> None:
    assert RULE not in rules(findings(row))


def test_a_timer_that_was_missed_is_no_rest() -> None:
    row = saga(SagaState.WAITING, updated_at=ago(hours=3), next_attempt_at=ago(hours=1))

    assert rules(findings(row)) == ["wake-up-missed"]


def test_a_deadline_that_has_passed_is_no_rest() -> None:
    row = changed(saga(SagaState.WAITING, updated_at=ago(hours=3)), PAY, timeout_at=ago(hours=1))

    assert rules(findings(row)) == ["step-timed-out"]


def test_an_older_wrong_explains_more() -> None:
    row = saga(SagaState.WAITING, order_steps(OUT, OUT), updated_at=ago(minutes=1))

    found = findings(row)

    primary(found, "concurrent-steps")
    assert not named(found, RULE).primary
    assert bad(found) == {"concurrent-steps"}
    assert not bad(findings(changed(AT_THE_MANAGER, APPROVE, next_attempt_at=ahead(days=1))))


def test_a_deadline_of_the_saga_ends_the_wait() -> None:
    ahead_of_it = saga(SagaState.WAITING, None, updated_at=ago(days=6), deadline=ahead(hours=2))

    finding = primary(findings(ahead_of_it), RULE)

    assert "late in 2h" in finding.summary
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    beyond = saga(SagaState.WAITING, None, updated_at=ago(days=8), deadline=ahead(days=1))
    assert "late in 1d" in primary(findings(beyond), RULE).summary
    for steps in (None, order_steps(DONE, NEXT)):
        late = saga(SagaState.WAITING, steps, updated_at=ago(minutes=40), deadline=ago(minutes=30))
        assert rules(findings(late)) == ["no-progress"]


def test_the_own_deadline_of_a_step_may_lie_beyond_its_max_wait() -> None:
    row = changed(saga(steps=AT_THE_MANAGER.steps, updated_at=ago(days=4)), APPROVE, timeout_at=ahead(days=1))

    assert "late in 1d" in primary(findings(row), RULE).summary


def test_an_error_beside_the_rest_is_told() -> None:
    finding = primary(findings(saga(SagaState.WAITING, None, error="mail bounced")), RULE)

    assert [fact.fact for fact in against(finding)] == ["it carries an error: mail bounced"]
