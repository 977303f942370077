"""`cursor_only`: nothing but the current step.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Literal

from ..step_words import StepWords


class CursorOnly(StepWords):
    """`cursor_only`: the saga's current_step, and the steps of [sagas]."""

    shape: Literal["cursor_only"]
