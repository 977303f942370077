"""unreadable: the row holds something that the mapping can't read; it is shown raw and never dropped."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import SagaState, StepStatus

from .. import treatments
from ..anatomy import with_status
from ..sign import Rule, Sign

_LISTED = 5


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when the row carries doubts, or its state or a step's status is a word that nobody mapped."""
    del policy, now
    told = {doubt.field for doubt in case.saga.doubts}
    evidence = [
        Evidence(f"{doubt.field} is {doubt.raw!r}: {doubt.reason}", EvidenceKind.STATUS, case.saga.source)
        for doubt in case.saga.doubts
    ]
    if case.repeated and "id" not in told:
        evidence.append(Evidence("another row has the same id", EvidenceKind.STATUS, case.saga.source))
    state_unread = case.state is SagaState.UNKNOWN
    if state_unread and "state" not in told:
        evidence.append(
            Evidence(f"the state {case.saga.raw_state!r} means nothing to us", EvidenceKind.STATUS, case.saga.source)
        )
    unknown = with_status(case, StepStatus.UNKNOWN)
    steps_told = any(field.startswith("steps") for field in told)
    if unknown and not steps_told:
        evidence.append(
            Evidence(
                f"step {unknown[0].name} has the status {unknown[0].raw_status!r}, which means nothing to us",
                EvidenceKind.STATUS,
                case.saga.source,
            )
        )
    if not evidence:
        return None
    steps_unread = bool(unknown) or any(
        field == "steps" or field.endswith((".status", ".name")) for field in told if field.startswith("steps")
    )
    leads = state_unread or steps_unread
    fields = sorted(
        told | ({"state"} if state_unread else set()) | ({"steps"} if unknown and not steps_told else set())
    )
    shown = ", ".join(fields[:_LISTED]) + (f" and {len(fields) - _LISTED} more" if len(fields) > _LISTED else "")
    problem = f"{shown} could not be read" if fields else "another row has the same id"
    consequence = "so nobody can say whether this saga is well" if leads else "the rest of the row was read"
    return Sign(
        summary=f"{problem}; {consequence}",
        evidence=tuple(evidence),
        cause=case.saga.doubts[0].reason if case.saga.doubts else case.saga.raw_state if leads else "same id",
        leads=leads,
        treatments=(
            treatments.call_human("map the word or mend the row; nothing is done on a row that can't be read"),
        ),
    )


RULE = Rule("unreadable", Severity.WARNING, examine, "rows that can't be read")
