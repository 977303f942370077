"""Rows that tell of a step's way forward and of its undo: what `op_table` and `log_table` say beside the rows.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Self

from pydantic import Field, model_validator

from ..columns import Condition, Words, told_by_columns
from ..step_words import StatusWord, StatusWords, StepFields
from .rows import RowWords


class Direction(Words):
    """Which rows are of one direction, and what they say otherwise than all rows do."""

    match: Condition = Field(default_factory=dict)
    fields: StepFields = StepFields()
    values: dict[str, StatusWord] = Field(default_factory=dict)


class DirectedRows(RowWords):
    """Rows of two directions; what a direction doesn't say is taken from the keys beside it."""

    fields: StepFields = StepFields()
    values: dict[str, StatusWord] = Field(default_factory=dict)
    forward: Direction | None = None
    undo: Direction | None = None

    @model_validator(mode="after")
    def _are_told_apart(self) -> Self:
        if self.undo is not None and not self.undo.match and (self.forward is None or not self.forward.match):
            raise ValueError('say which rows are an undo: undo = { match = { column = "value" } }')
        for direction in (self.forward, self.undo)[: 1 if self.undo is None else 2]:
            said = fields_of(self, direction)
            told_by_columns(said, below=("fields",))
            if said.name is None and self.name is None:
                raise ValueError("say what names a step in every row: fields.name")
            if said.status is None:
                raise ValueError("say what tells a step's status in every row: fields.status")
        return self


def fields_of(words: DirectedRows, direction: Direction | None) -> StepFields:
    """Return what the rows of one direction tell, and in which words; None stands for rows of no direction."""
    said = direction if direction is not None else Direction()
    own = {name: spec for name in StepFields.model_fields if (spec := getattr(said.fields, name)) is not None}
    fields = words.fields.model_copy(update=own)
    status = fields.status if fields.status is not None else words.status
    if status is not None:
        values = {**words.values, **status.values, **said.values}
        status = StatusWords.model_construct(**{**dict(status), "values": values})
    return fields.model_copy(update={"status": status})
