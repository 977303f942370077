"""Command lines to paste: a shell gives back the same words, ids never pass for options, and every verb exists."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagadoctor.cli.main import program
from sagadoctor.export.command_line import (
    VERBS,
    acknowledge_command,
    address,
    quoted,
    remedy_command,
    scan_group_command,
    show_command,
)
from sagadoctor.model.finding import Subject
from sagadoctor.model.remedy import Advice, Remedy, RemedyKind
from sagadoctor.untrusted import is_inert

from .made import ODD_TEXTS, a_finding, named

FINDING_ID = "f-0123456789abcdef"


def words_of(*lines: str) -> list[list[str]]:
    """Let a shell read each line and say which words it makes of it; one shell for all of them."""
    script = "".join(f"set -- {line}\nprintf '%s\\0' \"$@\"\nprintf '\\001'\n" for line in lines)
    done = subprocess.run(["sh"], input=script.encode("utf-8", "surrogateescape"), capture_output=True, check=True)
    assert done.stderr == b""
    told = done.stdout.decode("utf-8", "surrogateescape").split("\x01")[:-1]
    return [each.split("\0")[:-1] for each in told]


PASTEABLE = st.lists(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\x01"), max_size=30), min_size=1, max_size=5
)


@settings(max_examples=10, deadline=None)
@given(st.lists(PASTEABLE, min_size=20, max_size=20))
def test_a_shell_reads_back_the_same_words(lists: list[list[str]]) -> None:
    assert words_of(*(quoted(*words) for words in lists)) == lists


def test_a_shell_reads_back_odd_ids() -> None:
    findings = [named(text) for text in ODD_TEXTS]
    lines = [show_command(finding, "--config", "/a b/c'd.toml") for finding in findings]
    for finding, words in zip(findings, words_of(*lines), strict=True):
        assert words[:4] == ["sagadoctor", "--config", "/a b/c'd.toml", "show"]
        assert words[-2] == "--"
        assert words[-1] in (finding.saga_id, finding.id)


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_what_is_printed_is_inert_and_short(text: str) -> None:
    for line in (show_command(named(text)), acknowledge_command(named(text))):
        assert is_inert(line)
        assert len(line) < 1200


def test_an_id_that_begins_with_a_dash_is_no_option() -> None:
    assert show_command(a_finding(saga_id="-rf")) == "sagadoctor show --store orders -- -rf"


def test_the_store_is_named_for_an_id_may_be_in_two() -> None:
    assert show_command(a_finding(saga_id="7", store="a b")) == "sagadoctor show --store 'a b' -- 7"


@pytest.mark.parametrize("saga_id", ["a\nb", "\x1b[31m", "a\u202eb", "\udc80", "", "   ", None, "x" * 501, "\u200b"])
def test_what_cannot_be_pasted_is_addressed_by_its_finding(saga_id: str | None) -> None:
    finding = a_finding(saga_id=saga_id)
    assert address(finding) == FINDING_ID
    assert show_command(finding) == f"sagadoctor show -- {FINDING_ID}"


def test_a_plain_terminal_gets_the_findings_id_for_what_it_cannot_draw() -> None:
    finding = a_finding(saga_id="bestellung-é")
    assert address(finding) == "bestellung-é"
    assert address(finding, plain=True) == FINDING_ID
    assert show_command(finding, plain=True) == f"sagadoctor show -- {FINDING_ID}"
    assert address(a_finding(saga_id="plain"), plain=True) == "plain"


def test_a_finding_about_a_store_is_addressed_by_its_own_id() -> None:
    assert address(a_finding(subject=Subject.STORE)) == FINDING_ID


def test_acknowledging_names_the_finding() -> None:
    line = acknowledge_command(a_finding(), "2h", "--env", "prod")
    assert line == f"sagadoctor --env prod ack --until 2h -- {FINDING_ID}"


def test_a_cause_is_looked_at_by_its_group() -> None:
    assert scan_group_command("g-0123456789ab") == "sagadoctor scan --group g-0123456789ab"


@pytest.mark.parametrize("kind", list(RemedyKind))
def test_no_command_is_printed_for_a_verb_that_does_not_exist(kind: RemedyKind) -> None:
    app = program()
    verbs = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    line = remedy_command(a_finding(), Remedy(kind, Advice.ASK, "why", "step"))
    if kind in VERBS:
        assert VERBS[kind] in verbs
        assert line is not None
        assert VERBS[kind] in line
    else:
        assert line is None


def test_every_printed_verb_exists() -> None:
    app = program()
    verbs = {command.name for command in app.registered_commands}
    lines = (show_command(a_finding()), acknowledge_command(a_finding()), scan_group_command("g-1"))
    assert {line.split()[1] for line in lines} <= verbs
