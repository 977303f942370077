"""`counters`: how many steps are done and undone.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Literal

from ..columns import MaybeNumber, MaybeText, Number
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
