"""step-timed-out: a step is out past its deadline."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Doubt, Owner, SagaState, StepStatus
from sagadoctor.testing.builders import (
    APPROVE,
    CONFIRM,
    PAY,
    RESERVE,
    SHIP,
    ago,
    ahead,
    changed,
    findings,
    order_policy,
    order_steps,
    saga,
    step,
)
from tests.diagnosis.looking import advised, against, bad, facts, named, override, primary, supporting

DONE, OUT, FAILED = StepStatus.COMPLETED, StepStatus.EXECUTING, StepStatus.FAILED
RULE = "step-timed-out"

STUCK = changed(saga(updated_at=ago(minutes=40)), PAY, timeout_at=ago(minutes=30))


def test_a_step_past_its_own_deadline() -> None:
    finding = primary(findings(STUCK), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.age_seconds, finding.late_seconds) == (ago(minutes=40), 2400, 1800)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {(RemedyKind.RETRY_STEP, PAY): Advice.ASK, (RemedyKind.FAIL_STEP, PAY): Advice.ASK}
    assert not against(finding)


def test_a_step_past_its_configured_timeout_counts_from_its_start() -> None:
    row = changed(saga(updated_at=ago(minutes=5)), PAY, started_at=ago(minutes=5))

    finding = primary(findings(row), RULE)

    assert finding.late_seconds == 240
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME, EvidenceKind.DECLARED}
    assert "timeout 1m of" in facts(finding)


def test_without_a_start_the_configured_timeout_counts_from_the_last_progress() -> None:
    assert named(findings(saga(updated_at=ago(minutes=5))), RULE).late_seconds == 240


def test_the_steps_own_deadline_counts_before_the_configured_timeout() -> None:
    row = changed(saga(updated_at=ago(minutes=40)), PAY, timeout_at=ahead(seconds=1))

    assert not bad(findings(row))


def test_the_sagas_deadline_counts_where_the_step_has_none() -> None:
    row = saga(steps=(step("a", OUT),), updated_at=ago(minutes=1), deadline=ago(seconds=30))

    assert primary(findings(row, SagaPolicy()), RULE).late_seconds == 30


@pytest.mark.parametrize("seconds", [0, 1, 3600])
def test_just_inside_the_deadline_nothing_is_wrong(seconds: int) -> None:
    row = changed(saga(updated_at=ago(days=2)), PAY, timeout_at=ahead(seconds=seconds))

    assert findings(row) == ()


def test_a_deadline_in_the_row_holds_for_a_step_that_waits_for_a_person_too() -> None:
    row = changed(saga(steps=order_steps(DONE, DONE, OUT), updated_at=ago(days=2)), APPROVE, timeout_at=ago(days=1))
    by_its_word = saga(SagaState.WAITING, row.steps, updated_at=ago(days=2))

    for each, known in ((row, order_policy()), (by_its_word, order_policy()), (by_its_word, SagaPolicy())):
        finding = primary(findings(each, known), RULE)
        assert (finding.step, finding.late_seconds) == (APPROVE, 86_400)
        assert bad(findings(each, known)) == {RULE}
        assert advised(finding)[RemedyKind.CALL_HUMAN, APPROVE] is Advice.ASK


def test_a_step_that_waits_has_no_configured_timeout() -> None:
    known = SagaPolicy(steps=(StepDefinition(APPROVE, waits_for="person", timeout=timedelta(minutes=1)),))

    assert not bad(findings(saga(steps=(step(APPROVE, OUT),), updated_at=ago(days=2)), known))


def test_a_step_that_waits_is_late_by_the_sagas_deadline_where_its_row_has_no_other() -> None:
    row = saga(steps=order_steps(DONE, DONE, OUT), updated_at=ago(days=2), deadline=ago(minutes=30))

    assert primary(findings(row), RULE).late_seconds == 1800
    assert not bad(findings(changed(row, APPROVE, timeout_at=ahead(minutes=1))))


def test_a_configured_timeout_that_counts_from_nowhere_leaves_the_sagas_deadline() -> None:
    row = saga(updated_at=None, deadline=ago(minutes=30))

    assert primary(findings(row), RULE).late_seconds == 1800


def test_a_configured_timeout_says_nothing_while_the_store_says_that_the_saga_waits() -> None:
    assert not bad(findings(saga(SagaState.WAITING, updated_at=ago(hours=5))))
    assert not bad(findings(saga(updated_at=ago(hours=5), waiting_for="the customer's new card")))


def test_a_paused_saga_is_late_for_nobody() -> None:
    assert not bad(findings(changed(saga(SagaState.PAUSED, updated_at=ago(hours=5)), PAY, timeout_at=ago(hours=4))))


def test_a_step_that_rests_before_its_next_try_is_not_out() -> None:
    row = changed(STUCK, PAY, next_attempt_at=ahead(minutes=2), attempts=2)

    assert not bad(findings(row))


def test_a_saga_that_backs_off_until_a_known_time_is_not_late() -> None:
    row = saga(SagaState.BACKING_OFF, STUCK.steps, updated_at=ago(minutes=40), next_attempt_at=ahead(minutes=2))

    assert not bad(findings(row))
    unplanned = saga(SagaState.BACKING_OFF, STUCK.steps, updated_at=ago(minutes=40))
    assert bad(findings(unplanned)) == {RULE}


def test_the_earliest_deadline_of_parallel_steps_leads() -> None:
    row = saga(steps=order_steps(OUT, OUT), updated_at=ago(hours=1))
    row = changed(changed(row, RESERVE, timeout_at=ago(minutes=1)), PAY, timeout_at=ago(minutes=9))

    assert primary(findings(row, order_policy(parallel=True)), RULE).step == PAY


def test_a_row_that_moved_after_the_deadline_may_just_be_slow() -> None:
    row = changed(saga(updated_at=ago(minutes=2)), PAY, timeout_at=ago(minutes=30))

    finding = primary(findings(row), RULE)

    assert [fact.kind for fact in against(finding)] == [EvidenceKind.TIME]
    assert set(advised(finding).values()) == {Advice.WAIT}
    assert override(finding, RemedyKind.RETRY_STEP, PAY) == "moving"


def test_a_step_that_was_sent_after_its_deadline_has_two_times_that_disagree() -> None:
    row = changed(STUCK, PAY, started_at=ago(minutes=20))

    assert set(advised(primary(findings(row), RULE)).values()) == {Advice.WAIT}


def test_what_another_step_said_is_no_word_about_this_one() -> None:
    finding = primary(findings(changed(STUCK, RESERVE, error="sold out in the north")), RULE)

    assert "sold out" not in facts(finding)
    assert "sold out" not in finding.group_title
    own = primary(findings(changed(STUCK, PAY, error="no route to the bank")), RULE)
    assert "no route to the bank" in facts(own)
    assert own.group != finding.group


def test_an_engine_that_has_planned_its_next_look_is_let_go_first() -> None:
    row = changed(saga(updated_at=ago(minutes=40), next_attempt_at=ahead(minutes=1)), PAY, timeout_at=ago(minutes=30))

    finding = primary(findings(row), RULE)

    assert set(advised(finding).values()) == {Advice.WAIT}
    assert "tries again in 1m" in facts(finding)


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"owner": Owner("worker-1", alive=True)}, "owner-alive")],
)
def test_an_owner_that_is_alive_forbids_a_repair(fields: dict[str, Owner], code: str) -> None:
    row = changed(saga(updated_at=ago(minutes=40), owner=fields["owner"]), PAY, timeout_at=ago(minutes=30))

    finding = primary(findings(row), RULE)

    assert set(advised(finding).values()) == {Advice.REFUSE}
    assert override(finding, RemedyKind.RETRY_STEP, PAY) == code


def test_two_rows_with_one_id_forbid_a_repair() -> None:
    finding = primary(findings(STUCK, repeated=True), RULE)

    assert set(advised(finding).values()) == {Advice.REFUSE}
    assert override(finding, RemedyKind.FAIL_STEP, PAY) == "duplicate-id"


def test_a_step_that_runs_twice_explains_more_than_its_lateness() -> None:
    row = changed(STUCK, PAY, executed_at=ago(minutes=35), result=b'{"payment_id": 7}')

    found = findings(row)

    primary(found, "concurrent-steps")
    late = named(found, RULE)
    assert advised(late)[RemedyKind.RETRY_STEP, PAY] is Advice.REFUSE
    assert override(late, RemedyKind.RETRY_STEP, PAY) == "concurrent"


def test_past_the_step_of_no_return_no_step_is_failed() -> None:
    row = changed(saga(steps=order_steps(DONE, DONE, DONE, DONE, OUT)), CONFIRM, timeout_at=ago(minutes=30))
    row = msgspec.structs.replace(row, updated_at=ago(minutes=40))

    finding = primary(findings(row), RULE)

    assert [remedy.kind for remedy in finding.remedies] == [RemedyKind.RETRY_STEP, RemedyKind.FAIL_STEP]
    assert advised(finding) == {
        (RemedyKind.RETRY_STEP, CONFIRM): Advice.ASK,
        (RemedyKind.FAIL_STEP, CONFIRM): Advice.REFUSE,
    }
    assert override(finding, RemedyKind.FAIL_STEP, CONFIRM) == "past-pivot"
    assert SHIP in finding.remedies[1].because


def test_the_pivot_itself_may_be_failed_while_it_is_out() -> None:
    row = changed(
        saga(steps=order_steps(DONE, DONE, DONE, OUT), updated_at=ago(hours=1)), SHIP, timeout_at=ago(minutes=9)
    )

    assert advised(primary(findings(row), RULE))[RemedyKind.FAIL_STEP, SHIP] is Advice.ASK


def test_a_deadline_that_the_row_casts_a_doubt_on_is_no_evidence() -> None:
    doubt = Doubt(f"steps[{order_steps()[1].index}].timeout_at", "2026-11-20T01:00:00Z", "before the step's start")
    row = changed(saga(updated_at=ago(seconds=40)), PAY, timeout_at=ago(hours=2), started_at=ago(seconds=40))

    assert bad(findings(row)) == {RULE}
    assert bad(findings(msgspec.structs.replace(row, doubts=(doubt,)))) == {"unreadable"}
    elsewhere = msgspec.structs.replace(row, doubts=(Doubt("steps[0].timeout_at", "x", "a time"),))
    assert bad(findings(elsewhere)) == {RULE, "unreadable"}


def test_where_its_own_deadline_is_in_doubt_the_configured_timeout_counts() -> None:
    doubt = Doubt("steps[1].timeout_at", "2026-11-20T01:00:00Z", "before the step's start")
    row = changed(saga(updated_at=ago(minutes=5), doubts=(doubt,)), PAY, timeout_at=ago(hours=2))

    late = primary(findings(row), RULE)

    assert late.late_seconds == 240
    assert "timeout 1m" in facts(late)


def test_a_sagas_deadline_in_doubt_is_no_evidence_either() -> None:
    doubt = Doubt("deadline", "1999-01-01", "the deadline lies before the saga's start")
    row = saga(steps=(step("a", OUT),), deadline=ago(days=9000), doubts=(doubt,))

    assert bad(findings(row, SagaPolicy())) == {"unreadable"}
