"""unreadable: the row holds something that the mapping can't read; it is shown raw and never dropped."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import Doubt, SagaState, StepStatus

from .. import treatments
from ..anatomy import with_status
from ..deadlines import JUST_BEGUN
from ..sign import Rule, Sign

_LISTED = 5
_LONGEST_WORD = 60
_NULL = "NULL"
_MOVED = frozenset(("created_at", "updated_at", "ended_at"))


def _doubt(doubt: Doubt) -> str:
    if doubt.raw in ("", _NULL):
        return f"{doubt.field} is {_NULL}: {doubt.reason.removeprefix(f'{_NULL}: ')}"
    return f"{doubt.field} is {doubt.raw!r}: {doubt.reason}"


def _named(case: Case) -> str:
    """Return the state with its word, where that is short: it is what has to be mapped."""
    raw = case.saga.raw_state
    return "state" if not raw or len(raw) > _LONGEST_WORD else f"state {raw!r}"


def _has_lost_its_steps(case: Case, now: datetime) -> bool:
    """Say whether a live saga has a list of steps with nothing in it, and hasn't begun just now.

    What is being undone, or rests, has begun: there is no waiting for its steps.
    """
    if case.steps is None or case.steps or not case.saga.is_live:
        return False
    if case.state is not SagaState.STARTED and case.state is not SagaState.PENDING:
        return True
    began = case.saga.created_at or case.progress_at
    return began is None or now - began > JUST_BEGUN


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when the row carries doubts, its state or a step's status is a word that nobody mapped, or has no steps."""
    del policy
    odd = case.saga.doubts or case.repeated or case.steps == ()
    if not odd and case.state is not SagaState.UNKNOWN and StepStatus.UNKNOWN not in case.by_status:
        return None
    told = {doubt.field for doubt in case.saga.doubts}
    evidence = [Evidence(_doubt(doubt), EvidenceKind.STATUS, case.saga.source) for doubt in case.saga.doubts]
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
    bare = not steps_told and _has_lost_its_steps(case, now)
    if bare:
        evidence.append(Evidence("its list of steps is empty", EvidenceKind.STATUS, case.saga.source))
    if not evidence:
        return None
    steps_unread = (
        bool(unknown)
        or bare
        or any(field == "steps" or field.endswith((".status", ".name")) for field in told if field.startswith("steps"))
    )
    leads = state_unread or steps_unread
    fields = sorted(
        told | ({"state"} if state_unread else set()) | ({"steps"} if unknown and not steps_told else set())
    )
    named = [_named(case) if field == "state" else field for field in fields[:_LISTED]]
    shown = ", ".join(named) + (f" and {len(fields) - _LISTED} more" if len(fields) > _LISTED else "")
    problems = [f"{shown} could not be read"] if fields else []
    problems += ["it has no steps"] if bare else []
    problem = " and ".join(problems) or "another row has the same id"
    timeless = case.saga.is_live and case.progress_at is None and bool(told & _MOVED)
    consequence = "the rest of the row was read"
    if leads:
        consequence = "so nobody can say whether this saga is well"
    elif timeless:
        consequence = "nothing tells when it last moved, so nobody can say whether it stands still"
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
