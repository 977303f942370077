"""compensation-failed: an undo reported failure, or the store ended the saga with a failed undo."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import error, names, next_attempt, owed_undos, repaired, with_status
from ..sign import Rule, Sign


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when a step's undo is marked failed, or the saga's state says that an undo is missing or failed."""
    if repaired(case):
        return None
    failed = with_status(case, StepStatus.COMPENSATION_FAILED)
    if failed:
        step = failed[0]
        said = error(case, step)
        why = f": {said}" if said else ""
        again = next_attempt(case)
        return Sign(
            summary=f"the undo of {names(failed)} failed{why}",
            evidence=(
                *(facts.step_status(case, each) for each in failed),
                facts.said_or_not(case, said),
                facts.saga_state(case),
                *facts.standstill(case, now),
                *((facts.tries_again(case, again, now),) if again is not None and again[0] > now else ()),
            ),
            step=step,
            cause=said,
            treatments=(
                treatments.call_human("find out why the undo fails before it is sent again", step),
                treatments.resend_compensation(
                    step, policy, "the undo failed; once its cause is mended it may be sent again"
                ),
            ),
        )
    if case.state is not SagaState.FAILED:
        return None
    owed = owed_undos(case, policy)
    if owed:
        return None  # half-compensated says which undo is missing
    said = error(case)
    known = bool(case.steps)
    evidence = [facts.saga_state(case)]
    evidence.append(facts.said_or_not(case, said))
    evidence += facts.no_steps(case)
    if known:
        evidence.append(facts.status(case, "no step of the row has an undo missing", supports=False))
    return Sign(
        summary="the store ended this saga as failed with its undo failed or missing" + (f": {said}" if said else ""),
        evidence=tuple(evidence),
        severity=Severity.WARNING if known else None,
        cause=said,
        treatments=(treatments.call_human("the engine has given up; what was done must be undone by hand"),),
    )


RULE = Rule("compensation-failed", Severity.CRITICAL, examine, "undos that failed")
