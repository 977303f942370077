"""`sagadoctor scan` on whole stores: what is found, in which format, and with which exit code."""

from __future__ import annotations

from .conftest import Company
from .running import Done


def test_every_sick_saga_is_named_with_what_was_really_done_to_it(company: Company, scanned: Done) -> None:
    primary = {each["saga_id"]: each["rule"] for each in scanned.document["findings"] if each["primary"]}
    truths = {truth.saga_id: truth.rule for truth in company.truths if truth.rule is not None}
    assert primary == truths
