"""What the terminal is taken for: colours, glyphs and width by what the environment says."""

from __future__ import annotations

import io
import itertools
import os
import pty
from typing import Any

import pytest

from sagadoctor.cli import terminal as looked_at
from sagadoctor.cli.scan import reader_of
from sagadoctor.cli.terminal import SEVERITY_GLYPH, STEP_GLYPH, Terminal, open_terminal
from sagadoctor.model.finding import Severity
from sagadoctor.model.saga import StepStatus

from .conftest import Opened
from .drawn import terminal
from .stores import stuck


class Screen(io.TextIOWrapper):
    """A stream that says whether it is a terminal, and which encoding it has."""

    def __init__(self, *, tty: bool, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what opens a terminal in an environment of these variables only."""
    before = dict(os.environ)

    def look(
        *, tty: bool = True, encoding: str = "utf-8", given: dict[str, Any] | None = None, **environ: str
    ) -> Terminal:
        for name in before:
            monkeypatch.delenv(name, raising=False)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(looked_at.sys, "stdout", Screen(tty=tty, encoding=encoding))
        return open_terminal(**(given or {}))

    return look


ALWAYS, NEVER = {"colour": "always"}, {"colour": "never"}


@pytest.mark.parametrize(
    ("tty", "environ", "given", "coloured"),
    [
        (True, {}, {}, True),
        (False, {}, {}, False),
        (True, {"NO_COLOR": "1"}, {}, False),
        (True, {"NO_COLOR": ""}, {}, True),
        (True, {"TERM": "dumb"}, {}, False),
        (False, {"FORCE_COLOR": "1"}, {}, True),
        (True, {"FORCE_COLOR": "1", "TERM": "dumb"}, {}, True),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, {}, False),
        (True, {"NO_COLOR": "1"}, ALWAYS, True),
        (False, {"TERM": "dumb"}, ALWAYS, True),
        (True, {"FORCE_COLOR": "1"}, NEVER, False),
        (True, {}, NEVER, False),
    ],
)
def test_colours(see: Any, tty: bool, environ: dict[str, str], given: dict[str, Any], coloured: bool) -> None:
    assert see(tty=tty, given=given, **environ).colour is coloured


@pytest.mark.parametrize(
    ("encoding", "given", "ascii_only"),
    [
        ("utf-8", {}, False),
        ("UTF-8", {}, False),
        ("iso-8859-1", {}, True),
        ("ascii", {}, True),
        ("cp1252", {}, True),
        ("utf-8", {"plain": True}, True),
    ],
)
def test_glyphs(see: Any, encoding: str, given: dict[str, Any], ascii_only: bool) -> None:
    assert see(encoding=encoding, given=given, PYTHONUTF8="1").ascii is ascii_only  # whatever locale the tests run in


@pytest.mark.parametrize(("columns", "width"), [("20", 40), ("40", 40), ("80", 80), ("500", 200)])
def test_width(see: Any, columns: str, width: int) -> None:
    assert see(COLUMNS=columns).width == width


def test_every_state_has_a_glyph_of_its_own_in_both_alphabets() -> None:
    for glyphs, words in ((STEP_GLYPH, StepStatus), (SEVERITY_GLYPH, Severity)):
        assert set(glyphs) == set(words)  # type: ignore[arg-type]
        for alphabet in (0, 1):
            drawn = [pair[alphabet] for pair in glyphs.values()]
            assert len(set(drawn)) == len(drawn)
        assert all(pair[1].isascii() for pair in glyphs.values())


def test_quiet_silences_notes_and_not_complaints() -> None:
    on = terminal(quiet=True)
    on.say("a note")
    on.complain("trouble")
    assert on.talk.getvalue() == "trouble\n"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["critical", "warning", "info", "good", "dim", "bold"])
def test_a_colour_is_always_ended(name: str) -> None:
    painted = terminal(colour=True).paint("text", name)
    assert painted.startswith("\x1b[")
    assert painted.endswith("text\x1b[0m")
    assert terminal().paint("text", name) == "text"


def test_a_reader_is_cron_only_where_no_stream_is_a_terminal() -> None:
    class Stream(io.StringIO):
        def __init__(self, tty: bool) -> None:
            super().__init__()
            self.tty = tty

        def isatty(self) -> bool:
            return self.tty

    for ttys in itertools.product((True, False), repeat=3):
        assert reader_of(*map(Stream, ttys)) == ("terminal" if any(ttys) else "cron")
    assert reader_of(None, None, None) == "cron"
    closed = io.StringIO()
    closed.close()
    assert reader_of(closed) == "cron"


def test_a_piped_scan_of_a_person_leaves_the_news_to_cron(opened: Opened) -> None:
    home = opened(stuck("s"))
    leader, follower = pty.openpty()
    process = home.begin("scan", "--fail-on", "never", stderr=follower)
    os.close(follower)
    assert process.stdout is not None
    process.stdout.read()
    assert process.wait(timeout=60) == 0
    os.close(leader)
    assert home.run("scan", "--new-only").code == 1
    again = home.run("scan", "--new-only")
    assert again.code == 0
    assert "nothing new" in again.text
