"""wrong-compensation-order: the undos did not run in reverse order of execution."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import Step

from .. import facts, treatments
from ..sign import Rule, Sign

_NEVER = datetime.max.replace(tzinfo=UTC)


def _in_order(steps: list[Step]) -> list[Step]:
    """Sort by the time of execution where every step tells one, else by their place in the row."""
    if any(step.executed_at is None for step in steps):
        return sorted(steps, key=lambda step: step.index)
    return sorted(steps, key=lambda step: (step.executed_at or _NEVER, step.index))


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when an earlier step was compensated before a later one; a warning only where the order is declared."""
    del now
    undone = [step for step in case.steps or () if step.compensated_at is not None]
    if len(undone) < 2:
        return None
    for earlier, later in pairwise(_in_order(undone)):
        first, second = earlier.compensated_at, later.compensated_at
        if first is None or second is None or first >= second:
            continue
        strict = policy.compensation_order == "reverse"
        evidence = [
            facts.time(case, f"step {earlier.name}, executed first, was compensated", first),
            facts.time(case, f"step {later.name}, executed after it, was compensated only then", second),
        ]
        if strict:
            evidence.append(facts.declared("the undos of this saga type run in reverse order"))
        else:
            evidence.append(facts.declared("the order of undos is not declared for this saga type", supports=False))
        return Sign(
            summary=f"{earlier.name} was undone before {later.name}, though it was executed before it",
            evidence=tuple(evidence),
            step=earlier,
            severity=None if strict else Severity.INFO,
            treatments=(treatments.call_human("check whether the later undo needed what the earlier one took away"),)
            if strict
            else (),
        )
    return None


RULE = Rule("wrong-compensation-order", Severity.WARNING, examine, "undos out of order")
