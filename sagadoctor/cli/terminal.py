"""What the terminal can show: width, colour, glyphs; and the only place that writes to it."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, TextIO

import msgspec

from sagadoctor.model.finding import Severity
from sagadoctor.model.remedy import Advice
from sagadoctor.model.saga import StepStatus
from sagadoctor.untrusted import ascii_only

_COLOURS: Final[Mapping[str, str]] = {
    "critical": "1;38;5;202",
    "warning": "38;5;214",
    "info": "38;5;75",
    "good": "38;5;36",
    "dim": "2",
    "bold": "1",
}

SEVERITY_GLYPH: Final = {
    Severity.CRITICAL: ("✖", "x"),
    Severity.WARNING: ("▲", "!"),
    Severity.INFO: ("i", "i"),
}
STEP_GLYPH: Final = {
    StepStatus.PENDING: ("·", "."),
    StepStatus.EXECUTING: ("▸", ">"),
    StepStatus.COMPLETED: ("✔", "+"),
    StepStatus.FAILED: ("✖", "x"),
    StepStatus.TIMED_OUT: ("T", "T"),
    StepStatus.SKIPPED: ("○", "o"),
    StepStatus.COMPENSATING: ("↺", "~"),
    StepStatus.COMPENSATED: ("◂", "<"),
    StepStatus.COMPENSATION_FAILED: ("‼", "X"),
    StepStatus.UNKNOWN: ("?", "?"),
}
ADVICE_COLOUR: Final = {
    Advice.SAFE: "good",
    Advice.ASK: "warning",
    Advice.WAIT: "info",
    Advice.REFUSE: "critical",
}


class Terminal(msgspec.Struct, frozen=True):
    """Where talk and data go, and how they may look."""

    out: TextIO
    talk: TextIO
    colour: bool
    ascii: bool
    width: int
    quiet: bool = False
    verbose: bool = False

    def paint(self, text: str, name: str) -> str:
        """Return the text in a colour, where colours are wanted; never colour alone carries a meaning."""
        return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if self.colour else text

    def glyph(self, pair: tuple[str, str]) -> str:
        """Return the glyph that this terminal can draw."""
        return pair[1] if self.ascii else pair[0]

    def line(self, text: str = "") -> None:
        """Write one line of data."""
        self.out.write(self._fit(text) + "\n")

    def wrapped(self, text: str, lead: str, *, head: str = "", colour: str = "", hang: int = 0) -> None:
        """Write text in as many lines as it needs, cut at spaces only; `head`, its first words, in a colour.

        All lines after the first one are indented as far as `lead`, and `hang` more.
        """
        lines = textwrap.wrap(
            head + text,
            self.width,
            initial_indent=lead,
            subsequent_indent=" " * (len(lead) + hang),
            break_on_hyphens=False,
            break_long_words=False,
        )
        if head and lines:
            lines[0] = lead + self.paint(head, colour) + lines[0][len(lead) + len(head) :]
        for line in lines:
            self.line(line)

    def flowing(self, parts: Sequence[str], lead: str, colour: str) -> None:
        """Write parts side by side with a dot between them, none of them cut."""
        line = ""
        for part in parts:
            if line and len(lead) + len(line) + 3 + len(part) > self.width:
                self.line(lead + self.paint(line, colour))
                line = ""
            line += f" · {part}" if line else part
        self.line(lead + self.paint(line, colour))

    def say(self, text: str) -> None:
        """Write one line of talk, unless the person asked for quiet."""
        if not self.quiet:
            self.complain(text)

    def complain(self, text: str) -> None:
        """Write one line of talk that quiet doesn't silence; talk that can't be written stops nothing."""
        with suppress(OSError):
            self.talk.write(self._fit(text) + "\n")
            self.talk.flush()

    def ask(self, text: str) -> None:
        """Write the words before an answer, without an end of line."""
        self.talk.write(self._fit(text))
        self.talk.flush()

    def _fit(self, text: str) -> str:
        if not self.ascii or text.isascii():
            return text
        plain = (
            text.replace("…", "...")
            .replace("─", "-")
            .replace("·", "-")
            .replace("→", "->")
            .replace("«", "<")
            .replace("»", ">")
        )
        return plain if plain.isascii() else "".join(c if c.isascii() else ascii_only(c) for c in plain)


def open_terminal(*, colour: str = "auto", plain: bool = False, quiet: bool = False, verbose: bool = False) -> Terminal:
    """Look at stdout and the environment: NO_COLOR, FORCE_COLOR, TERM=dumb, and whether the locale is UTF-8."""
    out, talk = sys.stdout, sys.stderr
    tty = out.isatty() and os.environ.get("TERM") != "dumb"
    wanted = colour == "always" or (
        colour == "auto" and not os.environ.get("NO_COLOR") and (tty or bool(os.environ.get("FORCE_COLOR")))
    )
    width = shutil.get_terminal_size((100, 24)).columns
    return Terminal(
        out=out,
        talk=talk,
        colour=wanted,
        ascii=plain or not _is_utf8(out),
        width=max(40, min(width, 200)),
        quiet=quiet,
        verbose=verbose,
    )


def _is_utf8(out: TextIO) -> bool:
    """Say whether the locale is one of UTF-8: in the C locale Python writes UTF-8 by itself, whoever reads it."""
    encoding = (getattr(out, "encoding", "") or "").lower().replace("-", "")
    chosen_by_python = bool(sys.flags.utf8_mode) and os.environ.get("PYTHONUTF8") != "1"
    return encoding == "utf8" and not chosen_by_python
