"""`log_table`: one row an event; the last of a step and direction counts.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Literal

from .directed import DirectedRows


class LogTable(DirectedRows):
    """`log_table`: one row an event; the last of a step and direction counts."""

    shape: Literal["log_table"]
