"""outbox-unpublished: the command lies in the outbox, and the relay stands still."""

from __future__ import annotations

import pytest

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import OutboxEntry, Saga, SagaState, StepStatus
from sagadoctor.testing.builders import PAY, RESERVE, ago, ahead, changed, findings, order_steps, saga
from tests.diagnosis.looking import advised, bad, named, override, primary, supporting

RULE = "outbox-unpublished"
UNSENT = OutboxEntry("m-1", "orders.outbox", step=PAY, sent=False, created_at=ago(minutes=30))


def with_entries(*entries: OutboxEntry, **fields: object) -> Saga:
    row = saga(updated_at=ago(minutes=30), outbox=entries, **fields)  # type: ignore[arg-type]
    return changed(row, PAY, timeout_at=ahead(minutes=1))


def test_the_relay_stands_still() -> None:
    finding = primary(findings(with_entries(UNSENT)), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.late_seconds) == (ago(minutes=30), 1740)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {
        (RemedyKind.RESTART_RELAY, PAY): Advice.ASK,
        (RemedyKind.RETRY_STEP, PAY): Advice.REFUSE,
    }
    assert override(finding, RemedyKind.RETRY_STEP, PAY) == "outbox-unsent"


def test_an_undo_in_the_outbox_is_not_sent_by_hand() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(StepStatus.COMPLETED, StepStatus.COMPENSATING), outbox=(UNSENT,))

    finding = primary(findings(row), RULE)

    assert advised(finding)[RemedyKind.RESEND_COMPENSATION, PAY] is Advice.REFUSE


@pytest.mark.parametrize(
    "entry",
    [
        OutboxEntry("m-1", "orders.outbox", PAY, sent=False, created_at=ago(seconds=60)),
        OutboxEntry("m-1", "orders.outbox", PAY, sent=False, created_at=ahead(seconds=5)),
        OutboxEntry("m-1", "orders.outbox", PAY, sent=True, created_at=ago(days=1), sent_at=ago(days=1)),
        OutboxEntry("m-1", "orders.outbox", PAY, sent=None, created_at=ago(days=1)),
    ],
)
def test_a_command_that_was_written_just_now_or_has_left_is_well(entry: OutboxEntry) -> None:
    assert findings(with_entries(entry)) == ()


def test_an_entry_without_a_time_is_as_old_as_the_last_progress() -> None:
    entry = OutboxEntry("m-1", "orders.outbox", PAY, sent=False)

    assert primary(findings(with_entries(entry)), RULE).late_seconds == 1740
    assert not bad(findings(changed(saga(outbox=(entry,)), PAY)))


def test_a_saga_that_has_ended_waits_for_no_command() -> None:
    row = saga(SagaState.COMPLETED, order_steps(*[StepStatus.COMPLETED] * 5), outbox=(UNSENT,))

    assert findings(row) == ()


def test_the_oldest_command_is_named() -> None:
    other = OutboxEntry("m-0", "orders.outbox", step=RESERVE, sent=False, created_at=ago(hours=1))

    assert primary(findings(with_entries(UNSENT, other)), RULE).step == RESERVE


def test_no_command_in_the_outbox_is_sent_by_hand_whichever_rule_asks() -> None:
    row = saga(updated_at=ago(minutes=30), outbox=(UNSENT,))

    found = findings(changed(row, PAY, timeout_at=ago(minutes=20)))

    primary(found, RULE)
    assert override(named(found, "step-timed-out"), RemedyKind.RETRY_STEP, PAY) == "outbox-unsent"


def test_a_command_of_no_named_step_may_be_any_of_them() -> None:
    entry = OutboxEntry("m-1", "orders.outbox", sent=False, created_at=ago(seconds=5))
    row = changed(saga(updated_at=ago(minutes=30), outbox=(entry,)), PAY, timeout_at=ago(minutes=20))

    assert override(named(findings(row), "step-timed-out"), RemedyKind.RETRY_STEP, PAY) == "outbox-unsent"


def test_a_failed_undo_explains_more() -> None:
    row = saga(
        SagaState.COMPENSATING,
        order_steps(StepStatus.COMPENSATION_FAILED, StepStatus.COMPENSATING),
        updated_at=ago(minutes=5),
        outbox=(UNSENT,),
    )

    found = findings(row)

    primary(found, "compensation-failed")
    assert named(found, RULE).step == PAY
