"""half-compensated: the saga ended as failed or undone, and work that should be undone still stands."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case, Relation
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import names, owed_undos, repaired, with_status
from ..sign import Rule, Sign


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when an ended saga owes an undo and no other saga is known to have completed its repair."""
    if case.state not in (SagaState.FAILED, SagaState.COMPENSATED):
        return None
    owed = owed_undos(case, policy)
    if not owed:
        return None
    if repaired(case):
        return None
    repairs = case.related(Relation.REPAIRED_BY)
    undone = with_status(case, StepStatus.COMPENSATED)
    evidence = [facts.saga_state(case), *(facts.step_status(case, step) for step in owed)]
    evidence += [facts.undone(case, step) for step in undone]
    evidence += facts.standstill(case, now)
    evidence += facts.undo_shown(case, owed)
    for saga in repairs:
        evidence.append(
            facts.status(
                case, f"saga {saga.saga_id} was started to repair it and is {saga.state.value}", supports=False
            )
        )
    if case.saga.repaired_by is not None and not repairs:
        evidence.append(
            facts.status(case, f"saga {case.saga.repaired_by} should repair it, but was not found", supports=False)
        )
    how_much = f"{len(undone)} of {len(undone) + len(owed)} undos ran" if undone else "no undo ran"
    return Sign(
        summary=f"the saga has ended, but {names(owed)} was never undone ({how_much})",
        evidence=tuple(evidence),
        step=owed[-1],
        treatments=(
            *(
                treatments.resend_compensation(step, policy, "the engine has ended and will not undo it by itself")
                for step in reversed(owed)
            ),
            treatments.call_human("check with the participant what still stands before anything is sent", owed[-1]),
        ),
    )


RULE = Rule(
    "half-compensated",
    Severity.CRITICAL,
    examine,
    "sagas that ended with an undo missing",
    states=frozenset((SagaState.FAILED, SagaState.COMPENSATED)),
)
