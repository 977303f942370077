"""undone-past-pivot: the saga compensates although its step of no return is done."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import RemedyKind
from sagadoctor.model.saga import SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import past_pivot
from ..sign import Rule, Sign


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a compensating saga's pivot step is completed."""
    del now
    if case.state is not SagaState.COMPENSATING:
        return None
    turning = past_pivot(case, policy)
    if turning is None:
        return None
    return Sign(
        summary=f"the saga is being undone although {turning.name}, its step of no return, is done",
        evidence=(
            facts.saga_state(case),
            facts.step_status(case, turning),
            facts.declared(f"{turning.name} is the pivot: after it the saga only goes forward"),
            *(
                (facts.status(case, f"nothing says in so many words that {turning.name} is done", supports=False),)
                if turning.derived
                else ()
            ),
        ),
        step=turning,
        treatments=(
            treatments.call_human("decide whether the pivot can be undone by hand or the saga must be driven forward"),
            treatments.refuse(
                RemedyKind.RESEND_COMPENSATION,
                "undoing what stood before the pivot leaves the pivot alone",
                "past-pivot",
            ),
        ),
    )


RULE = Rule(
    "undone-past-pivot",
    Severity.CRITICAL,
    examine,
    "sagas undone past their pivot",
    states=frozenset((SagaState.COMPENSATING,)),
    statuses=frozenset((StepStatus.COMPLETED,)),
)
