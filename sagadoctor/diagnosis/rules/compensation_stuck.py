"""compensation-stuck: an undo is out and has not come back for longer than the policy allows."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import asleep, error, names, reason_to_undo, with_status
from ..deadlines import after, words
from ..sign import Rule, Sign


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when an undo has been out past `compensation`, also when the steps of a compensating saga are unknown."""
    if case.state is not SagaState.COMPENSATING or case.progress_at is None:
        return None
    out = with_status(case, StepStatus.COMPENSATING)
    if case.steps is not None and not out:
        return None
    if asleep(case, policy, now):
        return None
    limit = policy.thresholds.compensation
    if now - case.progress_at <= limit:
        return None
    step = out[-1] if out else case.current
    said = step.error if step is not None else error(case)
    began = reason_to_undo(case)
    undone = with_status(case, StepStatus.COMPENSATED)
    what = f"the undo of {names(tuple(reversed(out)))}" if out else "an undo (the store doesn't say of which step)"
    span = words((now - case.progress_at).total_seconds())
    evidence = (
        facts.saga_state(case),
        *(facts.step_status(case, each) for each in out),
        *(facts.undone(case, each) for each in undone),
        *((facts.status(case, f"the error is: {said}"),) if said else ()),
        *((facts.status(case, f"it is being undone because {began[0].name} failed: {began[1]}"),) if began else ()),
        *facts.standstill(case, now),
        *facts.undo_shown(case, out),
        *facts.no_steps(case),
        *facts.free_locks(case),
    )
    proposals = [
        treatments.resend_compensation(each, policy, "it was sent and never confirmed") for each in reversed(out)
    ]
    if not out:
        proposals.append(treatments.call_human("nobody can say which undo is missing; ask the participants"))
    return Sign(
        summary=f"{what} was sent and has not been confirmed for {span}",
        evidence=evidence,
        step=step,
        due=after(case.progress_at, limit),
        cause=said,
        treatments=tuple(proposals),
    )


RULE = Rule(
    "compensation-stuck",
    Severity.CRITICAL,
    examine,
    "undos that were never confirmed",
    states=frozenset((SagaState.COMPENSATING,)),
)
