"""Exit codes, in one place."""

from __future__ import annotations

from enum import IntEnum

from sagadoctor.model.finding import Severity
from sagadoctor.model.report import ReportEnd


class Exit(IntEnum):
    """What the program's end says; precedence 130 > 2 > 5 > 4 > 1 > 3 > 0."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    REFUSED = 4
    UNKNOWN_OUTCOME = 5
    INTERRUPTED = 130


class Nagios(IntEnum):
    """The codes of the Nagios plugin rules, used by `-o nagios` alone."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def of_scan(end: ReportEnd, fail_on: Severity | None) -> Exit:
    """Return the code of a scan: findings at `fail_on` that nobody acknowledged, else whether all was seen."""
    worst = end.worst_unacknowledged
    if fail_on is not None and worst is not None and worst.weight >= fail_on.weight:
        return Exit.FINDINGS
    return Exit.OK if end.complete else Exit.INCOMPLETE


def of_nagios(end: ReportEnd) -> Nagios:
    """Return the worst state that nobody acknowledged; what could not be seen is UNKNOWN unless worse is known."""
    if end.worst_unacknowledged is Severity.CRITICAL:
        return Nagios.CRITICAL
    if end.worst_unacknowledged is Severity.WARNING:
        return Nagios.WARNING
    return Nagios.OK if end.complete else Nagios.UNKNOWN
