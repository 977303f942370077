"""Texts and kinds that the engines' translations share."""

from __future__ import annotations

from typing import Final

from sagadoctor.errors import BackendError, DeadlineExceeded, Lost, TooManyConnections, Unreachable
from sagadoctor.redaction import mask_text

LONGEST_REASON: Final = 300


class CellUnreadable(BackendError):
    """The server itself can't convert some value that the statement asks for."""


def first_line(error: BaseException | str) -> str:
    """Return the first line of an error's text without secrets, cut to a bound."""
    text = " ".join(str(error).split("\n", 1)[0].split())
    return mask_text(text)[:LONGEST_REASON] or type(error).__name__


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


def unreachable(error: BaseException | str, place: str) -> BackendError:
    """Say that no connection could be made, and where to."""
    return Unreachable(f"no connection to {place}: {first_line(error)}")
