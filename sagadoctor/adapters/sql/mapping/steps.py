"""How steps are said: `[stores.NAME.steps]`; a new shape is a model in `shapes/` and a line in `SHAPES`.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from functools import reduce
from importlib import import_module
from operator import or_
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic_core.core_schema import CoreSchema, no_info_plain_validator_function

from .step_words import StepWords

SHAPES: Final = {
    "json_list": "JsonList",
    "json_object": "JsonObject",
    "child_table": "ChildTable",
    "columns": "ColumnSteps",
    "counters": "Counters",
    "arrays": "Arrays",
    "cursor_only": "CursorOnly",
    "none": "NoSteps",
}
"""The model of each shape, in the module of its name; making them all would take 5 ms of every start."""
LATER_SHAPES: Final = frozenset(("op_table", "log_table"))
"""Shapes that the language will know."""


def model_of(shape: str) -> type[StepWords]:
    """Return the model of a shape."""
    model: type[StepWords] = getattr(import_module(f".shapes.{shape}", __package__), SHAPES[shape])
    return model


def _built(shape: Any) -> Any:
    if isinstance(shape, str) and shape in LATER_SHAPES:
        raise ValueError(f"the shape {shape!r} is not supported yet; supported are {', '.join(SHAPES)}")
    return shape


class ShapeName(BaseModel):
    """The one key that says how all others are read."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    shape: Annotated[Literal[tuple(SHAPES)], BeforeValidator(_built)]  # type: ignore[valid-type]


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
