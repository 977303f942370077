"""reply-lost: the command was answered, and the saga never took the reply."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from sagadoctor.diagnosis.prognosis import prognosis
from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import OutboxEntry, Receipt, Reply, ReplyOutcome, Saga, SagaState, StepStatus
from sagadoctor.testing.builders import (
    PAY,
    RESERVE,
    ago,
    ahead,
    case,
    changed,
    findings,
    observation,
    order_policy,
    order_steps,
    saga,
)
from tests.diagnosis.looking import advised, against, bad, facts, named, override, primary, rules, supporting

RULE = "reply-lost"
PLAIN = SagaPolicy()


def answer(answers: str = "m-2", at: datetime | None = None, **fields: Any) -> Reply:
    told = {"outcome": ReplyOutcome.DONE, "sent": True, "taken": False, "taken_by": "order-consumer", **fields}
    return Reply("r-2", answers, "orders.message", at=ago(minutes=40) if at is None else at, **told)


def command(entry_id: str = "m-2", step: str | None = PAY, minutes: float = 41) -> OutboxEntry:
    return OutboxEntry(entry_id, "orders.message", step, sent=True, created_at=ago(minutes=minutes))


def answered(*replies: Reply, state: SagaState = SagaState.PENDING, **fields: Any) -> Saga:
    told: dict[str, Any] = {"updated_at": ago(minutes=41), "outbox": (command(),), **fields}
    return saga(state, replies=replies or (answer(),), **told)


def test_the_reply_was_never_taken() -> None:
    receipt = Receipt("m-2", "orders.received", "payment", ago(minutes=41))

    finding = primary(findings(answered(received=(receipt,))), RULE)

    assert (finding.severity, finding.step, finding.late_seconds) == (Severity.CRITICAL, PAY, 2340)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert not against(finding)
    assert "r-2 in orders.message answers command m-2: done" in facts(finding)
    assert "not among what order-consumer received" in facts(finding)
    assert "command m-2 was received by payment" in facts(finding)
    assert advised(finding) == {
        (RemedyKind.CALL_HUMAN, PAY): Advice.ASK,
        (RemedyKind.DELIVER_REPLY, PAY): Advice.ASK,
        (RemedyKind.RETRY_STEP, PAY): Advice.REFUSE,
        (RemedyKind.FAIL_STEP, PAY): Advice.REFUSE,
    }
    assert override(finding, RemedyKind.RETRY_STEP, PAY) == "answered"


def test_it_explains_the_step_that_is_late_and_forbids_to_send_it_again() -> None:
    found = findings(answered())

    primary(found, RULE)
    late = named(found, "step-timed-out")
    assert override(late, RemedyKind.RETRY_STEP, PAY) == "answered"
    assert override(late, RemedyKind.FAIL_STEP, PAY) == "answered"


def test_a_refusal_that_was_not_taken_may_be_told_by_hand() -> None:
    finding = primary(findings(answered(answer(outcome=ReplyOutcome.REFUSED))), RULE)

    assert "refused" in finding.summary
    assert (RemedyKind.FAIL_STEP, PAY) not in advised(finding)


def test_the_answer_to_an_undo() -> None:
    steps = order_steps(StepStatus.COMPLETED, StepStatus.COMPENSATING)
    undo = command(step="PaymentService.RefundPayment")

    finding = primary(findings(answered(state=SagaState.COMPENSATING, steps=steps, outbox=(undo,))), RULE)

    assert advised(finding)[RemedyKind.RESEND_COMPENSATION, PAY] is Advice.REFUSE
    assert (RemedyKind.FAIL_STEP, PAY) not in advised(finding)
    fresh = answer(at=ago(minutes=9))
    row = answered(fresh, state=SagaState.COMPENSATING, steps=steps, outbox=(undo,), updated_at=ago(minutes=9))
    assert RULE not in bad(findings(row))


@pytest.mark.parametrize(
    "reply",
    [
        answer(taken=True),
        answer(at=ago(minutes=15)),
        answer(at=ago(seconds=3)),
        answer(at=ahead(seconds=3)),
        answer("m-1"),
    ],
    ids=["taken", "no older than no_progress", "just now", "ahead", "of a step that is done"],
)
def test_one_that_was_taken_or_is_young_or_is_no_more_waited_for_is_not_lost(reply: Reply) -> None:
    row = answered(reply, outbox=(command("m-1", RESERVE, 60), command()), updated_at=ago(minutes=16))

    assert RULE not in bad(findings(changed(row, PAY, timeout_at=ahead(minutes=5))))


def test_one_of_two_replies_was_taken() -> None:
    row = answered(answer(), answer(taken=True))

    assert RULE not in bad(findings(row))


def test_a_saga_that_moved_on_needs_the_reply_no_more() -> None:
    done = order_steps(StepStatus.COMPLETED, StepStatus.COMPLETED, StepStatus.PENDING)
    nameless = (command(step=None),)

    assert RULE not in bad(findings(answered(steps=done, outbox=nameless)))
    later = (*nameless, OutboxEntry("m-3", "orders.message", None, sent=True, created_at=ago(minutes=39)))
    assert RULE not in bad(findings(answered(steps=None, outbox=later)))
    assert RULE in bad(findings(answered(steps=None, outbox=nameless)))
    assert RULE in bad(findings(answered(steps=None, outbox=())))


def test_a_second_try_of_the_same_step_has_not_been_answered() -> None:
    again = OutboxEntry("m-3", "orders.message", PAY, sent=True, created_at=ago(minutes=20))

    assert RULE not in bad(findings(answered(outbox=(command(), again))))


@pytest.mark.parametrize("state", [SagaState.COMPLETED, SagaState.COMPENSATED, SagaState.FAILED, SagaState.PAUSED])
def test_a_saga_that_is_over_or_was_paused_takes_no_reply(state: SagaState) -> None:
    assert RULE not in rules(findings(answered(state=state)))


def test_a_step_past_its_own_deadline_is_late_after_a_minute_but_someone_may_be_at_it() -> None:
    row = changed(answered(answer(at=ago(minutes=3)), updated_at=ago(minutes=4)), PAY, timeout_at=ago(minutes=2))

    finding = primary(findings(row), RULE)

    assert "only 3m old" in against(finding)[0].fact
    assert advised(finding)[RemedyKind.DELIVER_REPLY, PAY] is Advice.WAIT
    young = changed(answered(answer(at=ago(seconds=50)), updated_at=ago(minutes=4)), PAY, timeout_at=ago(minutes=2))
    assert RULE not in bad(findings(young))


def test_a_reply_that_lies_in_its_outbox_is_the_relays_to_send() -> None:
    row = answered(answer(at=ago(minutes=3), sent=False), updated_at=ago(minutes=4))

    finding = primary(findings(row), RULE)

    assert "has not left its outbox" in against(finding)[0].fact
    assert advised(finding)[RemedyKind.RESTART_RELAY, PAY] is Advice.ASK
    assert override(finding, RemedyKind.DELIVER_REPLY, PAY) == "reply-unsent"


def test_where_nobody_tells_who_takes_replies_the_saga_itself_does() -> None:
    finding = primary(findings(answered(answer(taken=None, taken_by=None))), RULE)

    assert "the saga does not know it" in finding.summary
    assert "not among" not in facts(finding)


def test_a_reply_without_a_time_is_as_old_as_the_last_progress() -> None:
    reply = Reply("r-2", "m-2", "orders.message", taken=False, taken_by="c")

    assert primary(findings(answered(reply)), RULE).late_seconds == 40 * 60
    assert RULE not in bad(findings(answered(reply, updated_at=ago(seconds=50))))


def test_a_row_that_moved_since_may_have_taken_it() -> None:
    row = changed(answered(updated_at=ago(minutes=30)), PAY, timeout_at=ago(minutes=35))

    finding = named(findings(row), RULE)

    assert "moved after the reply (updated_at)" in against(finding)[0].fact
    assert advised(finding)[RemedyKind.DELIVER_REPLY, PAY] is Advice.WAIT


def test_the_first_look_at_a_store_without_times_is_no_move() -> None:
    row = answered(updated_at=None, created_at=None)

    found = findings(row, PLAIN, observed=observation(ago(seconds=0), first_look=True))

    assert not against(named(found, RULE))


def test_the_engine_may_come_back_to_it() -> None:
    finding = named(findings(answered(next_attempt_at=ahead(minutes=5))), RULE)

    assert "the engine tries again in 5m" in against(finding)[0].fact


def test_a_command_in_the_outbox_explains_more() -> None:
    unsent = OutboxEntry("m-9", "orders.message", RESERVE, sent=False, created_at=ago(hours=1))

    found = findings(answered(outbox=(command(), unsent)))

    primary(found, "outbox-unpublished")
    assert not named(found, RULE).primary


def test_it_is_foretold_of_a_reply_that_lies_there() -> None:
    row = changed(answered(answer(at=ago(minutes=5)), updated_at=ago(minutes=6)), PAY, timeout_at=ahead(days=1))
    known = order_policy()

    told = prognosis(case(row, known), known, ago(seconds=0))

    assert told.late_at == ahead(minutes=10)
    assert told.finding is not None
    assert told.finding.rule == RULE


def test_a_reply_from_the_future_counts_from_the_last_progress_and_nothing_is_delivered_by_hand() -> None:
    finding = primary(findings(answered(answer(at=ahead(days=3)))), RULE)
    assert "was written in the future" in facts(finding)
    assert against(finding)
    assert advised(finding)[RemedyKind.DELIVER_REPLY, PAY] is Advice.REFUSE
    assert findings(answered(answer(at=ahead(days=3)), updated_at=ago(minutes=1)), PLAIN) == ()
