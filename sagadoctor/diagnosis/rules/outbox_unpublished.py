"""outbox-unpublished: the command lies in the outbox table and nobody takes it; resending would send it twice."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Advice, Remedy, RemedyKind
from sagadoctor.model.saga import NOT_ENDED

from .. import facts, treatments
from ..deadlines import after, words
from ..sign import Rule, Sign


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when an unsent outbox row of this live saga is older than the policy's `outbox`."""
    if not case.saga.outbox or not case.saga.is_live:
        return None
    limit = policy.thresholds.outbox
    late = [
        entry
        for entry in case.saga.outbox
        if entry.sent is False and (at := entry.created_at or case.progress_at) is not None and now - at > limit
    ]
    if not late:
        return None
    entry = min(late, key=lambda each: each.created_at or now)
    at = entry.created_at or case.progress_at
    assert at is not None
    step = next((step for step in case.steps or () if step.name == entry.step), case.current)
    named = f" of {entry.step}" if entry.step else ""
    kind = RemedyKind.RESEND_COMPENSATION if case.state.value == "compensating" else RemedyKind.RETRY_STEP
    span = words((now - at).total_seconds())
    return Sign(
        summary=f"the command{named} has lain in the outbox for {span}: the relay stands still",
        evidence=(
            facts.status(case, f"outbox row {entry.entry_id} in {entry.source} is not sent"),
            facts.time(case, f"the row was written {span} ago", at),
            facts.saga_state(case),
            *(
                facts.time(
                    case,
                    f"outbox row {other.entry_id}, written after it, has left: the relay may run and skip this one",
                    other.sent_at or other.created_at,
                    supports=False,
                )
                for other in case.saga.outbox
                if other.sent is True and other.created_at is not None and other.created_at > at
            ),
        ),
        step=step,
        due=after(at, limit),
        cause=entry.source,
        treatments=(
            Remedy(
                RemedyKind.RESTART_RELAY, Advice.ASK, "once the relay runs, the command leaves by itself", entry.step
            ),
            treatments.refuse(kind, "the command is still there: sent by hand it arrives twice", "outbox-unsent", step),
        ),
    )


RULE = Rule("outbox-unpublished", Severity.CRITICAL, examine, "commands that never left the outbox", states=NOT_ENDED)
