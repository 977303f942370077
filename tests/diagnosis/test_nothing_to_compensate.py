"""nothing-to-compensate: the saga is being undone, and no reply will ever end that."""

from __future__ import annotations

import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import OutboxEntry, Owner, SagaState, Step, StepStatus
from sagadoctor.testing.builders import RESERVE, ago, ahead, changed, findings, order_steps, saga
from tests.diagnosis.looking import advised, against, bad, facts, named, override, primary, supporting

FAILED, TIMED_OUT, UNDONE, OUT = (
    StepStatus.FAILED,
    StepStatus.TIMED_OUT,
    StepStatus.COMPENSATED,
    StepStatus.EXECUTING,
)
RULE = "nothing-to-compensate"
CLOSE = RemedyKind.CLOSE_SAGA
EMPTY = changed(saga(SagaState.COMPENSATING, order_steps(FAILED), updated_at=ago(hours=1)), RESERVE, error="sold out")


def test_the_first_step_failed_and_nothing_is_to_be_undone() -> None:
    finding = primary(findings(EMPTY), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, RESERVE)
    assert (finding.since, finding.late_seconds) == (ago(hours=1), 3000)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {(CLOSE, None): Advice.ASK, (RemedyKind.CALL_HUMAN, RESERVE): Advice.ASK}


def test_everything_is_undone_and_it_was_never_closed() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(UNDONE, FAILED), updated_at=ago(hours=1))

    finding = primary(findings(row), RULE)

    assert "every undo has run" in finding.summary
    assert advised(finding)[CLOSE, None] is Advice.ASK


def test_just_inside_the_policy_nothing_is_wrong() -> None:
    assert findings(saga(SagaState.COMPENSATING, order_steps(FAILED), updated_at=ago(minutes=10))) == ()


def test_a_step_that_is_still_out_may_yet_answer() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(FAILED, OUT), updated_at=ago(minutes=14))

    assert findings(row) == ()


def test_an_engine_that_comes_back_by_itself_may_yet_close_it() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(FAILED), updated_at=ago(hours=1), next_attempt_at=ahead(minutes=1))

    assert not bad(findings(row))


@pytest.mark.parametrize(
    "error",
    [
        "step timed out",
        "asyncio.TimeoutError()",
        "java.net.SocketTimeoutException: Read",
        "504 Gateway Time-out",
        "rpc error: code = DEADLINE_EXCEEDED",
        "context deadline exceeded",
    ],
)
def test_a_step_that_ran_out_of_time_may_have_been_done(error: str) -> None:
    finding = named(findings(changed(EMPTY, RESERVE, error=error)), RULE)

    assert against(finding)
    assert advised(finding)[CLOSE, None] is Advice.REFUSE
    assert override(finding, CLOSE) == "timed-out-step"


def test_a_step_marked_as_timed_out_may_have_been_done() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(TIMED_OUT), updated_at=ago(hours=1))

    found = findings(row)

    assert bad(found) == {RULE, "dirty-timeout"}
    assert override(primary(found, RULE), CLOSE) == "timed-out-step"


def test_a_step_that_shows_a_result_was_done() -> None:
    row = changed(EMPTY, RESERVE, result=b'{"reservation_id": 7}')

    found = findings(row)

    primary(found, "late-success")
    assert advised(named(found, RULE))[CLOSE, None] is Advice.REFUSE


def test_an_owner_that_is_alive_forbids_closing_it() -> None:
    row = saga(SagaState.COMPENSATING, EMPTY.steps, updated_at=ago(hours=1), owner=Owner("w", alive=True))

    assert override(primary(findings(row), RULE), CLOSE) == "owner-alive"


def test_a_step_with_an_unknown_word_may_be_anything() -> None:
    steps = (*order_steps(FAILED)[:4], Step("extra", 4, StepStatus.UNKNOWN, raw_status="HALF"))
    row = saga(SagaState.COMPENSATING, steps, updated_at=ago(hours=1))

    found = findings(row)

    primary(found, "unreadable")
    assert RULE not in bad(found)


def test_without_any_step_it_is_not_closed_unseen() -> None:
    found = findings(saga(SagaState.COMPENSATING, (), updated_at=ago(hours=1)))

    assert bad(found) == {"unreadable", RULE}
    primary(found, "unreadable")
    finding = named(found, RULE)
    assert "the row holds no steps" in facts(finding)
    assert against(finding)
    assert override(finding, CLOSE) == "unreadable"


def test_a_retry_loop_explains_more() -> None:
    found = findings(saga(SagaState.COMPENSATING, EMPTY.steps, updated_at=ago(hours=1), attempts=30))

    primary(found, "retry-loop")
    assert not named(found, RULE).primary


def test_a_command_that_lies_in_the_outbox_explains_more() -> None:
    entry = OutboxEntry("m-1", "orders.outbox", sent=False, created_at=ago(minutes=50))
    found = findings(saga(SagaState.COMPENSATING, EMPTY.steps, updated_at=ago(hours=1), outbox=(entry,)))

    primary(found, "outbox-unpublished")
    assert not named(found, RULE).primary
