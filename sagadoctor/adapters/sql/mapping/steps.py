"""How steps are said: `[stores.NAME.steps]`, one model per shape.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictStr,
    TypeAdapter,
)
from pydantic_core.core_schema import CoreSchema, no_info_plain_validator_function

from ..words import step_status
from .columns import (
    Condition,
    Identifier,
    JsonFormat,
    Later,
    MaybeNumber,
    MaybeText,
    MaybeTime,
    Names,
    PathText,
    PatternText,
    Short,
    Table,
    Words,
)


def _checked_status(word: str) -> str:
    step_status(word)
    return word


StatusWord = Annotated[StrictStr, AfterValidator(_checked_status)]


class StatusWords(Words):
    """A step's status: a column's words, or "failed where an error is set"."""

    column: Identifier | None = None
    path: PathText | None = None
    pattern: PatternText | None = None
    values: dict[str, StatusWord] = Field(default_factory=dict)
    const: StatusWord | None = None
    failed_if_set: Identifier | None = None
    otherwise: StatusWord = "completed"


MaybeStatus = Annotated[StatusWords | None, Short()]


class StepFields(Words):
    """What a step's row or object tells."""

    name: MaybeText = None
    status: MaybeStatus = None
    action: MaybeText = None
    compensation: MaybeText = None
    result: MaybeText = None
    error: MaybeText = None
    started_at: MaybeTime = None
    executed_at: MaybeTime = None
    compensated_at: MaybeTime = None
    timeout_at: MaybeTime = None
    attempts: MaybeNumber = None
    next_attempt_at: MaybeTime = None
    at: Later = None


class StepWords(Words):
    """What every shape may say."""

    shape: str
    direction: Later = None
    status: StatusWords | None = None
    ignore: tuple[StrictStr, ...] = ()
    waiting: Later = None
    current: Later = None
    name: MaybeText = None


class NoSteps(StepWords):
    """`none`: the store tells no steps."""

    shape: Literal["none"]


class JsonList(StepWords):
    """`json_list`: a list of objects in order."""

    shape: Literal["json_list"]
    column: Identifier
    format: JsonFormat | None = None
    path: PathText | None = None
    fields: StepFields


class ChildTable(StepWords):
    """`child_table`: one row a step."""

    shape: Literal["child_table"]
    table: Table
    foreign_key: Names
    where: Condition = Field(default_factory=dict)
    order_by: Names | None = None
    fields: StepFields


LATER_SHAPES = frozenset(("json_object", "op_table", "log_table", "columns", "counters", "arrays", "cursor_only"))
"""Shapes that the language will know."""


def _built(shape: Any) -> Any:
    if isinstance(shape, str) and shape in LATER_SHAPES:
        raise ValueError(f"the shape {shape!r} is not supported yet; supported are {', '.join(SHAPES)}")
    return shape


class ShapeName(BaseModel):
    """The one key that says how all others are read."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    shape: Annotated[Literal["json_list", "child_table", "none"], BeforeValidator(_built)]


SHAPES: dict[str, type[StepWords]] = {"json_list": JsonList, "child_table": ChildTable, "none": NoSteps}


def _by_shape(given: Any) -> StepWords:
    if isinstance(given, StepWords):
        return given
    if not isinstance(given, dict):
        raise ValueError('steps are a table with a shape, such as { shape = "json_list", … }')
    if "shape" not in given:
        raise ValueError(f"say shape = one of {', '.join(SHAPES)}")
    return SHAPES[ShapeName.model_validate(given).shape].model_validate(given)


class _ByShape:
    """Reads steps with the model of their shape; the models of the other shapes are never built."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Leave it all to the shape's own model."""
        del source, handler
        return no_info_plain_validator_function(_by_shape)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Offer every shape."""
        del schema
        return handler(TypeAdapter(JsonList | ChildTable | NoSteps).core_schema)


Steps = Annotated[StepWords, _ByShape()]
