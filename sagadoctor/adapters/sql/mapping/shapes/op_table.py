"""`op_table`: one row a step and direction.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Literal

from .directed import DirectedRows


class OpTable(DirectedRows):
    """`op_table`: one row a step and direction."""

    shape: Literal["op_table"]
