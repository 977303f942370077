"""Why a saga is not flagged, and when it would be if nothing moved from now on."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Finding, Severity
from sagadoctor.model.policy import SagaPolicy

from .anatomy import next_attempt
from .deadlines import JUST_BEGUN, after, step_due
from .examine import examine

_AFTER = timedelta(seconds=1)


class Prognosis(msgspec.Struct, frozen=True):
    """The first moment at which a finding of warning or worse would hold, and that finding; None: never."""

    late_at: datetime | None
    finding: Finding | None


def prognosis(case: Case, policy: SagaPolicy, now: datetime) -> Prognosis:
    """Return when this case would be flagged: every threshold tried in turn, the rules themselves being asked."""
    for moment in sorted(_moments(case, policy, now)):
        for finding in examine(case, policy, after(moment, _AFTER)):
            if finding.severity is not Severity.INFO:
                return Prognosis(moment, finding)
    return Prognosis(None, None)


def _moments(case: Case, policy: SagaPolicy, now: datetime) -> set[datetime]:
    limits = policy.thresholds
    spans = [limits.no_progress, limits.compensation, limits.max_wait, limits.outbox]
    spans += [span for step in policy.steps for span in (step.timeout, step.max_wait) if span is not None]
    moments: list[datetime] = []
    if case.progress_at is not None:
        moments += [after(case.progress_at, span) for span in spans]
    for step in case.steps or ():
        due = step_due(case, step, policy)
        if due is not None:
            moments.append(due.at)
    if case.saga.deadline is not None:
        moments.append(case.saga.deadline)
    if case.steps is not None and not case.steps:
        began = case.saga.created_at or case.progress_at
        moments += [after(began, JUST_BEGUN)] if began is not None else []
    again = next_attempt(case)
    if again is not None:
        moments.append(after(again[0], limits.wake_up))
    if case.tries is not None:
        moments.append(after(case.tries.since, limits.no_progress))
    owner = case.saga.owner
    if owner is not None and owner.lease_until is not None:
        moments.append(after(owner.lease_until, limits.lease_grace))
    moments += [after(entry.created_at, limits.outbox) for entry in case.saga.outbox if entry.created_at is not None]
    moments += [
        after(reply.at, span)
        for reply in case.saga.replies
        if reply.at is not None
        for span in (limits.outbox, limits.no_progress, limits.compensation)
    ]
    return {moment for moment in moments if moment >= now}
