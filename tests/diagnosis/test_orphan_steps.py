"""Steps that belong to no saga are told of once, of the store that keeps them."""

from __future__ import annotations

from sagadoctor.diagnosis.examine import store_finding, survey_signs
from sagadoctor.model.finding import EvidenceKind, Severity, Subject
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.survey import OrphanSteps
from sagadoctor.testing.builders import NOW, STORE, policy, survey
from tests.diagnosis.looking import supporting

SOURCE = "orders.public.saga_steps"


def test_row_23_a_step_without_a_saga_is_a_finding() -> None:
    said = survey(orphans=OrphanSteps(SOURCE, 3, 2000, ("s-8", "s-9"), whole=False))
    ((rule, spoken),) = survey_signs(said, policy(), NOW)
    finding = store_finding(said, rule, spoken.sign, NOW)

    assert spoken.saga_ids == ()
    assert (finding.rule, finding.severity, finding.subject) == ("unreadable", Severity.WARNING, Subject.STORE)
    assert (finding.about, finding.store, finding.saga_id, finding.primary) == (STORE, STORE, None, True)
    assert finding.summary.startswith("3 of the first and last 2000 rows of steps belong to no saga")
    assert supporting(finding) == {EvidenceKind.STATUS}
    assert [(fact.source, fact.fact.endswith("they name s-8, s-9")) for fact in finding.evidence] == [(SOURCE, True)]
    assert [(remedy.kind, remedy.advice) for remedy in finding.remedies] == [(RemedyKind.CALL_HUMAN, Advice.ASK)]
    assert "where sagas of another table keep their steps here too" in finding.remedies[0].because


def test_all_rows_and_rows_that_name_nobody_are_said_as_such() -> None:
    ((_, spoken),) = survey_signs(survey(orphans=OrphanSteps(SOURCE, 1, 7)), policy(), NOW)

    assert spoken.sign.summary.startswith("1 of 7 rows")
    assert spoken.sign.evidence[0].fact.endswith("they name none")


def test_steps_that_all_have_their_saga_are_nothing_to_say() -> None:
    assert survey_signs(survey(orphans=OrphanSteps(SOURCE, 0, 7)), policy(), NOW) == ()
    assert survey_signs(survey(), policy(), NOW) == ()
