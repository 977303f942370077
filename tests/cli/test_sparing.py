"""A command line's few options made, or all of them: the verb can't tell, and neither can a person."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from itertools import chain
from typing import Any

import pytest
import typer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sagadoctor.__main__ import _refusal, parted
from sagadoctor.cli import main
from sagadoctor.cli.sparing import _words_of, sparing
from sagadoctor.errors import UsageError

PLAIN = ("scan", "show", "check", "ack", "demo")
VALUES = ("", "-", "--", "json", "3", "-3", "0", "x y", "--nope", "-x", "-qv", "-ojson", "--help", "-h", "f-1", "=")

_UNREAD = ("context", "version")

Called = list[tuple[str, dict[str, Any]]]


def commands() -> dict[str, Any]:
    made = typer.main.get_group(main.program())
    return {"": made, **{verb: made.commands[verb] for verb in PLAIN}}


def spelt(command: Any) -> set[str]:
    own = {word for each in command.params if each.param_type_name == "option" for word in each.opts}
    return own - {"--help", "--install-completion", "--show-completion"}


WORDS = {verb: sorted(spelt(command)) for verb, command in commands().items()}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Called:
    """Let the verbs and the global options only say what they were called with."""
    calls: Called = []

    def quiet(name: str, function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def told(**given: Any) -> None:
            bound = inspect.signature(function).bind(**given)
            bound.apply_defaults()
            # `version` has done its work in its callback, and nobody reads it.
            calls.append((name, {key: value for key, value in bound.arguments.items() if key not in _UNREAD}))

        return told

    monkeypatch.setattr(main, "start", quiet("", main.start))
    for verb in PLAIN:
        module = importlib.import_module(f"sagadoctor.cli.{verb}")
        monkeypatch.setattr(module, verb, quiet(verb, getattr(module, verb)))
    return calls


def outcome(called: Called, program: typer.Typer, words: Sequence[str]) -> tuple[Called, object, str]:
    """Return what was called with what, how it ended, and what was printed."""
    called.clear()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            end: object = program(args=list(words), prog_name="sagadoctor", standalone_mode=False)
        except typer.TyperException as error:
            end = _refusal(error)
        except SystemExit as left:
            end = left.code
    return list(called), end, said.getvalue()


def lines(verb: str) -> st.SearchStrategy[list[str]]:
    options = st.sampled_from([*WORDS[verb], *WORDS[""]])
    values = st.sampled_from(VALUES) | st.text(max_size=4)
    word = options | values | st.builds("{}={}".format, options, values) | st.builds("{}{}".format, options, values)
    pair = st.builds(lambda option, value: [option, value], options, values)
    return st.lists(pair | word.map(lambda each: [each]), max_size=6).map(lambda each: list(chain(*each)))


@pytest.mark.parametrize("verb", PLAIN)
def test_a_verb_gets_the_same_from_its_few_options_as_from_all(verb: str, called: Called) -> None:
    @settings(max_examples=150, deadline=None)
    @given(words=lines(verb))
    @example(words=[])
    @example(words=["-o", "ndjson", "--config", "a", "--timeout=10m"])
    @example(words=["--store", "--type", "--nope"])
    @example(words=["--limit", "0"])
    @example(words=["--deep=yes"])
    def same(words: list[str]) -> None:
        try:
            front, rest = parted([verb, *words])
        except UsageError:
            return
        sparse = outcome(called, main.program(front, rest), front + rest)
        assert sparse == outcome(called, main.program(), front + rest)

    same()


@pytest.mark.parametrize("verb", ["", *PLAIN])
def test_every_option_is_known_by_the_words_that_the_parser_knows(verb: str) -> None:
    assert set(spelt_by_sparing(verb)) == set(WORDS[verb])


def spelt_by_sparing(verb: str) -> Iterator[str]:
    function = getattr(importlib.import_module(f"sagadoctor.cli.{verb or 'main'}"), verb or "start")
    for parameter in inspect.signature(function).parameters.values():
        yield from _words_of(parameter)


@pytest.mark.parametrize("verb", PLAIN)
def test_no_option_does_anything_where_it_is_absent(verb: str) -> None:
    for command in (commands()[verb], commands()[""]):
        for option in command.params:
            assert option.envvar is None
            assert option.callback is None or option.is_eager, option.name


def test_what_is_absent_is_not_made() -> None:
    made = typer.main.get_group(main.program(["-q"], ["scan", "-o", "json", "--limit=3"]))
    assert [each.name for each in made.params] == ["quiet"]
    assert [each.name for each in made.commands["scan"].params] == ["output", "limit"]


def test_all_is_made_where_a_word_may_be_any_option() -> None:
    for word in ("--help", "--nope", "-x", "--", "-ojson"):
        assert sparing(main.start, [word]) is main.start
