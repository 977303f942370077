"""`cursor_only`: nothing but the current step; the steps before it, as [sagas] has them, are done."""

from __future__ import annotations

from typing import Any

from sagadoctor.api.v1 import ENDED, SagaState, Step, StepStatus

from ..mapping.shapes.cursor_only import CursorOnly
from .numbered import Place
from .port import About, Around, InRowSteps
from .reading import Odd


class CursorSteps(InRowSteps):
    """Concludes from the cursor of a live saga; that of an ended one means nothing.

    Of one that is being undone it means something only where the mapping says whether it goes back with the undos:
    taken for the place where the saga failed, one that came back to the first step would say that nothing was done.
    """

    def __init__(self, words: CursorOnly, around: Around) -> None:
        """Find the cursor."""
        self._goes_back = words.goes_back
        self._policy = around.policy
        self._place = Place(around.cursor, around, around.policy)
        if not self._place.is_mapped and around.cursor is None:
            around.source.missing.note('the shape "cursor_only" needs saga.current_step')

    def steps(self, row: Any, about: About, odd: Odd) -> tuple[Step, ...] | None:
        """Return the steps of [sagas]; None where there are none, or the cursor doesn't say which one is out."""
        undone = about.state is SagaState.COMPENSATING
        if about.state in ENDED or (undone and self._goes_back is None):
            return None
        names = [step.name for step in self._policy.of(about.saga_type).steps]
        reached = self._place.of(row, names, odd) if names else None
        if reached is None or reached > len(names):
            return None
        here = StepStatus.COMPENSATING if undone and self._goes_back else StepStatus.PENDING
        return tuple(
            Step(name=name, index=place, status=_status(place, reached, here), derived=True)
            for place, name in enumerate(names)
        )


def _status(place: int, reached: int, here: StepStatus) -> StepStatus:
    """Return a step's status: what comes after the cursor was never begun or is undone, so nothing of it stands."""
    if place == reached:
        return here
    return StepStatus.COMPLETED if place < reached else StepStatus.PENDING
