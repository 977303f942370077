"""`counters`: how many steps are done and undone.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Literal, Self

from pydantic import model_validator

from ..columns import DoubledFrom, MaybeNumber, MaybeText, Number, told_by_columns, wrong_at
from ..step_words import StepWords
from .numbered import MaybeNumbered


class Counters(StepWords):
    """`counters`: how many steps are done, and how many of those, from the last one back, are undone."""

    shape: Literal["counters"]
    done: Number
    undone: MaybeNumber = None
    total: MaybeNumber = None
    failed: MaybeNumbered = None
    error: MaybeText = None

    @model_validator(mode="after")
    def _are_told_by_columns(self) -> Self:
        told_by_columns(self)
        for name in ("done", "undone", "total"):
            spec = getattr(self, name)
            if spec is not None and isinstance(spec.base, DoubledFrom):
                raise wrong_at(self, "base is a number here; a column is for the saga's own attempts", name)
        return self
