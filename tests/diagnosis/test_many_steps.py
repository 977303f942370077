"""A saga with very many steps is judged as quickly, and told as briefly, as any other."""

from __future__ import annotations

import time

import pytest

from sagadoctor.model.finding import Finding
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.saga import SagaState, Step, StepStatus
from sagadoctor.testing.builders import ago, findings, saga

MANY = 2_000
KNOWN = SagaPolicy(
    steps=tuple(StepDefinition(f"s{place}", alternative_of="s1" if place == 2 else None) for place in range(20))
)


def judged(state: SagaState, status: StepStatus) -> tuple[Finding, ...]:
    steps = tuple(Step(f"s{place}", place, status, compensation="undo") for place in range(MANY))
    return findings(saga(state, steps, updated_at=ago(days=1)), KNOWN)


def test_no_combination_takes_long() -> None:
    start = time.perf_counter()
    for state in SagaState:
        for status in StepStatus:
            for finding in judged(state, status):
                assert len(finding.evidence) <= 41
                assert len(finding.remedies) <= 41
                assert len(finding.summary) < 300

    assert time.perf_counter() - start < 10


@pytest.mark.parametrize(
    ("state", "status", "rule"),
    [
        (SagaState.COMPENSATED, StepStatus.COMPLETED, "half-compensated"),
        (SagaState.COMPENSATING, StepStatus.COMPENSATING, "compensation-stuck"),
        (SagaState.PENDING, StepStatus.EXECUTING, "concurrent-steps"),
        (SagaState.COMPLETED, StepStatus.FAILED, "false-completion"),
    ],
)
def test_what_was_left_out_is_counted(state: SagaState, status: StepStatus, rule: str) -> None:
    finding = judged(state, status)[0]

    assert finding.rule == rule
    assert "and 1995 more" in finding.summary or "and 1997 more" in finding.summary
    assert [fact for fact in finding.evidence if "were left out" in fact.fact]
    if len(finding.remedies) > 40:
        assert "more remedies like these were left out" in finding.remedies[-1].because


def test_the_facts_against_stand_at_the_end_and_are_kept() -> None:
    steps = tuple(Step(f"s{place}", place, StepStatus.COMPLETED, compensation="undo") for place in range(MANY))
    finding = findings(saga(SagaState.COMPENSATED, steps, repaired_by="s-9"), SagaPolicy())[0]

    assert [fact.fact for fact in finding.evidence if not fact.supports] == [
        "saga s-9 should repair it, but was not found"
    ]
