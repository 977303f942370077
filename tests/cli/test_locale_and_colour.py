"""The same report wherever it is read: without UTF-8, without colours, on a terminal, in a pipe."""

from __future__ import annotations

import re

import pytest

from .conftest import Opened
from .drawn import COLOUR
from .running import Home
from .stores import stuck

NO_UTF8 = [
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX"},
    {"LC_ALL": "", "LANG": "C"},
    {"LC_ALL": "", "LANG": ""},
    {"PYTHONIOENCODING": "iso-8859-1"},
    {"PYTHONIOENCODING": "ascii:strict"},
]


@pytest.fixture
def home(opened: Opened) -> Home:
    return opened(stuck("bestellung-é"), stuck("漢字"))


@pytest.mark.parametrize("environ", NO_UTF8, ids=str)
def test_without_utf8_everything_is_ascii(home: Home, environ: dict[str, str]) -> None:
    done = home.run("scan", environ=environ)
    assert done.code == 1
    assert done.out.isascii()
    assert done.text.startswith("x critical compensation-stuck")
    assert "bestellung-\\u00e9" in done.text


@pytest.mark.parametrize("words", [("show", "--key", "A-漢字"), ("scan", "-o", "markdown"), ("check",), ("--help",)])
def test_without_utf8_every_page_is_ascii(home: Home, words: tuple[str, ...]) -> None:
    done = home.run(*words, environ={"PYTHONIOENCODING": "ascii:strict"})
    assert done.code in (0, 1)
    assert done.out.isascii()
    assert done.err.isascii()


def test_without_utf8_complaints_are_ascii(home: Home) -> None:
    done = home.run("show", "fehlt-é", environ={"PYTHONIOENCODING": "ascii:strict"})
    assert done.code == 1
    assert done.err == b"no saga fehlt-\\u00e9 in orders\n"


def test_with_utf8_there_are_glyphs(home: Home) -> None:
    for environ in ({"LC_ALL": "C.UTF-8"}, {"LC_ALL": "C", "PYTHONUTF8": "1"}):
        done = home.run("scan", environ=environ)
        assert done.text.startswith("✖ critical compensation-stuck")
        assert "bestellung-é" in done.text


def test_the_command_for_an_id_that_cannot_be_drawn_works_when_pasted(home: Home) -> None:
    done = home.call("scan", "--ascii")
    told = re.search(r"Look closer: sagadoctor (.*)", done.text)
    assert told
    words = told[1].split()
    assert words[-1].startswith("f-")
    shown = Home(home.folder).call(*words)
    assert shown.code == 0
    assert "compensation-stuck" in shown.text


@pytest.mark.parametrize(
    ("environ", "words", "coloured"),
    [
        ({}, (), True),
        ({"NO_COLOR": "1"}, (), False),
        ({"TERM": "dumb"}, (), False),
        ({}, ("--color", "never"), False),
        ({"NO_COLOR": "1"}, ("--color", "always"), True),
    ],
)
def test_colours_on_a_terminal(home: Home, environ: dict[str, str], words: tuple[str, ...], coloured: bool) -> None:
    done = home.on_terminal("scan", *words, environ=environ)
    assert done.code == 1
    assert bool(COLOUR.search(done.text)) is coloured
    assert "critical compensation-stuck" in COLOUR.sub("", done.text)


@pytest.mark.parametrize("output", ["json", "ndjson", "csv", "markdown", "nagios"])
def test_what_machines_read_has_no_colours(home: Home, output: str) -> None:
    assert "\x1b" not in home.call("scan", "-o", output, "--color", "always").text


def test_colours_in_a_pipe_only_when_asked(home: Home) -> None:
    assert "\x1b" not in home.call("scan").text
    assert "\x1b" in home.call("scan", environ={"FORCE_COLOR": "1"}).text
    assert "\x1b" in home.call("--color", "always", "scan").text


def test_a_page_fits_a_narrow_and_a_wide_terminal(home: Home) -> None:
    for width in (40, 80, 200):
        page = COLOUR.sub("", home.on_terminal("scan", width=width).text)
        for line in page.splitlines():
            assert len(line) <= width or line.startswith("Look closer: ")
