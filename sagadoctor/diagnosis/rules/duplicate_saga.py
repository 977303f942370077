"""duplicate-saga: two live sagas of one type work on one business key."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.finding import Evidence, EvidenceKind, Severity
from sagadoctor.model.policy import Policy
from sagadoctor.model.survey import SharedKey, Survey

from .. import treatments
from ..sign import Sign, SurveyRule, SurveySign


def _sign(shared: SharedKey, survey: Survey) -> SurveySign:
    listed = ", ".join(shared.saga_ids)
    more = f" and {shared.count - len(shared.saga_ids)} more" if shared.count > len(shared.saga_ids) else ""
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
