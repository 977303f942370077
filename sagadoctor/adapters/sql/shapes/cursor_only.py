"""`cursor_only`: nothing but the current step; the steps before it, as [sagas] has them, are done."""

from __future__ import annotations

from typing import Any

from sagadoctor.api.v1 import ENDED, SagaState, Step, StepStatus

from ..mapping.shapes.cursor_only import CursorOnly
from .numbered import Place
from .port import About, Around, InRowSteps
from .reading import Odd


class CursorSteps(InRowSteps):
    """Concludes from the cursor of a live saga; that of an ended one means nothing."""

    def __init__(self, words: CursorOnly, around: Around) -> None:
        """Find the cursor."""
        del words
        self._policy = around.policy
        self._place = Place(around.cursor, around, around.policy)
        if not self._place.is_mapped and around.cursor is None:
            around.source.missing.note('the shape "cursor_only" needs saga.current_step')

    def steps(self, row: Any, about: About, odd: Odd) -> tuple[Step, ...] | None:
        """Return the steps of [sagas]; None where there are none, or the cursor doesn't say which one is out."""
        if about.state in ENDED:
            return None
        names = [step.name for step in self._policy.of(about.saga_type).steps]
        reached = self._place.of(row, names, odd) if names else None
        if reached is None or reached > len(names):
            return None
        if not reached and about.state is SagaState.COMPENSATING:
            return None  # whether the first step is undone last, or failed before anything was done, no cursor tells
        return tuple(
            Step(
                name=name,
                index=place,
                status=StepStatus.COMPLETED if place < reached else StepStatus.PENDING,
                derived=True,
            )
            for place, name in enumerate(names)
        )
