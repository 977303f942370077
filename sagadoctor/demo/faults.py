"""What can go wrong, as data; the parts of the company ask here whether it strikes them now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Strikes one business key and one topic (None: any), within a time, so many times (None: always)."""

    reference: str | None = None
    topic: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    times: int | None = 1

    def concerns(self, reference: str | None, topic: str | None, now: datetime) -> bool:
        """Say whether it is meant for this message at this moment."""
        return (
            self.reference in (None, reference)
            and self.topic in (None, topic)
            and (self.since is None or self.since <= now)
            and (self.until is None or now < self.until)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverAnswers(Fault):
    """The participant takes the command, does nothing and says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostReply(Fault):
    """The participant does the work, and its reply never arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateReply(Fault):
    """The participant does the work at once, and its reply takes longer than usual by `by`."""

    by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateReply(Fault):
    """The broker delivers the reply once more, `after` the first time."""

    after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowWork(Fault):
    """The work takes `takes` instead of its usual time; nothing is wrong with it."""

    takes: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerThrows(Fault):
    """The participant's handler raises `error`, at every attempt unless `times` says otherwise."""

    error: str
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateCommand(Fault):
    """The relay dies between publishing a command and marking it sent, and comes back `after` that."""

    after: timedelta


class Moment(StrEnum):
    """Where a process of an orchestrator may die: each is after one save, and before what should follow it."""

    NEXT_STEP = "before the next step is saved"
    UNDO = "before the undo is saved"
    PUBLISH = "before the publish"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashBetweenSaveAndPublish(Fault):
    """The orchestrator's process dies at `moment`, when `topic` should come next; it forgets what it did."""

    moment: Moment = Moment.PUBLISH


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewedClock(Fault):
    """The instance that works on this saga has a clock that is ahead by `by`."""

    by: timedelta
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedRelay(Fault):
    """The outbox's relay is down from `since` to `until` (None: for good)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedTimeoutChecker(Fault):
    """The timeout checker of a saga type is down from `since` to `until`, and forgets every timer it held."""

    saga_type: str


AnyFault = TypeVar("AnyFault", bound=Fault)


class Faults:
    """All faults of a world, each of which is spent after its number of times."""

    def __init__(self) -> None:
        """Begin with a company in which nothing goes wrong."""
        self._faults: list[Fault] = []
        self._strikes: Counter[int] = Counter()

    def add(self, fault: Fault, reference: str | None = None) -> None:
        """Let the fault be, meant for `reference` when one is given."""
        self._faults.append(fault if reference is None else replace(fault, reference=reference))

    def strike(
        self,
        kind: type[AnyFault],
        reference: str | None,
        topic: str | None,
        now: datetime,
        meant: Callable[[AnyFault], bool] = lambda _: True,
    ) -> AnyFault | None:
        """Return the fault of this kind that strikes now, and count it; None when all is well."""
        for number, fault in enumerate(self._faults):
            if not isinstance(fault, kind) or not fault.concerns(reference, topic, now) or not meant(fault):
                continue
            if fault.times is None or self._strikes[number] < fault.times:
                self._strikes[number] += 1
                return fault
        return None
