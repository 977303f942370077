"""What was seen when: how a store without times gets an `unchanged since`, and how often a saga was tried before."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Observation(msgspec.Struct, frozen=True, gc=False):
    """The row had this fingerprint from `since` (first seen so) until `seen_at` (last look)."""

    fingerprint: str
    since: datetime
    seen_at: datetime
    first_look: bool = False
    """Nobody had looked at this row before: `since` says nothing about how long it has stood still."""


class Trial(msgspec.Struct, frozen=True, gc=False):
    """A saga tells that it was tried `count` times; `mark` is the same while step, error and what was reached are."""

    saga_id: str
    mark: str
    count: int


class Tries(msgspec.Struct, frozen=True, gc=False):
    """The count was `first` when the mark was first seen, at `since`, and `latest` at the last look, at `seen_at`.

    Whoever looked in between saw the same mark, and never a smaller count than before.
    """

    mark: str
    since: datetime
    first: int
    latest: int
    seen_at: datetime

    @classmethod
    def begun(cls, trial: Trial, now: datetime) -> Tries:
        """Return what is known of a trial that nobody saw before."""
        return cls(trial.mark, now, trial.count, trial.count, now)

    def then(self, trial: Trial, now: datetime) -> Tries:
        """Return what is known after one more look: all begins anew with another mark, or a count that fell."""
        if trial.mark != self.mark or trial.count < self.latest:
            return Tries.begun(trial, now)
        return Tries(self.mark, min(self.since, now), self.first, trial.count, now)
