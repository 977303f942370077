"""compensation-failed: an undo failed, or the store gave the saga up with one."""

from __future__ import annotations

import pytest

from sagadoctor.model.case import Relation
from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Owner, Saga, SagaState, StepStatus
from sagadoctor.testing.builders import (
    PAY,
    RESERVE,
    ago,
    ahead,
    changed,
    findings,
    linked,
    order_steps,
    saga,
)
from tests.diagnosis.looking import advised, against, bad, facts, named, override, primary, supporting

DONE, FAILED, UNDONE, UNDO_FAILED, NEXT = (
    StepStatus.COMPLETED,
    StepStatus.FAILED,
    StepStatus.COMPENSATED,
    StepStatus.COMPENSATION_FAILED,
    StepStatus.PENDING,
)
RULE = "compensation-failed"
RESEND = RemedyKind.RESEND_COMPENSATION
BROKEN = changed(
    saga(SagaState.COMPENSATING, order_steps(UNDONE, UNDO_FAILED, FAILED), updated_at=ago(minutes=5)),
    PAY,
    error="refund refused",
)


def test_an_undo_that_reported_its_failure() -> None:
    finding = primary(findings(BROKEN), RULE)

    assert (finding.severity, finding.step) == (Severity.CRITICAL, PAY)
    assert (finding.since, finding.late_seconds) == (ago(minutes=5), None)
    assert finding.half_compensated
    assert "refund refused" in facts(finding)
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, PAY): Advice.ASK, (RESEND, PAY): Advice.ASK}


def test_a_store_that_ended_the_saga_with_a_failed_undo_and_knows_no_steps() -> None:
    finding = primary(findings(saga(SagaState.FAILED, None, error="refund refused", updated_at=ago(days=1))), RULE)

    assert finding.severity is Severity.CRITICAL
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, None): Advice.ASK}


def test_steps_that_show_no_missing_undo_weaken_it() -> None:
    finding = primary(findings(saga(SagaState.FAILED, order_steps(UNDONE, FAILED), updated_at=ago(days=1))), RULE)

    assert finding.severity is Severity.WARNING
    assert [fact.kind for fact in against(finding)] == [EvidenceKind.STATUS]


@pytest.mark.parametrize(
    "row",
    [
        saga(SagaState.COMPENSATING, order_steps(StepStatus.COMPENSATING, FAILED)),
        saga(SagaState.COMPENSATED, order_steps(UNDONE, FAILED)),
        saga(SagaState.COMPENSATED, None),
        saga(SagaState.CANCELLED, order_steps(NEXT)),
    ],
)
def test_an_undo_that_is_out_or_done_has_not_failed(row: Saga) -> None:
    assert not bad(findings(row))


def test_a_saga_that_another_one_repaired_is_well() -> None:
    row = saga(SagaState.FAILED, order_steps(UNDONE, UNDO_FAILED, FAILED), repaired_by="s-2")
    repair = saga(SagaState.COMPLETED, None, saga_id="s-2")
    undone = saga(SagaState.COMPENSATED, None, saga_id="s-2")

    assert not bad(findings(row, linked=(linked(Relation.REPAIRED_BY, repair),)))
    assert RULE in bad(findings(row, linked=(linked(Relation.REPAIRED_BY, undone),)))
    assert RULE in bad(findings(row))


def test_an_undo_that_is_tried_again_by_itself_is_not_sent_by_hand() -> None:
    finding = primary(findings(changed(BROKEN, PAY, next_attempt_at=ahead(minutes=5), attempts=2)), RULE)

    assert [fact.kind for fact in against(finding)] == [EvidenceKind.TIME]
    assert advised(finding)[RESEND, PAY] is Advice.WAIT
    assert override(finding, RESEND, PAY) == "moving"


def test_an_undo_that_failed_just_now_is_looked_at_again_first() -> None:
    row = saga(SagaState.COMPENSATING, order_steps(UNDONE, UNDO_FAILED, FAILED), updated_at=ago(seconds=3))

    assert advised(primary(findings(row), RULE))[RESEND, PAY] is Advice.WAIT


def test_an_owner_that_is_alive_forbids_the_undo() -> None:
    row = saga(SagaState.COMPENSATING, BROKEN.steps, updated_at=ago(hours=1), owner=Owner("w", alive=True))

    assert override(primary(findings(row), RULE), RESEND, PAY) == "owner-alive"


def test_it_says_more_than_that_an_undo_is_missing() -> None:
    found = findings(saga(SagaState.FAILED, order_steps(DONE, UNDO_FAILED, FAILED), updated_at=ago(hours=1)))

    primary(found, RULE)
    assert named(found, "half-compensated").half_compensated


def test_a_step_that_was_done_late_explains_more() -> None:
    row = changed(BROKEN, "manager_approval", result=b'{"by": "m.rossi"}')

    found = findings(row)

    primary(found, "late-success")
    assert named(found, RULE).step == PAY
    assert RESERVE not in named(found, RULE).summary
