"""duplicate-saga: several live sagas work on one business key."""

from __future__ import annotations

from sagadoctor.diagnosis.examine import examine, survey_signs
from sagadoctor.model.finding import EvidenceKind, Finding, Severity
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import Saga, SagaState, StepStatus
from sagadoctor.model.survey import Survey
from sagadoctor.testing.builders import (
    NOW,
    PAY,
    ago,
    case,
    changed,
    order_policy,
    order_steps,
    policy,
    saga,
    shared_key,
    survey,
)
from tests.diagnosis.looking import advised, facts, named, primary, supporting

RULE = "duplicate-saga"


def told(row: Saga, said: Survey) -> tuple[Finding, ...]:
    """Examine a saga with what the survey says of it."""
    signs = [(rule, each.sign) for rule, each in survey_signs(said, policy(), NOW) if row.saga_id in each.saga_ids]
    return examine(case(row), order_policy(), NOW, signs)


def test_two_sagas_ship_one_order() -> None:
    finding = primary(told(saga(business_key="A-10042"), survey(shared_key("s-1", "s-2"))), RULE)

    assert (finding.severity, finding.step, finding.business_key) == (Severity.WARNING, None, "A-10042")
    assert (finding.since, finding.late_seconds) == (ago(seconds=40), None)
    assert "s-1, s-2" in facts(finding)
    assert supporting(finding) == {EvidenceKind.STATUS}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, None): Advice.ASK}


def test_each_of_them_has_the_finding_and_they_are_one_group() -> None:
    said = survey(shared_key("s-1", "s-2"))

    first, second = (primary(told(saga(saga_id=name), said), RULE) for name in ("s-1", "s-2"))

    assert first.id != second.id
    assert first.group == second.group


def test_a_key_of_its_own_is_as_it_should_be() -> None:
    assert told(saga(), survey(shared_key("s-1"))) == ()
    assert told(saga(), survey(shared_key("s-2", "s-3"))) == ()
    assert survey_signs(survey(), policy(), NOW) == ()


def test_a_sample_says_how_many_are_left_out() -> None:
    finding = primary(told(saga(), survey(shared_key("s-1", "s-2", count=40))), RULE)

    assert finding.summary.startswith("40 live sagas")
    assert "and 38 more" in facts(finding)


def test_many_are_all_told_and_ten_are_named() -> None:
    ids = [f"s-{number:02}" for number in range(25)]
    said = survey(shared_key(*ids))
    finding = primary(told(saga(saga_id="s-24"), said), RULE)
    assert "s-00, s-01" in facts(finding)
    assert "s-09 and 15 more" in facts(finding)


def test_a_late_step_explains_more() -> None:
    row = changed(saga(updated_at=ago(hours=1)), PAY, timeout_at=ago(minutes=50))

    found = told(row, survey(shared_key("s-1", "s-2")))

    primary(found, "step-timed-out")
    assert not named(found, RULE).primary


def test_it_explains_more_than_the_order_of_the_undos() -> None:
    row = saga(SagaState.COMPENSATED, order_steps(StepStatus.COMPENSATED, StepStatus.COMPENSATED, StepStatus.FAILED))
    row = changed(changed(row, "reserve_inventory", compensated_at=ago(hours=2)), PAY, compensated_at=ago(hours=1))

    found = told(row, survey(shared_key("s-1", "s-2")))

    assert [finding.rule for finding in found] == [RULE, "wrong-compensation-order"]
