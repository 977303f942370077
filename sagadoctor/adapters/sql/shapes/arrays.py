"""`arrays`: columns of the saga's row that list steps, by number or by name."""

from __future__ import annotations

from typing import Any

from sagadoctor.api.v1 import Step, StepStatus

from ..cells import DETAIL_BOUND, ERROR_BOUND
from ..fields import number_reader, text_reader
from ..mapping.shapes.arrays import Arrays
from .numbered import Members, Place
from .port import About, Around, InRowSteps
from .reading import MOST_STEPS, Odd
from .row_cells import cell_of


class ListedSteps(InRowSteps):
    """Reads which steps are done, failed and undone; without a list of those done, the cursor says how far it came."""

    def __init__(self, words: Arrays, around: Around) -> None:
        """Find and select the columns."""
        self._policy = around.policy
        self._total = cell_of(around, words.total, number_reader(words.total)) if words.total is not None else None
        self._done, self._failed = Members(words.done, around), Members(words.failed, around)
        self._compensated = Members(words.compensated, around)
        self._place = Place(around.cursor, around, around.policy)
        most = DETAIL_BOUND if around.detail else ERROR_BOUND
        self._error = cell_of(around, words.error, text_reader(words.error), most) if words.error is not None else None

    def steps(self, row: Any, about: About, odd: Odd) -> tuple[Step, ...] | None:
        """Return the steps; None where nothing says how many there are."""
        names = [step.name for step in self._policy.of(about.saga_type).steps]
        done = self._done.places(row, names, "steps", odd)
        failed = self._failed.places(row, names, "steps", odd)
        undone = self._compensated.places(row, names, "steps", odd)
        total = self._total.value(row, "steps", odd) if self._total is not None else None
        known = max((place + 1 for place in (*done, *failed, *undone)), default=0)
        count = total if total is not None else max(len(names), known)
        if not self._done.is_mapped:
            reached = self._place.of(row, names, odd)
            done = list(range(min(reached if reached is not None else 0, count)))
        if count < known or count > MOST_STEPS:
            odd.say("steps", f"step {known} of {count}", "a step beyond the last one")
            return None
        if not count:
            return None
        error = self._error.value(row, "steps", odd) if self._error is not None else None
        return tuple(
            Step(
                name=names[place] if place < len(names) else f"step {place + 1}",
                index=place,
                status=_status(place, done, failed, undone),
                error=error if place in failed else None,
                derived=True,
            )
            for place in range(count)
        )


def _status(place: int, done: list[int], failed: list[int], undone: list[int]) -> StepStatus:
    if place in undone:
        return StepStatus.COMPENSATED
    if place in failed:
        return StepStatus.FAILED
    return StepStatus.COMPLETED if place in done else StepStatus.PENDING
