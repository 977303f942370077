"""Texts and kinds that the engines' translations share."""

from __future__ import annotations

from typing import Final

from sagadoctor.errors import AccessDenied, BackendError, DeadlineExceeded, Lost, TooManyConnections, Unreachable
from sagadoctor.redaction import clipped, mask_text

LONGEST_REASON: Final = 300


class CellUnreadable(BackendError):
    """The server itself can't convert some value that the statement asks for."""


def first_line(error: BaseException | str) -> str:
    """Return the first line of an error's text without secrets, cut to a bound."""
    text = " ".join(str(error).split("\n", 1)[0].split())
    return clipped(mask_text(text), LONGEST_REASON) or type(error).__name__


def statement_timeout() -> BackendError:
    """Say that the server ended a statement after its own limit."""
    return DeadlineExceeded(
        "the server ended a statement that took longer than statement_timeout",
        hint="an index may be missing (see `sagadoctor check`), or raise statement_timeout",
    )


def too_many(error: BaseException) -> BackendError:
    """Say that the server has no connection left."""
    return TooManyConnections(first_line(error), hint="we don't insist; free a connection or try again later")


def lost(error: BaseException | str) -> BackendError:
    """Say that the connection broke."""
    return Lost(f"the connection broke: {first_line(error)}")


def changed() -> BackendError:
    """Say that a file was written while we read it as one that nobody writes."""
    return Lost("the database was written while it was read", hint="look again in a moment")


def would_write(text: str) -> BackendError:
    """Say that what was to be read writes, which the server refuses to a reader."""
    return AccessDenied(
        f"to read this, the server would have to write, and we are read-only: {text}",
        hint="a view of the mapping calls a function that writes; map the table behind it, or a view that only reads",
    )


def unreachable(error: BaseException | str, place: str) -> BackendError:
    """Say that no connection could be made, and where to."""
    return Unreachable(f"no connection to {place}: {first_line(error)}")
