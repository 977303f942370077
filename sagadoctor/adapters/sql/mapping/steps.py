"""How steps are said: `[stores.NAME.steps]`, one model per shape."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StrictInt, StrictStr

from ..words import step_status
from .columns import (
    Identifier,
    JsonFormat,
    MaybeNumber,
    MaybeText,
    MaybeTime,
    PathText,
    PatternText,
    Table,
    Text,
    TextColumn,
    Words,
    not_yet,
    spelt_short,
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


MaybeStatus = Annotated[StatusWords | None, BeforeValidator(spelt_short, json_schema_input_type=str | StatusWords)]


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
    at: Annotated[MaybeTime, not_yet("at")] = None


class StepWords(Words):
    """What every shape may say."""

    shape: str
    direction: Annotated[Literal["by_name"] | None, not_yet("direction")] = None
    status: StatusWords | None = None
    ignore: tuple[StrictStr, ...] = ()
    waiting: Annotated[tuple[StrictStr, ...], not_yet("waiting")] = ()
    current: Annotated[Literal["next"] | None, not_yet("current")] = None
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


class JsonObject(StepWords):
    """`json_object`: name → status, or name → object."""

    shape: Literal["json_object"]
    column: Identifier
    format: JsonFormat | None = None
    path: PathText | None = None
    values: dict[str, StatusWord] = Field(default_factory=dict)
    fields: StepFields | None = None


def _names(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


Names = Annotated[
    tuple[Identifier, ...], BeforeValidator(_names, json_schema_input_type=str | list[str]), Field(min_length=1)
]


class ChildTable(StepWords):
    """`child_table`: one row a step."""

    shape: Literal["child_table"]
    table: Table
    foreign_key: Names
    order_by: Names | None = None
    fields: StepFields


class Direction(Words):
    """What holds for the rows of one direction."""

    match: dict[Identifier, Any] | None = None
    fields: StepFields | None = None
    values: dict[str, StatusWord] = Field(default_factory=dict)


class OpTable(StepWords):
    """`op_table`: one row a step and direction."""

    shape: Literal["op_table"]
    table: Table
    foreign_key: Names
    order_by: Names
    fields: StepFields
    values: dict[str, StatusWord] = Field(default_factory=dict)
    forward: Direction | None = None
    undo: Direction | None = None


class LogTable(OpTable):
    """`log_table`: one row an event; the last per step and direction wins."""

    shape: Literal["log_table"]  # type: ignore[assignment]


class FlagStep(Words):
    """One step kept as flags or times in the saga's own row."""

    name: StrictStr
    done: MaybeText = None
    done_at: MaybeTime = None
    undone: MaybeText = None
    undone_at: MaybeTime = None
    failed: MaybeText = None
    error: MaybeText = None


class Columns(StepWords):
    """`columns`: flags or times in the saga's own row."""

    shape: Literal["columns"]
    steps: tuple[FlagStep, ...] = Field(min_length=1)


class PlaceColumn(TextColumn):
    """The number of a step."""

    base: StrictInt = 0


Place = Annotated[PlaceColumn | None, BeforeValidator(spelt_short, json_schema_input_type=str | PlaceColumn)]


class Counters(StepWords):
    """`counters`: how many steps are done and undone."""

    shape: Literal["counters"]
    done: Text
    undone: MaybeText = None
    total: MaybeText = None
    failed: Place = None


class Arrays(StepWords):
    """`arrays`: lists of step names or numbers."""

    shape: Literal["arrays"]
    total: MaybeText = None
    failed: Place = None
    compensated: Place = None


class CursorOnly(StepWords):
    """`cursor_only`: the current step and `[sagas]`."""

    shape: Literal["cursor_only"]


SHAPES: dict[str, type[StepWords]] = {
    "json_list": JsonList,
    "json_object": JsonObject,
    "child_table": ChildTable,
    "op_table": OpTable,
    "log_table": LogTable,
    "columns": Columns,
    "counters": Counters,
    "arrays": Arrays,
    "cursor_only": CursorOnly,
    "none": NoSteps,
}
SUPPORTED = frozenset(("json_list", "child_table", "none"))


def _by_shape(given: Any) -> StepWords:
    if isinstance(given, StepWords):
        return given
    if not isinstance(given, dict):
        raise ValueError('steps are a table with a shape, such as { shape = "json_list", … }')
    shape = given.get("shape")
    model = SHAPES.get(shape) if isinstance(shape, str) else None
    if model is None:
        raise ValueError(f"say shape = one of {', '.join(SHAPES)}")
    if shape not in SUPPORTED:
        raise ValueError(f"the shape {shape!r} is not supported yet; supported are {', '.join(sorted(SUPPORTED))}")
    return model.model_validate(given)


AnyShape = JsonList | JsonObject | ChildTable | OpTable | LogTable | Columns | Counters | Arrays | CursorOnly | NoSteps
Steps = Annotated[StepWords, PlainValidator(_by_shape, json_schema_input_type=AnyShape)]
