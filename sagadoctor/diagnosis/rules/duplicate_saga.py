"""duplicate-saga: two live sagas of one type work on one business key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sagadoctor.model.finding import Evidence, EvidenceKind, Severity
from sagadoctor.model.policy import Policy
from sagadoctor.model.survey import SharedKey, Survey

from .. import treatments
from ..deadlines import words
from ..sign import Sign, SurveyRule, SurveySign

_FAR_APART: Final = timedelta(days=1)
_NAMED: Final = 10
"""So many sagas are named in the evidence; each of them gets the sign, however many there are."""


def _apart(shared: SharedKey, survey: Survey) -> tuple[Evidence, ...]:
    """Return the fact, against a double click, that the sagas began long after one another."""
    if shared.oldest is None or shared.newest is None or shared.newest - shared.oldest <= _FAR_APART:
        return ()
    span = words((shared.newest - shared.oldest).total_seconds())
    fact = f"they began up to {span} apart: the key may stand for more than one order"
    return (Evidence(fact, EvidenceKind.TIME, survey.source, False, shared.newest),)


def _sign(shared: SharedKey, survey: Survey) -> SurveySign:
    named = shared.saga_ids[:_NAMED]
    listed = ", ".join(named)
    more = f" and {shared.count - len(named)} more" if shared.count > len(named) else ""
    return SurveySign(
        Sign(
            summary=f"{shared.count} live sagas of this type work on {shared.business_key}: it may be done twice",
            evidence=(
                Evidence(
                    f"live sagas with the business key {shared.business_key}: {listed}{more}",
                    EvidenceKind.STATUS,
                    survey.source,
                    True,
                    shared.oldest,
                ),
                *_apart(shared, survey),
            ),
            cause="duplicate",
            treatments=(treatments.call_human("decide which of them is to go on before either is repaired"),),
        ),
        shared.saga_ids,
    )


def examine(survey: Survey, policy: Policy, now: datetime) -> tuple[SurveySign, ...]:
    """Hold for each business key that more than one live saga of a type carries."""
    del policy, now
    return tuple(_sign(shared, survey) for shared in survey.shared_keys if shared.count > 1)


RULE = SurveyRule("duplicate-saga", Severity.WARNING, examine, "sagas that work on one business key")
