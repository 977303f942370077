"""`json_list`: a list of objects in order.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Literal

from ..columns import Identifier, JsonFormat, PathText
from ..step_words import StepFields, StepWords


class JsonList(StepWords):
    """`json_list`: a list of objects in order."""

    shape: Literal["json_list"]
    column: Identifier
    format: JsonFormat | None = None
    path: PathText | None = None
    fields: StepFields
