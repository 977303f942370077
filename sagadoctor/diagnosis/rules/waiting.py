"""waiting: rests for a person, a timer or a signal, within the time it may; nothing is wrong."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import FORWARD, SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import executing, overslept, waits_for
from ..deadlines import after, step_due, words
from ..sign import Rule, Sign
from .no_progress import resting_limit


def _by_its_own_word(case: Case) -> bool:
    return case.state is SagaState.WAITING or case.saga.waiting_for is not None


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a forward saga rests on purpose and its `max_wait` has not passed."""
    if case.state not in FORWARD:
        return None
    resting = waits_for(case, policy)
    if resting is None:
        return None
    step = case.current
    if (
        step is not None
        and step.status not in (StepStatus.EXECUTING, StepStatus.PENDING)
        and not _by_its_own_word(case)
    ):
        return None
    if overslept(case, policy, now) or any(
        (due := step_due(case, each, policy)) is not None and due.at < now for each in executing(case)
    ):
        return None
    limit = resting_limit(case, policy)
    if case.progress_at is not None and now - case.progress_at > limit:
        return None
    article = {"person": "a person", "timer": "a timer", "signal": "a signal"}.get(resting, resting)
    where = f" at {step.name}" if step is not None else ""
    until = ""
    if case.progress_at is not None:
        until = f"; late in {words((after(case.progress_at, limit) - now).total_seconds())}"
    return Sign(
        summary=f"it waits for {article}{where}, as it should{until}",
        evidence=(facts.saga_state(case), facts.declared(f"it may wait for {words(limit.total_seconds())}")),
        step=step,
        treatments=(treatments.wait(f"it is the turn of {article}", step),),
    )


RULE = Rule("waiting", Severity.INFO, examine, "sagas that wait as they should")
