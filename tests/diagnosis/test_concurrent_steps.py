"""concurrent-steps: steps that should follow each other are out at once, or one runs twice."""

from __future__ import annotations

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import SagaState, StepStatus
from sagadoctor.testing.builders import (
    APPROVE,
    PAY,
    RESERVE,
    ago,
    changed,
    findings,
    order_policy,
    order_steps,
    saga,
)
from tests.diagnosis.looking import advised, against, bad, named, override, primary, supporting

DONE, OUT, NEXT, UNDOING = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.PENDING,
    StepStatus.COMPENSATING,
)
RULE = "concurrent-steps"
TWO_OUT = saga(steps=order_steps(DONE, OUT, OUT))


def test_a_duplicate_reply_sent_two_steps_out() -> None:
    finding = primary(findings(TWO_OUT), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.late_seconds) == (ago(seconds=40), None)
    assert supporting(finding) == {EvidenceKind.STATUS}
    assert not against(finding)
    assert advised(finding) == {
        (RemedyKind.CALL_HUMAN, None): Advice.ASK,
        (RemedyKind.RETRY_STEP, None): Advice.REFUSE,
    }
    assert override(finding, RemedyKind.RETRY_STEP) == "concurrent"


def test_a_step_that_was_done_is_out_again() -> None:
    row = changed(saga(), PAY, executed_at=ago(minutes=1), result=b'{"payment_id": 7}')

    finding = primary(findings(row), RULE)

    assert (finding.step, supporting(finding)) == (PAY, {EvidenceKind.STATUS, EvidenceKind.TIME})


def test_a_parallel_saga_may_have_several_steps_out() -> None:
    assert findings(TWO_OUT, order_policy(parallel=True)) == ()


def test_one_step_out_and_others_done_or_to_come_is_as_it_should_be() -> None:
    assert findings(saga(steps=order_steps(DONE, DONE, NEXT, OUT))) == ()


def test_a_second_try_of_a_failed_step_is_no_second_run() -> None:
    row = changed(saga(), PAY, executed_at=ago(minutes=1), attempts=2)

    assert findings(row) == ()


def test_the_steps_of_an_ended_saga_are_out_no_more() -> None:
    assert RULE not in bad(findings(saga(SagaState.COMPLETED, order_steps(DONE, OUT, OUT))))


def test_where_nothing_is_declared_that_is_said() -> None:
    finding = primary(findings(TWO_OUT, SagaPolicy()), RULE)

    assert [fact.kind for fact in against(finding)] == [EvidenceKind.DECLARED]


def test_none_of_the_late_steps_is_sent_once_more() -> None:
    row = changed(saga(steps=order_steps(OUT, OUT), updated_at=ago(hours=1)), RESERVE, timeout_at=ago(minutes=50))

    found = findings(changed(row, PAY, timeout_at=ago(minutes=55)))

    primary(found, RULE)
    late = named(found, "step-timed-out")
    assert late.step == PAY
    assert advised(late) == {(RemedyKind.RETRY_STEP, PAY): Advice.REFUSE, (RemedyKind.FAIL_STEP, PAY): Advice.ASK}


def test_a_zombie_explains_more() -> None:
    found = findings(saga(steps=order_steps(UNDOING, OUT, OUT)))

    primary(found, "forward-while-compensating")
    assert named(found, RULE).step == PAY
    assert APPROVE in named(found, RULE).summary
