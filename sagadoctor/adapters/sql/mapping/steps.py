"""How steps are said: `[stores.NAME.steps]`; a new shape is a model in `shapes/` and a line in `SHAPES`.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from functools import reduce
from importlib import import_module
from operator import or_
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic_core.core_schema import CoreSchema, no_info_plain_validator_function

from .step_words import StepWords

SHAPES: Final = {
    "json_list": "JsonList",
    "json_object": "JsonObject",
    "child_table": "ChildTable",
    "op_table": "OpTable",
    "log_table": "LogTable",
    "columns": "ColumnSteps",
    "counters": "Counters",
    "arrays": "Arrays",
    "cursor_only": "CursorOnly",
    "none": "NoSteps",
}
"""The model of each shape, in the module of its name; making them all would take 5 ms of every start."""


def model_of(shape: str) -> type[StepWords]:
    """Return the model of a shape."""
    model: type[StepWords] = getattr(import_module(f".shapes.{shape}", __package__), SHAPES[shape])
    return model


class ShapeName(BaseModel):
    """The one key that says how all others are read."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    shape: Literal[tuple(SHAPES)]  # type: ignore[valid-type]


def _by_shape(given: Any) -> StepWords:
    if isinstance(given, StepWords):
        return given
    if not isinstance(given, dict):
        raise ValueError('steps are a table with a shape, such as { shape = "json_list", … }')
    if "shape" not in given:
        raise ValueError(f"say shape = one of {', '.join(SHAPES)}")
    return model_of(ShapeName.model_validate(given).shape).model_validate(given)


class _ByShape:
    """Reads steps with the model of their shape; the models of the other shapes are never built."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Leave it all to the shape's own model."""
        del source, handler
        return no_info_plain_validator_function(_by_shape)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Offer every shape."""
        del schema
        return handler(TypeAdapter(reduce(or_, map(model_of, SHAPES))).core_schema)


Steps = Annotated[StepWords, _ByShape()]
