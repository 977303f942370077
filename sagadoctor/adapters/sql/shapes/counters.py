"""`counters`: how many steps are done, and how many of those are undone again, the last ones first."""

from __future__ import annotations

from typing import Any

from sagadoctor.api.v1 import Step, StepStatus

from ..cells import DETAIL_BOUND, ERROR_BOUND
from ..fields import number_reader, text_reader
from ..mapping.shapes.counters import Counters
from .numbered import Members
from .port import About, Around, InRowSteps
from .reading import MOST_STEPS, Odd
from .row_cells import cell_of


class CountedSteps(InRowSteps):
    """Counts off the steps of [sagas], or as many nameless ones as the row says that there are."""

    def __init__(self, words: Counters, around: Around) -> None:
        """Find and select the columns."""
        self._policy = around.policy
        self._done = cell_of(around, words.done, number_reader(words.done))
        self._undone = cell_of(around, words.undone, number_reader(words.undone)) if words.undone is not None else None
        self._total = cell_of(around, words.total, number_reader(words.total)) if words.total is not None else None
        self._failed = Members(words.failed, around)
        most = DETAIL_BOUND if around.detail else ERROR_BOUND
        self._error = cell_of(around, words.error, text_reader(words.error), most) if words.error is not None else None

    def steps(self, row: Any, about: About, odd: Odd) -> tuple[Step, ...] | None:
        """Return the steps; None where nothing says how many are done."""
        done = self._done.value(row, "steps", odd) if self._done is not None else None
        if done is None:
            return None
        undone = (self._undone.value(row, "steps", odd) if self._undone is not None else None) or 0
        total = self._total.value(row, "steps", odd) if self._total is not None else None
        names = [step.name for step in self._policy.of(about.saga_type).steps]
        failed = self._failed.places(row, names, "steps", odd)
        count = total if total is not None else max(len(names), done, *(place + 1 for place in failed), 0)
        if not 0 <= done <= count or not 0 <= undone <= done or count > MOST_STEPS:
            odd.say("steps", f"{undone} undone of {done} done of {count}", "counts that can't be")
            return None
        error = self._error.value(row, "steps", odd) if self._error is not None else None
        return tuple(
            Step(
                name=names[place] if place < len(names) else f"step {place + 1}",
                index=place,
                status=_status(place, done, undone, is_failed=place in failed),
                error=error if place in failed else None,
                derived=True,
            )
            for place in range(count)
        )


def _status(place: int, done: int, undone: int, *, is_failed: bool) -> StepStatus:
    if place < done:
        return StepStatus.COMPENSATED if place >= done - undone else StepStatus.COMPLETED
    return StepStatus.FAILED if is_failed else StepStatus.PENDING
