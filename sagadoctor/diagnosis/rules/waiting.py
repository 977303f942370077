"""waiting: rests for a person, a timer or a signal, within the time it may; nothing is wrong."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import FORWARD, StepStatus

from .. import facts, treatments
from ..anatomy import waits_for
from ..deadlines import words
from ..sign import Rule, Sign
from .no_progress import resting_limit


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a forward saga rests on purpose and its `max_wait` has not passed."""
    if case.state not in FORWARD:
        return None
    resting = waits_for(case, policy)
    if resting is None:
        return None
    step = case.current
    if step is not None and step.status not in (StepStatus.EXECUTING, StepStatus.PENDING):
        return None
    limit = resting_limit(case, policy)
    if case.progress_at is not None and now - case.progress_at > limit:
        return None
    article = {"person": "a person", "timer": "a timer", "signal": "a signal"}.get(resting, resting)
    where = f" at {step.name}" if step is not None else ""
    until = ""
    if case.progress_at is not None:
        until = f"; late in {words((case.progress_at + limit - now).total_seconds())}"
    return Sign(
        summary=f"it waits for {article}{where}, as it should{until}",
        evidence=(facts.saga_state(case), facts.declared(f"it may wait for {words(limit.total_seconds())}")),
        step=step,
        treatments=(treatments.wait(f"it is the turn of {article}", step),),
    )


RULE = Rule("waiting", Severity.INFO, examine, "sagas that wait as they should")
