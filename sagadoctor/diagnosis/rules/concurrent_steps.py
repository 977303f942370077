"""concurrent-steps: two steps of a sequential saga are out at once, or a step that was done is out again."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import RemedyKind
from sagadoctor.model.saga import NOT_ENDED, StepStatus

from .. import facts, treatments
from ..anatomy import executing, names
from ..sign import Rule, Sign


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when more than one step executes in a saga not declared parallel, or an executing step shows an end."""
    del now
    if case.state not in NOT_ENDED:
        return None
    out = executing(case)
    again = tuple(step for step in out if step.executed_at is not None and step.result is not None)
    if again:
        step = again[0]
        evidence: tuple[Evidence, ...] = (
            facts.step_status(case, step),
            facts.time(case, f"step {step.name} had already ended with a result", step.executed_at),
        )
        summary = f"{step.name} is executing although it was done before: it runs twice"
    elif len(out) > 1 and not policy.parallel:
        step = out[0]
        evidence = tuple(facts.step_status(case, each) for each in out)
        summary = f"{names(out)} execute at once in a saga whose steps follow each other (a duplicate reply does that)"
        if not policy.steps:
            evidence += (facts.declared("nothing says whether this saga type runs steps in parallel", supports=False),)
    else:
        return None
    return Sign(
        summary=summary,
        evidence=evidence,
        step=step,
        treatments=(
            treatments.call_human("let both steps end, then compare what the participants did with what was wanted"),
            treatments.refuse(RemedyKind.RETRY_STEP, "one more command would be a third run", "concurrent"),
        ),
    )


RULE = Rule(
    "concurrent-steps",
    Severity.CRITICAL,
    examine,
    "steps that execute at once",
    states=NOT_ENDED,
    statuses=frozenset((StepStatus.EXECUTING,)),
)
