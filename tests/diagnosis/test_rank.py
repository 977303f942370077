"""The order of the rules, their names, and the words they may use."""

from __future__ import annotations

import pkgutil

from sagadoctor.diagnosis import rules
from sagadoctor.diagnosis.rules import RANK, RULES, SURVEY_RULES
from sagadoctor.model.finding import Severity

PUBLISHED = (
    ("unreadable", "warning"),
    ("clock-skew", "warning"),
    ("forward-while-compensating", "critical"),
    ("concurrent-steps", "critical"),
    ("late-success", "critical"),
    ("undone-past-pivot", "critical"),
    ("false-completion", "critical"),
    ("compensation-failed", "critical"),
    ("half-compensated", "critical"),
    ("dead-lettered", "critical"),
    ("outbox-unpublished", "critical"),
    ("reply-lost", "critical"),
    ("no-consumer", "critical"),
    ("owner-gone", "critical"),
    ("retry-loop", "critical"),
    ("blocked-by", "warning"),
    ("failure-not-handled", "critical"),
    ("nothing-to-compensate", "critical"),
    ("compensation-not-sent", "critical"),
    ("compensation-stuck", "critical"),
    ("wake-up-missed", "critical"),
    ("backlog", "info"),
    ("step-timed-out", "critical"),
    ("no-progress", "warning"),
    ("dirty-timeout", "warning"),
    ("sources-disagree", "warning"),
    ("duplicate-saga", "warning"),
    ("wrong-compensation-order", "warning"),
    ("letter-loop", "critical"),
    ("obsolete-letter", "warning"),
    ("dead-end-route", "warning"),
    ("letter-expiring", "warning"),
    ("orphan-letter", "warning"),
    ("backing-off", "info"),
    ("waiting", "info"),
    ("event-cycle", "critical"),
    ("event-lost", "critical"),
)
"""What users may rely on: every name, its severity, and its rank; a name that isn't built yet keeps its place."""


def test_the_rank_is_the_published_order() -> None:
    published = [name for name, _ in PUBLISHED if name in RANK]

    assert sorted(RANK, key=RANK.__getitem__) == published
    assert len(set(RANK.values())) == len(RANK)


def test_every_rule_has_a_rank_and_a_published_severity() -> None:
    severities = dict(PUBLISHED)
    for rule in RULES:
        assert rule.name in RANK
        assert rule.severity == severities[rule.name]
        assert rule.title
    for survey_rule in SURVEY_RULES:
        assert survey_rule.name in RANK
        assert survey_rule.severity in (severities[survey_rule.name], Severity.INFO)


def test_every_rule_file_is_asked() -> None:
    written = {module.name for module in pkgutil.iter_modules(rules.__path__)}
    asked = {rule.examine.__module__.rpartition(".")[2] for rule in RULES}
    asked |= {rule.examine.__module__.rpartition(".")[2] for rule in SURVEY_RULES}

    assert written == asked


def test_every_rule_file_is_named_like_its_rule() -> None:
    for rule in RULES:
        assert rule.examine.__module__.rpartition(".")[2].replace("_", "-") == rule.name
