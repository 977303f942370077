"""What a plugin proposes for a database that nobody has mapped: drafts of a configuration, and what it looked for."""

from __future__ import annotations

from typing import Any

import msgspec

from .deadline import Deadline
from .ports import StoreContext


class Inquiry(msgspec.Struct, frozen=True):
    """What a person asks of a database; `tables` and `schema` narrow it, `password` is never kept."""

    url: str
    context: StoreContext
    deadline: Deadline
    password: str | None = msgspec.field(default=None)
    schema: str | None = None
    tables: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Say what is asked, without the password."""
        return f"Inquiry(tables={self.tables!r}, schema={self.schema!r})"


class Setting(msgspec.Struct, frozen=True):
    """One key of a draft with its value, and above it the lines that say why.

    `said` is False for a line that a person has to decide about: it is written as a comment.
    """

    key: str
    value: Any
    why: tuple[str, ...] = ()
    said: bool = True


class Section(msgspec.Struct, frozen=True):
    """One table of a store's part of the configuration: `("saga",)` for `[stores.NAME.saga]`, `()` for the store's own.

    One that is not `said` is written as comments, for a person to decide about. The path of one that lies `outside`
    is that of the whole file: `("sagas", "Order")` for `[sagas.Order]`.
    """

    path: tuple[str, ...]
    settings: tuple[Setting, ...]
    why: tuple[str, ...] = ()
    said: bool = True
    outside: bool = False


class Choice(msgspec.Struct, frozen=True):
    """One answer: the value that is written, and what it means."""

    value: str
    meaning: str


class Question(msgspec.Struct, frozen=True):
    """What only a person knows: which key it decides, and what is written as long as nobody answers."""

    section: tuple[str, ...]
    key: tuple[str, ...]
    text: str
    choices: tuple[Choice, ...]
    unanswered: str


class Draft(msgspec.Struct, frozen=True):
    """A proposed store: its sections in order, what they were concluded from, and what a person has to add."""

    name: str
    place: str
    sections: tuple[Section, ...]
    preset: str | None = None
    why: tuple[str, ...] = ()
    todo: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


class NearMiss(msgspec.Struct, frozen=True):
    """A table that came near, and what it lacks."""

    place: str
    lacks: tuple[str, ...]


class Proposal(msgspec.Struct, frozen=True):
    """What came of a look: drafts, the likeliest first; tables seen; what was looked for and what came nearest."""

    drafts: tuple[Draft, ...]
    product: str
    url: str
    tables: int = 0
    looked_for: tuple[str, ...] = ()
    nearest: tuple[NearMiss, ...] = ()
    notes: tuple[str, ...] = ()
