"""Keeping what a plugin prints away from stdout and stderr: the one is data, and the other isn't sanitised."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

_LOG = logging.getLogger("sagadoctor.plugins")
_LONGEST = 1_000


class _Hushed:
    """A stream that takes what the main thread writes, and only logs what other threads do."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread() is threading.main_thread():
            return self._stream.write(text)
        if isinstance(text, str) and text.strip():
            _LOG.debug("a plugin said: %r", text[:_LONGEST])
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._stream.flush()

    def close(self) -> None:
        """Nobody but the program closes its streams."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def hushed() -> Iterator[None]:
    """Let nobody but the main thread write to stdout and stderr while inside."""
    before = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
    out, talk = (None if stream is None else cast(TextIO, _Hushed(stream)) for stream in before[:2])
    if out is not None and talk is not None:
        sys.stdout, sys.stderr = out, talk
        sys.__stdout__, sys.__stderr__ = out, talk  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        if sys.stdout is out:
            sys.stdout, sys.stderr = before[:2]
            sys.__stdout__, sys.__stderr__ = before[2:]  # type: ignore[misc]
