"""Exit codes: every row of the contract, and which one wins when several hold."""

from __future__ import annotations

import itertools

import pytest

from sagadoctor.cli.exits import Exit, Nagios, of_nagios, of_scan
from sagadoctor.model.finding import Severity
from tests.export.made import an_end

WORST = (None, *Severity)
WEIGHT = {None: 0, Severity.INFO: 1, Severity.WARNING: 2, Severity.CRITICAL: 3}
LOOKS = list(itertools.product(WORST, (True, False), WORST))


def test_the_codes_are_those_of_the_contract() -> None:
    assert {code.name: code.value for code in Exit} == {
        "OK": 0,
        "FINDINGS": 1,
        "USAGE": 2,
        "INCOMPLETE": 3,
        "REFUSED": 4,
        "UNKNOWN_OUTCOME": 5,
        "INTERRUPTED": 130,
    }
    assert {code.name: code.value for code in Nagios} == {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}


@pytest.mark.parametrize(("worst", "complete", "fail_on"), LOOKS)
def test_findings_win_over_incomplete_and_incomplete_over_nothing(
    worst: Severity | None, complete: bool, fail_on: Severity | None
) -> None:
    found = fail_on is not None and worst is not None and WEIGHT[worst] >= WEIGHT[fail_on]
    expected = 1 if found else 0 if complete else 3
    assert of_scan(an_end(worst_unacknowledged=worst, complete=complete), fail_on) == expected


@pytest.mark.parametrize(("worst", "complete"), list(itertools.product(WORST, (True, False))))
def test_nagios_is_never_ok_about_what_was_not_seen(worst: Severity | None, complete: bool) -> None:
    known = {Severity.CRITICAL: 2, Severity.WARNING: 1}
    expected = known.get(worst, 0 if complete else 3) if worst is not None else (0 if complete else 3)
    assert of_nagios(an_end(worst_unacknowledged=worst, complete=complete)) == expected
