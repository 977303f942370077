"""owner-gone: whoever claimed the saga is not alive, and the lease is over."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import NOT_ENDED, SagaState

from .. import facts, treatments
from ..anatomy import asleep, waits_for
from ..deadlines import words
from ..sign import Rule, Sign


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when the owner is known dead with its lease over (or none), or the lease ended long ago and nobody knows."""
    owner = case.saga.owner
    if owner is None or not case.saga.is_live or owner.alive is True:
        return None
    if case.state is SagaState.PAUSED or waits_for(case, policy) is not None or asleep(case, policy, now):
        return None  # a saga that rests needs no owner; whether it is woken in time is for other rules to say
    over = owner.lease_until is not None and now - owner.lease_until > policy.thresholds.lease_grace
    dead = owner.alive is False
    if not over and not (dead and owner.lease_until is None):
        return None
    if case.progress_at is not None and owner.lease_until is not None and case.progress_at > owner.lease_until:
        return None  # it moved after the lease ended: somebody works on it
    evidence: list[Evidence] = []
    if dead:
        evidence.append(facts.status(case, f"owner {owner.name} shows no sign of life"))
    if owner.heartbeat_at is not None:
        span = words((now - owner.heartbeat_at).total_seconds())
        evidence.append(facts.time(case, f"{owner.name} last gave a heartbeat {span} ago", owner.heartbeat_at))
    if owner.lease_until is not None:
        span = words((now - owner.lease_until).total_seconds())
        evidence.append(facts.time(case, f"the lease of {owner.name} ended {span} ago", owner.lease_until))
    if not dead:
        evidence.append(facts.status(case, f"nobody can tell whether {owner.name} is alive", supports=False))
    step = case.current
    proposals = [treatments.call_human("start the owner, or another worker that adopts its sagas", step)]
    proposals += treatments.send_again(case, step, policy, "nobody works on it any more, as far as the store tells")
    return Sign(
        summary=f"{owner.name} had claimed this saga and is gone; nobody else will take it",
        evidence=(*evidence, facts.saga_state(case)),
        step=step,
        due=owner.lease_until,
        cause=owner.name,
        treatments=tuple(proposals),
    )


RULE = Rule("owner-gone", Severity.CRITICAL, examine, "sagas whose owner is gone", states=NOT_ENDED)
