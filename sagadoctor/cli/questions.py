"""Asking a person at a terminal, and never anybody else: a question without one is not asked, and nothing waits."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sagadoctor.errors import ConfigError, UsageError
from sagadoctor.untrusted import sentence

from .terminal import Terminal

if TYPE_CHECKING:
    from sagadoctor.api.proposal import Question

_TRIES = 3


def is_asked() -> bool:
    """Say whether there is somebody to ask: both where questions are read and where answers come from."""
    try:
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    except ValueError:  # one of them was closed
        return False


def choose(terminal: Terminal, question: Question, about: str) -> str | None:
    """Return the value that a person chooses by its number or word; None where nobody is there, or nothing is said."""
    if not is_asked():
        return None
    terminal.complain(f"\n{about}: {sentence(question.text)}")
    for number, each in enumerate(question.choices, 1):
        terminal.complain(f"  {number} {each.value}: {each.meaning}")
    words = [each.value for each in question.choices]
    for _ in range(_TRIES):
        said = _line(terminal, f"1-{len(words)}, or nothing to decide later: ")
        if said is None or not said:
            return None
        if said in words:
            return said
        if said.isdigit() and 1 <= int(said) <= len(words):
            return words[int(said) - 1]
        terminal.complain("that is none of them")
    return None


def _line(terminal: Terminal, prompt: str) -> str | None:
    terminal.ask(prompt)
    said = sys.stdin.readline()
    return said.strip() if said else None


class Password:
    """A password on its way to the database, and where the configuration says that it is kept."""

    def __init__(self, value: str | None, place: dict[str, Any] | None, *, may_ask: bool) -> None:
        """Keep it in memory; it goes nowhere else."""
        self.value = value
        self.typed_as: str | None = None
        """The variable that has to hold it from now on, where a person typed it."""
        self._place = place
        self._may_ask = may_ask

    @classmethod
    def said(cls, env: str | None, file: str | None, *, may_ask: bool) -> Password:
        """Return the password that the options lead to; raises UsageError or ConfigError where they lead nowhere."""
        if env is None and file is None:
            return cls(None, None, may_ask=may_ask)
        if env is not None and file is not None:
            raise UsageError("--password-env and --password-file both say where the password is; give one of them")
        from sagadoctor.api.options import Secret
        from sagadoctor.config.secrets import fetched

        place = {"env": env} if env is not None else {"file": os.path.abspath(os.path.expanduser(file or ""))}
        found = fetched(Secret(**place), Path.cwd(), os.environ)
        if not isinstance(found, str):
            raise ConfigError([found])
        return cls(found, place, may_ask=may_ask)

    def ask(self, terminal: Terminal, why: str) -> bool:
        """Ask for it without showing it; False where nobody is there or nothing is said."""
        if not self._may_ask or not is_asked():
            return False
        import getpass

        terminal.complain(why)
        self.value = getpass.getpass("Password (not kept): ", stream=sys.stderr) or None
        return self.value is not None

    def place(self, store: str) -> dict[str, Any] | None:
        """Return where the configuration says that it is kept; of a typed one, a variable that a person sets."""
        if self._place is None and self.value is not None:
            letters = "".join(char if char.isascii() and char.isalnum() else "_" for char in store.upper())
            self.typed_as = f"{letters}_PASSWORD" if not letters[:1].isdigit() else f"DB_{letters}_PASSWORD"
            self._place = {"env": self.typed_as}
        return self._place

    @contextmanager
    def known(self) -> Iterator[None]:
        """Let this process alone find a typed password where the configuration says that it will be."""
        if self.typed_as is None or self.value is None:
            yield
            return
        before = os.environ.get(self.typed_as)
        os.environ[self.typed_as] = self.value
        try:
            yield
        finally:
            if before is None:
                del os.environ[self.typed_as]
            else:
                os.environ[self.typed_as] = before
