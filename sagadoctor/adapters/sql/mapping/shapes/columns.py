"""`columns`: flags or times of each step in the saga's own row.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import field_validator, model_validator

from ..columns import ColumnWords, Identifier, MaybeText, MaybeTime, NoConst, Short, Words, told_by_columns
from ..step_words import StatusWord, StepWords

MOST: Final = 200


class FlagColumn(ColumnWords):
    """A flag or a time: true, non-zero or a time means yes; with `values` it names the step's status."""

    const: NoConst = None
    values: dict[str, StatusWord] | None = None  # type: ignore[assignment]  # words for a status only


MaybeFlag = Annotated[FlagColumn | None, Short()]


class ColumnStep(Words):
    """One step that is told by columns of the saga's own row; what is undone counts before what failed and is done."""

    name: Identifier
    done: MaybeFlag = None
    done_at: MaybeTime = None
    started_at: MaybeTime = None
    undone: MaybeFlag = None
    undone_at: MaybeTime = None
    failed: MaybeFlag = None
    timeout_at: MaybeTime = None
    error: MaybeText = None
    result: MaybeText = None
    action: MaybeText = None
    compensation: MaybeText = None

    @model_validator(mode="after")
    def _is_told(self) -> Self:
        if self.done is None and self.done_at is None:
            raise ValueError(f"say what tells that {self.name} is done: done = … or done_at = …")
        told_by_columns(self)
        return self


class ColumnSteps(StepWords):
    """`columns`: flags or times of each step in the saga's own row."""

    shape: Literal["columns"]
    steps: tuple[ColumnStep, ...]

    @field_validator("steps")
    @classmethod
    def _once(cls, steps: tuple[ColumnStep, ...]) -> tuple[ColumnStep, ...]:
        if not 0 < len(steps) <= MOST:
            raise ValueError(f"say between 1 and {MOST} steps, in their order")
        names = [step.name for step in steps]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two steps of one name: {', '.join(twice)}")
        return steps
