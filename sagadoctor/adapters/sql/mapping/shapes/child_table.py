"""`child_table`: one row a step in a table of its own.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Literal

from pydantic import Field

from ..columns import Condition, Names, Table
from ..step_words import StepFields, StepWords


class ChildTable(StepWords):
    """`child_table`: one row a step."""

    shape: Literal["child_table"]
    table: Table
    foreign_key: Names
    where: Condition = Field(default_factory=dict)
    order_by: Names | None = None
    fields: StepFields
