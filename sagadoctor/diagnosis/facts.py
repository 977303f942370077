"""Writing down evidence: each fact with its kind, its source, and when it was true."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, EvidenceKind
from sagadoctor.model.saga import Step

from .deadlines import Due, words


def status(case: Case, fact: str, *, supports: bool = True) -> Evidence:
    """Return a fact read from a status word of the row."""
    return Evidence(fact, EvidenceKind.STATUS, case.saga.source, supports, case.saga.updated_at)


def saga_state(case: Case) -> Evidence:
    """Return the fact of the saga's own state, with the store's word for it."""
    raw = case.saga.raw_state
    told = f" (the store says {raw})" if raw is not None and raw.lower() != case.state.value else ""
    return status(case, f"the saga is {case.state.value.replace('_', ' ')}{told}")


def step_status(case: Case, step: Step, *, supports: bool = True) -> Evidence:
    """Return the fact of one step's status, with the store's word for it."""
    raw = step.raw_status
    told = f" (the store says {raw})" if raw is not None and raw.lower() != step.status.value else ""
    derived = ", concluded from other columns" if step.derived else ""
    return status(case, f"step {step.name} is {step.status.value.replace('_', ' ')}{told}{derived}", supports=supports)


def time(case: Case, fact: str, at: datetime | None, *, supports: bool = True) -> Evidence:
    """Return a fact read from a time of the row."""
    return Evidence(fact, EvidenceKind.TIME, case.saga.source, supports, at)


def declared(fact: str, *, supports: bool = True) -> Evidence:
    """Return a fact that the configuration says."""
    return Evidence(fact, EvidenceKind.DECLARED, "configuration", supports)


def standstill(case: Case, now: datetime) -> tuple[Evidence, ...]:
    """Return since when nothing has moved, as a time or as an observation; nothing where nobody can tell."""
    if case.progress_at is None or case.progress_from is None:
        return ()
    span = words((now - case.progress_at).total_seconds())
    if case.progress_from == "observation":
        return (
            Evidence(
                f"the row has looked the same for {span}, as far as it was watched",
                EvidenceKind.OBSERVATION,
                "ledger",
                True,
                case.progress_at,
            ),
        )
    return (time(case, f"nothing has moved for {span} ({case.progress_from} is the latest)", case.progress_at),)


def overdue(case: Case, due: Due, now: datetime) -> Evidence:
    """Return the fact that a deadline has passed."""
    late = words((now - due.at).total_seconds())
    source = "configuration" if due.kind is EvidenceKind.DECLARED else case.saga.source
    return Evidence(f"{due.because} passed {late} ago", due.kind, source, True, due.at)


def undone(case: Case, step: Step) -> Evidence:
    """Return the fact that a step's undo has run, with its time where the row tells it."""
    if step.compensated_at is not None:
        return time(case, f"step {step.name} was compensated", step.compensated_at)
    return step_status(case, step)
