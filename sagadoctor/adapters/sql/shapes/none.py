"""`none`: the store tells no steps."""

from __future__ import annotations

from typing import Any

from sagadoctor.api.v1 import Step

from ..mapping.step_words import StepWords
from .port import About, Around, InRowSteps
from .reading import Odd


class UnknownSteps(InRowSteps):
    """Says of every saga that its steps are not known."""

    def __init__(self, words: StepWords | None = None, around: Around | None = None) -> None:
        """Need nothing."""
        del words, around

    def steps(self, row: Any, about: About, odd: Odd) -> tuple[Step, ...] | None:
        """Return None: not known."""
        del row, about, odd
        return None
