"""sources-disagree: two stores tell one saga differently."""

from __future__ import annotations

import pytest

from sagadoctor.model.case import Relation
from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.testing.builders import PAY, ago, changed, findings, linked, order_steps, saga
from tests.diagnosis.looking import advised, bad, named, primary, supporting

RULE = "sources-disagree"


def elsewhere(state: SagaState, updated_at: object = ago(hours=2)) -> Saga:
    return saga(state, None, store="archive", source="archive.sagas", updated_at=updated_at)  # type: ignore[arg-type]


HERE = saga(SagaState.COMPLETED, order_steps(*[StepStatus.COMPLETED] * 5), updated_at=ago(hours=1))


def test_one_store_has_undone_what_the_other_has_completed() -> None:
    finding = primary(findings(HERE, linked=(linked(Relation.SAME_ID, elsewhere(SagaState.COMPENSATED)),)), RULE)

    assert (finding.severity, finding.step) == (Severity.WARNING, None)
    assert (finding.since, finding.late_seconds) == (ago(hours=1), None)
    assert "archive" in finding.summary
    assert supporting(finding) == {EvidenceKind.STATUS, EvidenceKind.TIME}
    assert {fact.source for fact in finding.evidence} == {"orders.public.sagas", "archive.sagas"}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, None): Advice.ASK}


@pytest.mark.parametrize(
    ("row", "other"),
    [
        (HERE, elsewhere(SagaState.COMPLETED)),
        (HERE, elsewhere(SagaState.UNKNOWN)),
        (HERE, elsewhere(SagaState.PENDING, ago(minutes=15))),
        (saga(SagaState.COMPLETED, HERE.steps), elsewhere(SagaState.PENDING)),
        (saga(SagaState.WAITING, updated_at=ago(hours=1)), elsewhere(SagaState.STARTED)),
    ],
)
def test_the_same_course_in_other_words_or_a_copy_that_lags_is_no_dispute(row: Saga, other: Saga) -> None:
    assert not bad(findings(row, linked=(linked(Relation.SAME_ID, other),)))


def test_other_relations_may_be_in_other_states() -> None:
    for relation in (Relation.PARENT, Relation.CHILD, Relation.REPAIRED_BY):
        assert findings(HERE, linked=(linked(relation, elsewhere(SagaState.COMPENSATED)),)) == ()


def test_a_late_step_explains_more() -> None:
    row = changed(saga(updated_at=ago(hours=1)), PAY, timeout_at=ago(minutes=50))

    found = findings(row, SagaPolicy(), linked=(linked(Relation.SAME_ID, elsewhere(SagaState.COMPLETED)),))

    primary(found, "step-timed-out")
    assert named(found, RULE).step == PAY


def test_a_row_of_unknown_state_disputes_nothing() -> None:
    row = saga(SagaState.UNKNOWN, raw_state="WAT", updated_at=ago(hours=1))

    assert RULE not in bad(findings(row, linked=(linked(Relation.SAME_ID, elsewhere(SagaState.COMPLETED)),)))
