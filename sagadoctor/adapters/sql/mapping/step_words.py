"""What every shape of steps may say: fields, words for a status, and how a saga goes on.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictStr, model_validator

from ..words import step_status
from .columns import (
    DoubledFrom,
    Identifier,
    MaybeNumber,
    MaybeText,
    MaybeTime,
    PathText,
    PatternText,
    Short,
    Words,
    wrong_at,
)


def _checked_status(word: str) -> str:
    step_status(word)
    return word


StatusWord = Annotated[StrictStr, AfterValidator(_checked_status)]


class StatusWords(Words):
    """A step's status: a column's words, or "failed where an error is set"."""

    column: Identifier | None = None
    path: PathText | None = None
    pattern: PatternText | None = None
    values: dict[str, StatusWord] = Field(default_factory=dict)
    const: StatusWord | None = None
    failed_if_set: Identifier | None = None
    otherwise: StatusWord = "completed"


MaybeStatus = Annotated[StatusWords | None, Short()]


class StepFields(Words):
    """What a step's row or object tells."""

    name: MaybeText = None
    status: MaybeStatus = None
    action: MaybeText = None
    compensation: MaybeText = None
    result: MaybeText = None
    error: MaybeText = None
    started_at: MaybeTime = None
    executed_at: MaybeTime = None
    compensated_at: MaybeTime = None
    timeout_at: MaybeTime = None
    attempts: MaybeNumber = None
    next_attempt_at: MaybeTime = None
    at: MaybeTime = None
    """When the row was written: what its word says began or ended then."""

    @model_validator(mode="after")
    def _are_told_by_the_step(self) -> "StepFields":
        for name in self.model_fields_set:
            spec = getattr(self, name)
            if getattr(spec, "from_", None) is not None:
                raise wrong_at(self, 'a time of the step; `from = "steps"` is for times of the saga', name)
        if self.attempts is not None and isinstance(self.attempts.base, DoubledFrom):
            raise wrong_at(self, "of a step, base is a number; a column is for the saga's own attempts", "attempts")
        return self


class StepWords(Words):
    """What every shape may say."""

    shape: str
    direction: Literal["by_name"] | None = None
    """`by_name`: a step that is named like another one's compensation is that one's undo."""
    status: StatusWords | None = None
    ignore: tuple[StrictStr, ...] = ()
    waiting: tuple[StrictStr, ...] = ()
    """Names of steps that are no work: while such a one is out, the saga rests."""
    undoes_failed: StrictBool = False
    """The engine undoes the step that failed as well, and that one first."""
    current: Literal["next", "told"] | None = None
    """`next`: in a live saga with no open step the next one is the one that is out; None: as the shape has it."""
    name: MaybeText = None
