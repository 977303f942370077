"""A store without times is told of once, and judged from the second scan on."""

from __future__ import annotations

from sagadoctor.diagnosis.examine import store_finding, survey_signs
from sagadoctor.model.finding import EvidenceKind, Severity, Subject
from sagadoctor.model.remedy import RemedyKind
from sagadoctor.testing.builders import NOW, STORE, ahead, policy, survey
from tests.diagnosis.looking import supporting

FIRST = survey(has_times=False, first_scan=True)


def test_the_first_scan_says_that_it_was_the_first() -> None:
    ((rule, spoken),) = survey_signs(FIRST, policy(), NOW)
    finding = store_finding(FIRST, rule, spoken.sign, NOW)

    assert spoken.saga_ids == ()
    assert (finding.rule, finding.severity, finding.subject) == ("no-progress", Severity.INFO, Subject.STORE)
    assert (finding.about, finding.store, finding.saga_id, finding.primary) == (STORE, STORE, None, True)
    assert "first seen now" in finding.summary
    assert supporting(finding) == {EvidenceKind.DECLARED}
    assert [remedy.kind for remedy in finding.remedies] == [RemedyKind.WAIT]


def test_its_id_does_not_change_with_time() -> None:
    ((rule, spoken),) = survey_signs(FIRST, policy(), NOW)

    ids = {store_finding(FIRST, rule, spoken.sign, now).id for now in (NOW, ahead(hours=1))}

    assert len(ids) == 1


def test_later_scans_and_stores_with_times_say_nothing() -> None:
    assert survey_signs(survey(has_times=False), policy(), NOW) == ()
    assert survey_signs(survey(first_scan=True), policy(), NOW) == ()
