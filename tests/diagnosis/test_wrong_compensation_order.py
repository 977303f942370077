"""wrong-compensation-order: the undos did not run in reverse."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.testing.builders import PAY, RESERVE, ago, changed, findings, order_policy, order_steps, saga
from tests.diagnosis.looking import advised, against, bad, named, primary, supporting

DONE, FAILED, UNDONE = StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.COMPENSATED
RULE = "wrong-compensation-order"
REVERSE = order_policy(compensation_order="reverse")


def undone(reserve: datetime, pay: datetime, *, executed: bool = True) -> Saga:
    row = saga(SagaState.COMPENSATED, order_steps(UNDONE, UNDONE, FAILED), updated_at=ago(hours=1))
    row = changed(row, RESERVE, executed_at=ago(hours=3) if executed else None, compensated_at=reserve)
    return changed(row, PAY, executed_at=ago(hours=2), compensated_at=pay)


WRONG = undone(ago(minutes=50), ago(minutes=40))


def test_what_was_done_first_was_undone_first() -> None:
    finding = primary(findings(WRONG, REVERSE), RULE)

    assert (finding.severity, finding.step) == (Severity.WARNING, RESERVE)
    assert (finding.since, finding.late_seconds) == (ago(minutes=40), None)
    assert supporting(finding) == {EvidenceKind.TIME, EvidenceKind.DECLARED}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, None): Advice.ASK}


def test_where_the_order_is_not_declared_it_is_only_told() -> None:
    finding = primary(findings(WRONG), RULE)

    assert finding.severity is Severity.INFO
    assert [fact.kind for fact in against(finding)] == [EvidenceKind.DECLARED]
    assert not finding.remedies


def test_in_reverse_or_at_the_same_second_is_as_it_should_be() -> None:
    assert findings(undone(ago(minutes=40), ago(minutes=50)), REVERSE) == ()
    assert findings(undone(ago(minutes=40), ago(minutes=40)), REVERSE) == ()


def test_a_missing_time_of_execution_turns_nothing_around() -> None:
    assert findings(undone(ago(minutes=40), ago(minutes=50), executed=False), REVERSE) == ()
    assert bad(findings(undone(ago(minutes=50), ago(minutes=40), executed=False), REVERSE)) == {RULE}


def test_the_order_of_execution_counts_and_not_that_of_the_row() -> None:
    row = changed(undone(ago(minutes=50), ago(minutes=40)), RESERVE, executed_at=ago(hours=1))

    assert findings(row, REVERSE) == ()


def test_one_undo_has_no_order() -> None:
    row = changed(saga(SagaState.COMPENSATED, order_steps(UNDONE, FAILED)), RESERVE, compensated_at=ago(minutes=2))

    assert findings(row, REVERSE) == ()


def test_a_saga_that_was_given_up_explains_more() -> None:
    row = saga(SagaState.COMPENSATED, order_steps(UNDONE, UNDONE, FAILED, DONE), updated_at=ago(hours=1))
    row = changed(row, RESERVE, executed_at=ago(hours=3), compensated_at=ago(minutes=50))
    row = changed(row, PAY, executed_at=ago(hours=2), compensated_at=ago(minutes=40))

    assert primary(findings(row, REVERSE), RULE)
    sick = findings(saga(SagaState.FAILED, row.steps, updated_at=ago(hours=1)), REVERSE)
    primary(sick, "compensation-failed")
    assert named(sick, RULE).severity is Severity.WARNING
