"""false-completion: a saga says that it is completed, and a step is missing."""

from __future__ import annotations

import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import SagaState, Step, StepStatus
from sagadoctor.testing.builders import PAY, RESERVE, ago, findings, order_steps, saga, step
from tests.diagnosis.looking import advised, against, bad, named, override, primary, supporting

DONE, OUT, NEXT, FAILED, SKIPPED, UNDONE = (
    StepStatus.COMPLETED,
    StepStatus.EXECUTING,
    StepStatus.PENDING,
    StepStatus.FAILED,
    StepStatus.SKIPPED,
    StepStatus.COMPENSATED,
)
RULE = "false-completion"
COMPLETED = SagaState.COMPLETED


@pytest.mark.parametrize("status", [OUT, NEXT, FAILED, StepStatus.TIMED_OUT, StepStatus.COMPENSATION_FAILED])
def test_a_step_was_never_done(status: StepStatus) -> None:
    row = saga(COMPLETED, order_steps(DONE, status, DONE, DONE, DONE), updated_at=ago(hours=1))

    finding = primary(findings(row), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.late_seconds) == (ago(hours=1), None)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, PAY): Advice.ASK, (RemedyKind.RETRY_STEP, PAY): Advice.ASK}


def test_what_was_skipped_or_is_optional_is_not_missing() -> None:
    assert findings(saga(COMPLETED, order_steps(DONE, DONE, SKIPPED, DONE, FAILED))) == ()
    assert findings(saga(COMPLETED, order_steps(DONE, DONE, DONE, DONE, NEXT))) == ()


@pytest.mark.parametrize("taken", ["by_card", "by_invoice", "by_voucher"])
def test_one_of_several_alternatives_is_enough(taken: str) -> None:
    known = SagaPolicy(
        steps=(
            StepDefinition("by_card"),
            StepDefinition("by_invoice", alternative_of="by_card"),
            StepDefinition("by_voucher", alternative_of="by_card"),
        )
    )
    steps = tuple(step(name, DONE if name == taken else NEXT) for name in ("by_card", "by_invoice", "by_voucher"))

    assert findings(saga(COMPLETED, steps), known) == ()
    none = tuple(step(name, NEXT) for name in ("by_card", "by_invoice", "by_voucher"))
    assert bad(findings(saga(COMPLETED, none), known)) == {RULE}


def test_alternatives_may_form_a_chain_and_even_a_circle() -> None:
    chain = SagaPolicy(
        steps=(StepDefinition("a"), StepDefinition("b", alternative_of="a"), StepDefinition("c", alternative_of="b"))
    )
    circle = SagaPolicy(steps=(StepDefinition("a", alternative_of="b"), StepDefinition("b", alternative_of="a")))

    assert findings(saga(COMPLETED, (step("a", FAILED), step("b", FAILED), step("c", DONE))), chain) == ()
    findings(saga(COMPLETED, (step("a", FAILED), step("b", DONE))), circle)


def test_where_no_steps_are_known_completed_is_believed() -> None:
    assert findings(saga(COMPLETED, None)) == ()
    assert findings(saga(COMPLETED, ())) == ()


def test_a_saga_that_is_not_completed_yet_misses_nothing() -> None:
    assert RULE not in bad(findings(saga(SagaState.CANCELLED, order_steps(DONE, NEXT))))


def test_a_row_that_was_written_just_now_is_looked_at_again_first() -> None:
    row = saga(COMPLETED, order_steps(DONE, OUT, DONE, DONE, DONE), updated_at=ago(seconds=2))

    finding = primary(findings(row), RULE)

    assert [fact.kind for fact in against(finding)] == [EvidenceKind.TIME]
    assert advised(finding)[RemedyKind.RETRY_STEP, PAY] is Advice.WAIT
    assert override(finding, RemedyKind.RETRY_STEP, PAY) == "moving"


def test_a_word_that_nobody_knows_is_left_to_another_rule() -> None:
    row = saga(COMPLETED, (step(RESERVE, DONE), Step(PAY, 1, StepStatus.UNKNOWN, raw_status="WAT")))

    assert bad(findings(row)) == {"unreadable"}


def test_a_zombie_explains_more() -> None:
    found = findings(saga(COMPLETED, order_steps(UNDONE, DONE, DONE, DONE, DONE), updated_at=ago(hours=1)))

    primary(found, "forward-while-compensating")
    missing = named(found, RULE)
    assert missing.step == RESERVE
    assert advised(missing)[RemedyKind.RETRY_STEP, RESERVE] is Advice.REFUSE
