"""Every rule asked, the signs ranked, and each made a finding."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from sagadoctor.ids import finding_id, group_id
from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, Finding, Subject
from sagadoctor.model.policy import Policy, SagaPolicy
from sagadoctor.model.remedy import Advice, Remedy
from sagadoctor.model.saga import SagaState, StepStatus
from sagadoctor.model.survey import Survey

from .anatomy import is_half_compensated
from .fingerprint import fingerprint
from .masking import masked
from .prescribe import forbidden, prescribe
from .rules import RANK, RULES, SURVEY_RULES
from .sign import Rule, Sign, SurveyRule, SurveySign
from .treatments import call_human

_LISTED: Final = 40
_LAST: Final = 10

Told = tuple[SurveyRule, Sign]
"""A survey rule's sign about one saga, to be ranked among the saga's own."""


@lru_cache(maxsize=1024)
def _asked(state: SagaState, statuses: frozenset[StepStatus]) -> tuple[Rule, ...]:
    """Return the rules that may hold, in their order: sagas that look alike are asked the same few questions."""
    return tuple(rule for rule in RULES if rule.may_hold(state, statuses))


def examine(case: Case, policy: SagaPolicy, now: datetime, told: Sequence[Told] = ()) -> tuple[Finding, ...]:
    """Return everything that is wrong with one case, the primary finding first; empty for a healthy saga."""
    signs: list[tuple[Rule | SurveyRule, Sign]] = [
        (rule, sign)
        for rule in _asked(case.state, frozenset(case.by_status))
        if (sign := rule.examine(case, policy, now)) is not None
    ]
    signs += told
    if not signs:
        return ()
    if len(signs) > 1:
        signs.sort(key=lambda pair: (not pair[1].leads, RANK[pair[0].name]))
    half = is_half_compensated(case, policy)
    refusals = (
        *[remedy for _, sign in signs for remedy in sign.treatments if remedy.advice is Advice.REFUSE],
        *forbidden(case, policy),
    )
    return tuple(
        [
            _finding(case, policy, rule, sign, now, refusals, primary=place == 0, half_compensated=half)
            for place, (rule, sign) in enumerate(signs)
        ]
    )


def _finding(
    case: Case,
    policy: SagaPolicy,
    rule: Rule | SurveyRule,
    sign: Sign,
    now: datetime,
    refusals: tuple[Remedy, ...],
    *,
    primary: bool,
    half_compensated: bool,
) -> Finding:
    saga = case.saga
    since = case.progress_at
    step = sign.step.name if sign.step is not None else None
    said = policy.step(step) if step is not None else None
    cause = masked(sign.cause) if sign.cause else ""
    marks = fingerprint(saga) if since is None else None
    return Finding(
        id=finding_id(saga.store, Subject.SAGA, saga.saga_id, rule.name, step, since, marks),
        rule=rule.name,
        severity=sign.severity or rule.severity,
        subject=Subject.SAGA,
        store=saga.store,
        summary=sign.summary,
        evidence=_bounded_evidence(sign.evidence),
        remedies=prescribe(case, sign.evidence, _bounded_treatments(sign.treatments), refusals),
        saga_id=saga.saga_id,
        saga_type=saga.saga_type,
        state=saga.state.value,
        raw_state=saga.raw_state,
        step=step,
        business_key=saga.business_key,
        since=since,
        age_seconds=max(0, int((now - since).total_seconds())) if since is not None else None,
        late_seconds=_seconds(now, sign.due),
        half_compensated=half_compensated,
        group=group_id(rule.name, saga.saga_type, step, cause),
        group_title=_title(rule, saga.saga_type, step, cause),
        primary=primary,
        trace_id=saga.trace_id,
        correlation_id=saga.correlation_id,
        runbook=said.runbook if said is not None else None,
    )


def _bounded_evidence(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return the first facts and the last ones of a saga with very many steps, and how many stand between."""
    if len(evidence) <= _LISTED:
        return evidence
    left_out = evidence[_LISTED - _LAST : -_LAST]
    said = msgspec.structs.replace(left_out[0], fact=f"{len(left_out)} more facts like the ones before were left out")
    return (*evidence[: _LISTED - _LAST], said, *evidence[-_LAST:])


def _bounded_treatments(treatments: tuple[Remedy, ...]) -> tuple[Remedy, ...]:
    if len(treatments) <= _LISTED:
        return treatments
    return (*treatments[:_LISTED], call_human(f"{len(treatments) - _LISTED} more remedies like these were left out"))


def survey_signs(survey: Survey, policy: Policy, now: datetime) -> tuple[tuple[SurveyRule, SurveySign], ...]:
    """Return what the survey rules say about a store's sagas taken together."""
    return tuple((rule, sign) for rule in SURVEY_RULES for sign in rule.examine(survey, policy, now))


def store_finding(survey: Survey, rule: SurveyRule, sign: Sign, now: datetime) -> Finding:
    """Return the finding of a survey sign that is about the store itself."""
    return Finding(
        id=finding_id(survey.store, Subject.STORE, survey.store, rule.name, None, None),
        rule=rule.name,
        severity=sign.severity or rule.severity,
        subject=Subject.STORE,
        store=survey.store,
        summary=sign.summary,
        evidence=sign.evidence,
        remedies=sign.treatments,
        since=now,
        age_seconds=0,
        group=group_id(rule.name, None, None, survey.store),
        group_title=f"{rule.title}: {survey.store}",
        primary=True,
        about=survey.store,
    )


def _seconds(now: datetime, then: datetime | None) -> int | None:
    return None if then is None else int((now - then).total_seconds())


def _title(rule: Rule | SurveyRule, saga_type: str | None, step: str | None, cause: str) -> str:
    where = f"{saga_type or 'sagas'}" + (f" at {step}" if step else "")
    return f"{rule.title}: {where}" + (f": {cause}" if cause else "")
