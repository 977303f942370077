"""`child_table`: one row a step in a table of its own.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Literal

from .rows import RowWords


class ChildTable(RowWords):
    """`child_table`: one row a step."""

    shape: Literal["child_table"]
