"""Reading the command line: global options anywhere, mistakes as one sentence, and never a traceback."""

from __future__ import annotations

import re

import pytest
import typer

from sagadoctor.__main__ import parted
from sagadoctor.cli.main import program
from sagadoctor.errors import UsageError

from .conftest import Company
from .running import Home

LATER = (
    "compensate",
    "retry-step",
    "deliver-reply",
    "fail-step",
    "close-saga",
    "republish",
    "flows",
    "resolve",
    "dlq",
    "requeue-dlq",
    "journal",
    "metrics",
    "watch",
    "report",
)
VERBS = (
    (),
    ("scan",),
    ("show",),
    ("check",),
    ("ack",),
    ("init",),
    ("demo",),
    ("config",),
    ("config", "validate"),
    ("plugins",),
)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("scan --config a", "--config a scan"),
        ("scan -o json --config=a -q", "--config=a -q scan -o json"),
        ("config show --env prod", "--env prod config show"),
        ("show -v --timeout 5s -- --config x", "-v --timeout 5s show -- --config x"),
        ("-q scan --ascii --read-only --color never", "-q --ascii --read-only --color never scan"),
        ("scan -qv", "-qv scan"),
        ("scan --version", "--version scan"),
        ("scan --log-file f --quiet --verbose", "--log-file f --quiet --verbose scan"),
        ("scan --config --env", "--config --env scan"),
        ("scan --as -- -q", "scan --as -- -q"),
        ("", ""),
    ],
)
def test_global_options_may_stand_anywhere_before_the_dashes(given: str, read: str) -> None:
    front, rest = parted(given.split())
    assert [*front, *rest] == read.split()


@pytest.mark.parametrize("option", ["--config", "--env", "--timeout", "--color", "--log-file"])
def test_an_option_without_its_value_is_named(option: str, bare: Home) -> None:
    with pytest.raises(UsageError, match=option):
        parted(["scan", option])


MISTAKES = [
    (["nonsense"], "nonsense"),
    (["scan", "--nonsense"], "--nonsense"),
    (["scan", "-o", "xml"], "one of table, json"),
    (["scan", "--fail-on", "bad"], "one of critical"),
    (["scan", "--limit", "0"], "--limit"),
    (["scan", "--limit", "many"], "--limit"),
    (["scan", "--since", "24"], "--since"),
    (["scan", "--since", "yesterday"], "--since"),
    (["scan", "--older-than", "-5m"], "--older-than"),
    (["scan", "--as-of", "noon"], "--as-of"),
    (["scan", "--as-of", "0001-01-01T00:00:00+14:00"], "--as-of"),
    (["scan", "--from", "/nowhere/ids"], "--from"),
    (["scan", "--rule", "compensation-stuk"], "did you mean compensation-stuck?"),
    (["scan", "--rule", "xyz"], "there are: unreadable"),
    (["scan", "--timeout", "soon"], "soon"),
    (["scan", "--timeout", "0s"], "0s"),
    (["scan", "--timeout", "0"], "--timeout: out of range"),
    (["scan", "--as", ""], "--as: a name is not empty"),
    (["scan", "--timeout"], "--timeout needs a value"),
    (["scan", "--color", "red"], "auto, always, never"),
    (["scan", "extra"], "extra"),
    (["show"], "say which saga: its id, a finding's (f-...), or --key KEY"),
    (["show", "a", "--key", "b"], "not both"),
    (["show", "a", "b"], "b"),
    (["scan", "--config", ""], "--config: an empty name is no file"),
    (["scan", "--config="], "--config: an empty name is no file"),
    (["scan", "--log-file", ""], "--log-file: an empty name is no file"),
    (["demo", "--folder", ""], "--folder: an empty name is no folder"),
    (["scan", "--from", ""], "--from: an empty name is no file"),
    (["scan", "--from", "/nowhere/ids"], "/nowhere/ids: no such file; a file with a saga id a line is wanted"),
    (["scan", "--from", "/"], "/: this is a folder; a file with a saga id a line is wanted"),
    (["scan", "--config", "a\x1b[31m"], r"a\e[31m: no such file"),
    (["ack", "f-0123456789abcdef", "--until", "tomorrow"], "or say until when, such as 2026-11-20T03:00:00Z"),
    (["show", "a", "-o", "csv"], "table or json"),
    (["check", "-o", "yaml"], "table or json"),
    (["ack"], "finding ids, or --group"),
    (["ack", "f-0123456789abcdef"], "--until 2h"),
    (["ack", "f-0123456789abcdef", "--until", "later"], "--until"),
    (["ack", "f-123", "--until", "2h"], "16 hex digits"),
    (["ack", "7d1c", "--until", "2h"], "16 hex digits"),
    (["ack", "--group", "f-0123456789abcdef", "--until", "2h"], "12 hex digits"),
    (["config"], "Usage: sagadoctor config"),
    (["plugins"], "Usage: sagadoctor plugins"),
    (["scan", "--config", "/nowhere/x.toml"], "/nowhere/x.toml: no such file"),
    (["scan", "--env", "../../etc"], "not a name of an environment"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_a_mistake_is_one_sentence_and_two(bare: Home, words: list[str], said: str) -> None:
    done = bare.call(*words)
    assert done.code == 2
    assert done.out == b""
    assert said in done.said
    assert "Traceback" not in done.said
    assert done.said.startswith(("sagadoctor: ", "Usage: "))


def test_the_rules_are_listed_once_each(bare: Home) -> None:
    listed = bare.call("scan", "--rule", "xyz").said.partition("there are: ")[2].splitlines()[0].split(", ")
    assert "no-progress" in listed
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    "words", [["-o", "nagios", "--nonsense"], ["-onagios", "--nonsense"], ["--output=nagios"], ["--output", "nagios"]]
)
def test_to_nagios_a_typo_or_a_missing_file_is_unknown(bare: Home, words: list[str]) -> None:
    done = bare.call("scan", *words)
    assert done.code == 3
    assert done.text.startswith("SAGAS UNKNOWN - ")
    assert done.text.count("\n") == 1
    assert "|" not in done.text


def test_without_a_configuration_every_place_that_was_tried_is_named(bare: Home) -> None:
    done = bare.run("scan")
    assert done.code == 2
    assert f"{bare.folder}/config/sagadoctor/config.toml" in done.said
    assert "/etc/sagadoctor/config.toml" in done.said


def test_without_a_verb_there_is_help_and_two(bare: Home) -> None:
    for run, environ in ((bare.run, {"TERM": "dumb"}), (bare.call, {"TERM": ""}), (bare.call, {"CI": "true"})):
        done = run(environ=environ)
        assert done.code == 2
        assert done.out == b""
        assert "Usage: sagadoctor" in done.said
        assert "`sagadoctor scan` looks at everything once" in done.said


def test_without_a_verb_a_terminal_gets_the_same(bare: Home) -> None:
    done = bare.on_terminal()
    assert done.code == 2
    assert "Usage: sagadoctor" in done.text


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_help_is_for_every_verb_in_plain_ascii_within_80_columns(bare: Home, verb: tuple[str, ...]) -> None:
    done = bare.call(*verb, "--help", environ={"COLUMNS": "80"})
    assert done.code == 0
    assert done.said == ""
    assert done.text.isascii()
    assert max(map(len, done.text.splitlines())) <= 80
    assert "Traceback" not in done.text
    listed = re.findall(r"^  (\S+)  ", done.text, re.MULTILINE)
    assert not set(listed) & set(LATER)
    for option in ("--execute", "--override", "--plan", "--confirm"):
        assert option not in done.text


def test_help_says_what_the_exit_codes_mean(bare: Home) -> None:
    text = bare.call("--help").text
    for code in ("0", "1", "2", "3", "130"):
        assert re.search(rf"\b{code}\s", text[text.index("Exit codes") :])


@pytest.mark.parametrize("words", [["--version"], ["scan", "--version"], ["-q", "--version"]])
def test_the_version(bare: Home, words: list[str]) -> None:
    from sagadoctor import __version__

    done = bare.run(*words)
    assert (done.code, done.text, done.said) == (0, f"sagadoctor {__version__}\n", "")


def test_variables_stand_for_options_and_options_win(company: Company) -> None:
    home = Home(company.home.folder)
    moment = ("--as-of", company.now.isoformat())
    given = {"SAGADOCTOR_CONFIG": str(company.home.config), "SAGADOCTOR_ASCII": "1", "SAGADOCTOR_COLOR": "always"}
    done = home.call("scan", *moment, environ=given)
    assert done.code == 1
    assert done.text.isascii()
    assert "\x1b[" in done.text
    assert "Look closer: sagadoctor show --store" in done.text
    assert "\x1b[" not in home.call("scan", *moment, "--color", "never", environ=given).text
    nonsense = home.call("scan", environ={"SAGADOCTOR_TIMEOUT": "soon", "SAGADOCTOR_COLOR": "red"})
    assert (nonsense.code, nonsense.out) == (2, b"")
    assert "SAGADOCTOR_TIMEOUT" in nonsense.said
    assert "SAGADOCTOR_COLOR" in nonsense.said


@pytest.mark.parametrize("verb", LATER)
def test_verbs_of_later_versions_are_not_there(bare: Home, verb: str) -> None:
    done = bare.call(verb)
    assert done.code == 2
    assert f"no such command '{verb}'" in done.said


@pytest.mark.parametrize("verb", ["scan", "plugins"])
def test_one_verb_alone_is_the_same_as_among_all(verb: str) -> None:
    def told(program: typer.Typer) -> list[str]:
        made = typer.main.get_group(program)
        command = made.commands[verb]
        return [command.get_short_help_str(200), *(parameter.opts[0] for parameter in command.params)]

    alone = program((), (verb, "--help"))
    assert told(alone) == told(program())
    assert set(typer.main.get_group(alone).commands) == {verb}
