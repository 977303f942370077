"""compensation-not-sent: an undo is owed, none is out, and nothing moves."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import asleep, compensable, names, with_status
from ..deadlines import after
from ..sign import Rule, Sign


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a compensating saga has a completed compensable step, none compensating, past `compensation`."""
    if case.state is not SagaState.COMPENSATING:
        return None
    if with_status(case, StepStatus.COMPENSATING, StepStatus.COMPENSATION_FAILED):
        return None
    owed = tuple(step for step in with_status(case, StepStatus.COMPLETED) if compensable(step, policy))
    if not owed:
        return None
    if asleep(case, policy, now):
        return None
    if case.progress_at is None or now - case.progress_at <= policy.thresholds.compensation:
        return None
    undone = with_status(case, StepStatus.COMPENSATED)
    step = owed[-1]
    return Sign(
        summary=f"the undo of {names(tuple(reversed(owed)))} was never sent: the saga compensates and nothing is out",
        evidence=(
            facts.saga_state(case),
            *(facts.step_status(case, each) for each in owed),
            *(facts.undone(case, each) for each in undone),
            *facts.standstill(case, now),
            *facts.undo_shown(case, owed),
        ),
        step=step,
        due=after(case.progress_at, policy.thresholds.compensation),
        treatments=(
            *(
                treatments.resend_compensation(each, policy, "no undo is out, as far as the row tells")
                for each in reversed(owed)
            ),
        ),
    )


RULE = Rule(
    "compensation-not-sent",
    Severity.CRITICAL,
    examine,
    "undos that were never sent",
    states=frozenset((SagaState.COMPENSATING,)),
    statuses=frozenset((StepStatus.COMPLETED,)),
)
