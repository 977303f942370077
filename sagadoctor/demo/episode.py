"""One customer's request in the demo's incident: what is asked, what goes wrong, and what that should look like."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from .approvals import Decision
from .faults import Fault
from .world import Order, Transfer

NEVER: Final = Decision(None)
ORDER: Final = Order(reference="")
TRANSFER: Final = Transfer(reference="")
UNSERVED: Final = Order(reference="", carrier="none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One customer's request, and what became of it by the time somebody looks."""

    minutes_ago: float
    asks: Order | Transfer
    what: str
    rule: str | None = None
    with_letters: str | None = None
    step: str | None = None
    decision: Decision | None = None
    faults: tuple[Fault, ...] = ()
    again_after: timedelta | None = None
    """The customer clicks a second time."""


def seconds(number: float) -> timedelta:
    """Return so many seconds."""
    return timedelta(seconds=number)


def minutes(number: float) -> timedelta:
    """Return so many minutes."""
    return timedelta(minutes=number)


def approves(after: float) -> Decision:
    """Return a yes, so many minutes after the question."""
    return Decision(minutes(after))


def rejects(after: float) -> Decision:
    """Return a no, so many minutes after the question."""
    return Decision(minutes(after), approves=False)
