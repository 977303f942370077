"""Steps as rows of a table of their own: what `child_table`, `op_table` and `log_table` all say.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from pydantic import Field

from ..columns import Condition, Names, Table
from ..step_words import StepFields, StepWords


class RowWords(StepWords):
    """Where the rows are, whose they are, and what they tell."""

    table: Table
    foreign_key: Names
    where: Condition = Field(default_factory=dict)
    order_by: Names | None = None
    fields: StepFields
