"""no-progress, said once of a store: it tells no times, so it is judged from the second look on."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.finding import Evidence, EvidenceKind, Severity
from sagadoctor.model.policy import Policy
from sagadoctor.model.survey import Survey

from .. import treatments
from ..sign import Sign, SurveyRule, SurveySign


def examine(survey: Survey, policy: Policy, now: datetime) -> tuple[SurveySign, ...]:
    """Hold at the first scan of a store whose rows don't tell when they changed."""
    del policy
    if survey.has_times or not survey.first_scan:
        return ()
    return (
        SurveySign(
            Sign(
                summary="first seen now: this store tells no times, so what stands still shows from the second scan on",
                evidence=(
                    Evidence(
                        "no column of the mapping tells when a saga last moved",
                        EvidenceKind.DECLARED,
                        survey.source,
                        True,
                        now,
                    ),
                ),
                treatments=(treatments.wait("scan again later; rows that look the same by then have not moved"),),
            )
        ),
    )


RULE = SurveyRule("no-progress", Severity.INFO, examine, "stores that tell no times")
