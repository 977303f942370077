"""`none`: the store tells no steps."""

from __future__ import annotations

from typing import Any

from sagadoctor.api.v1 import Step

from .reading import Odd


class UnknownSteps:
    """Says of every saga that its steps are not known."""

    in_row = True
    has_times = False

    def steps(self, row: Any, odd: Odd) -> tuple[Step, ...] | None:
        """Return None: not known."""
        del row, odd
        return None
