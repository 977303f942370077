"""`arrays`: lists of steps in columns of the saga's own row.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Literal, Self

from pydantic import model_validator

from ..columns import MaybeNumber, MaybeText, told_by_columns
from ..step_words import StepWords
from .numbered import MaybeNumbered


class Arrays(StepWords):
    """`arrays`: lists of steps, by number or by name, in columns of the saga's own row."""

    shape: Literal["arrays"]
    total: MaybeNumber = None
    done: MaybeNumbered = None
    failed: MaybeNumbered = None
    compensated: MaybeNumbered = None
    error: MaybeText = None

    @model_validator(mode="after")
    def _tells_something(self) -> Self:
        if self.done is None and self.failed is None and self.compensated is None:
            raise ValueError("say at least one of done, failed and compensated")
        told_by_columns(self)
        return self
