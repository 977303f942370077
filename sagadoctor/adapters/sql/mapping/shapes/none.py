"""`none`: the store tells no steps.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Literal

from ..step_words import StepWords


class NoSteps(StepWords):
    """`none`: the store tells no steps."""

    shape: Literal["none"]
