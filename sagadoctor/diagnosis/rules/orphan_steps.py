"""unreadable, said once of a store: steps in a table of their own name a saga that isn't there."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.finding import Evidence, EvidenceKind, Severity
from sagadoctor.model.policy import Policy
from sagadoctor.model.survey import Survey

from .. import treatments
from ..sign import Sign, SurveyRule, SurveySign


def examine(survey: Survey, policy: Policy, now: datetime) -> tuple[SurveySign, ...]:
    """Hold where any step that was looked at belongs to no saga."""
    del policy
    orphans = survey.orphans
    if orphans is None or not orphans.count:
        return ()
    of = f"{orphans.looked_at}" if orphans.whole else f"the first and last {orphans.looked_at}"
    told = f"{orphans.count} of {of} rows of steps belong to no saga of this store"
    named = f"; they name {', '.join(orphans.saga_ids)}" if orphans.saga_ids else "; they name none"
    return (
        SurveySign(
            Sign(
                summary=f"{told}: nobody here would undo them",
                evidence=(
                    Evidence(
                        f"{told}{named}",
                        EvidenceKind.STATUS,
                        orphans.source,
                        True,
                        now,
                    ),
                ),
                treatments=(
                    treatments.call_human(
                        "find out who removed these sagas, or wrote steps without one, and what they did; where sagas "
                        "of another table keep their steps here too, say which are these sagas' own: steps.where"
                    ),
                ),
            )
        ),
    )


RULE = SurveyRule("unreadable", Severity.WARNING, examine, "steps without a saga")
