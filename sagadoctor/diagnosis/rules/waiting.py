"""waiting: rests for a person, a timer or a signal, within the time it may; nothing is wrong."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import FORWARD, SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import error, overslept, waits_for
from ..deadlines import after, late_from, resting_limit, words
from ..sign import Rule, Sign


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
    late = late_from(case, policy)
    if overslept(case, policy, now) or (late is not None and late < now):
        return None
    article = {"person": "a person", "timer": "a timer", "signal": "a signal"}.get(resting, resting)
    where = f" at {step.name}" if step is not None else ""
    until = f"; late in {words((late - now).total_seconds())}" if late is not None else ""
    limit = resting_limit(case, policy)
    by_limit = case.progress_at is None or late == after(case.progress_at, limit)
    said = error(case, step)
    return Sign(
        summary=f"it waits for {article}{where}, as it should{until}",
        evidence=(
            facts.saga_state(case),
            facts.declared(f"it may wait for {words(limit.total_seconds())}")
            if by_limit
            else facts.time(case, "the deadline that the row tells lies ahead", late),
            *((facts.status(case, f"it carries an error: {said}", supports=False),) if said else ()),
        ),
        step=step,
        treatments=(treatments.wait(f"it is the turn of {article}", step),),
    )


RULE = Rule("waiting", Severity.INFO, examine, "sagas that wait as they should", states=FORWARD)
