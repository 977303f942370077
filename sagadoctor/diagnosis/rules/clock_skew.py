"""clock-skew: times in the future beyond the tolerance; what is late can't be told, so no repair is offered."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy

from .. import facts, treatments
from ..deadlines import words
from ..sign import Rule, Sign


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a moment that should be past lies further ahead than the tolerance."""
    if not case.future:
        return None
    tolerance = words(policy.thresholds.skew.total_seconds())
    evidence = tuple(
        facts.time(case, f"{field} lies more than {tolerance} ahead of the store's clock", now) for field in case.future
    )
    if case.progress_at is not None:
        fact = f"{case.progress_from} lies where it should: not every writer's clock is ahead"
        evidence += (facts.time(case, fact, case.progress_at, supports=False),)
    return Sign(
        summary=f"{', '.join(case.future[:3])} in the future: two clocks differ, so nobody can say what is late",
        evidence=evidence,
        treatments=(treatments.call_human("compare the clocks of the writers with the database's, then scan again"),),
    )


RULE = Rule("clock-skew", Severity.WARNING, examine, "times in the future")
