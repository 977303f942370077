"""A second process that ends the program when code of a plugin keeps the interpreter for itself, or kills it.

Nothing within a process can stop a C function that never gives the interpreter back. So before the first code of a
plugin that isn't our own is loaded, the program divides: the child goes on as the program, and the parent waits for
it. It passes signals on, leaves with the child's code, and where the child doesn't end in time, or dies, it says so and
leaves with 3. Programs without such plugins stay one process, and pay nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

_GRACE: Final = 6.0
"""Seconds that the program gets beyond its time: to leave its backends behind and to print what it has."""
_LONG: Final = 10 * 365 * 86_400.0
_PASSED_ON: Final = (signal.SIGINT, signal.SIGTERM)
_HEARD: Final = frozenset((*_PASSED_ON, signal.SIGCHLD))
_PR_SET_PDEATHSIG: Final = 1
_SAYS_ITSELF: Final = (130,)

_pipe: int | None = None
"""In the child: where its exit code is told."""


def divide(timeout: float | None, failed: Callable[[str], int]) -> None:
    """Return in the child, once; the parent never returns. `failed` says why nothing came, and gives the code for it.

    `timeout` is what the command is given, in seconds; None for no end. Where the system lacks the calls for it, the
    program stays one process.
    """
    global _pipe  # noqa: PLW0603 - there is one process, and it divides once
    if _pipe is not None or not hasattr(signal, "sigtimedwait"):
        return
    told, tell = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    child = os.fork()
    if child == 0:
        os.close(told)
        _pipe = tell
        _die_with_parent()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    os.close(tell)
    _wait(child, told, timeout, failed)


def _die_with_parent() -> None:
    """Ask the system to kill the child with its parent: whoever kills the one by its number means the program."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def report(code: int) -> None:
    """Tell the waiting parent, where there is one, with which code the program ends."""
    if _pipe is not None:
        with suppress(OSError):
            os.write(_pipe, bytes((code & 0xFF,)))


def _wait(child: int, told: int, seconds: float | None, failed: Callable[[str], int]) -> NoReturn:
    ends = time.monotonic() + _LONG if seconds is None else time.monotonic() + seconds + _GRACE
    status: int | None = None
    while status is None:
        left = ends - time.monotonic()
        if left <= 0:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            _leave(failed(f"not finished {_GRACE:g} s after its {seconds:g} s were over: a plugin blocks the program"))
        heard = signal.sigtimedwait(_HEARD, left)
        if heard is not None and heard.si_signo in _PASSED_ON and heard.si_code <= 0:
            os.kill(child, heard.si_signo)  # those of a terminal go to both anyway
        ended, code = os.waitpid(child, os.WNOHANG)
        status = code if ended else None
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        _leave(failed(f"the program died of {name}, probably in a plugin"))
    said = os.read(told, 1) if _has_word(told) else b""
    if not said and os.WEXITSTATUS(status) not in _SAYS_ITSELF:
        _leave(failed("a plugin ended the program from within; what was not told is not known"))
    _leave(os.WEXITSTATUS(status))


def _has_word(told: int) -> bool:
    import select

    return bool(select.select([told], [], [], 0)[0])


def _leave(code: int) -> NoReturn:
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(code)
