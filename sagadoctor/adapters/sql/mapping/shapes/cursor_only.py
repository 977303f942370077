"""`cursor_only`: nothing but the current step.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Literal

from pydantic import StrictBool

from ..step_words import StepWords


class CursorOnly(StepWords):
    """`cursor_only`: the saga's current_step, and the steps of [sagas]."""

    shape: Literal["cursor_only"]
    goes_back: StrictBool | None = None
    """While a saga is being undone, its cursor names the step whose undo is out (true), or stays where it failed."""
