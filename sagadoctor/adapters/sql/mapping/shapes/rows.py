"""Steps as rows of a table of their own: what `child_table`, `op_table` and `log_table` all say.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Self

from pydantic import Field, model_validator

from ..columns import Condition, Names, Table, told_by_columns
from ..step_words import StepFields, StepWords


class RowWords(StepWords):
    """Where the rows are, whose they are, and what they tell."""

    table: Table
    foreign_key: Names
    where: Condition = Field(default_factory=dict)
    order_by: Names | None = None
    fields: StepFields

    @model_validator(mode="after")
    def _are_told_by_columns(self) -> Self:
        told_by_columns(self, "name", "status")
        told_by_columns(self.fields, below=("fields",))
        return self
