"""`json_object`: names of steps to words or objects.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Literal

from pydantic import Field

from ..columns import Identifier, JsonFormat, PathText
from ..step_words import StatusWord, StepFields, StepWords


class JsonObject(StepWords):
    """`json_object`: a step's name, and its status or an object; the order is that of [sagas], else the object's."""

    shape: Literal["json_object"]
    column: Identifier
    format: JsonFormat | None = None
    path: PathText | None = None
    values: dict[str, StatusWord] = Field(default_factory=dict)
    fields: StepFields = StepFields()
