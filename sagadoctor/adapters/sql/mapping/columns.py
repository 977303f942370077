"""Columns, tables and conditions: the words that all parts of the mapping language share.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

import unicodedata
from collections.abc import Callable
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import (
    CoreSchema,
    no_info_before_validator_function,
    no_info_plain_validator_function,
)

from ..paths import parse_path
from ..patterns import parse_pattern

Scalar = StrictBool | StrictInt | StrictFloat | StrictStr


class Words(BaseModel):
    """A table of the mapping language: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def _identifier(name: str) -> str:
    if not name.strip():
        raise ValueError("a name is not empty")
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in name):
        raise ValueError("a name holds no control characters")
    if len(name) > 128:
        raise ValueError("a name has at most 128 characters")
    return name


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = get_close_matches(name, available_timezones(), n=1) if len(name) < 60 else []
        hint = f"did you mean {near[0]!r}?" if near else 'write an IANA name, such as "UTC" or "Europe/Berlin"'
        raise ValueError(f"no time zone {name!r}; {hint}") from None
    return name


def _checked(parse: Callable[[str], object]) -> Callable[[str], str]:
    def check(text: str) -> str:
        parse(text)
        return text

    return check


Identifier = Annotated[StrictStr, AfterValidator(_identifier)]
Zone = Annotated[StrictStr, AfterValidator(_zone)]
PathText = Annotated[StrictStr, AfterValidator(_checked(parse_path))]
PatternText = Annotated[StrictStr, AfterValidator(_checked(parse_pattern))]


def _names(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


Names = Annotated[
    tuple[Identifier, ...], BeforeValidator(_names, json_schema_input_type=str | list[str]), Field(min_length=1)
]
"""One column, or several in order."""


class AnyTable(Words):
    """What stands where a table is wanted: a table by name (`TableName`), or a query (`QueryTable`)."""


class TableName(AnyTable):
    """A table by name, perhaps within a schema."""

    parts: tuple[Identifier, ...]

    @property
    def shown(self) -> str:
        """Return the name as a person writes it."""
        return ".".join(self.parts)


_TABLE_FORMS: Final = 'a table is "name", "schema.name", ["schema", "odd.name"] or { query = "select …", key = "id" }'


def _table(given: Any) -> AnyTable:
    if isinstance(given, AnyTable):
        return given
    if isinstance(given, str):
        name = TableName.model_validate({"parts": given.split(".")})
        if len(name.parts) > 2:
            raise ValueError('too many dots; write a name with a dot in it as ["schema", "odd.name"]')
        return name
    if isinstance(given, list | tuple):
        if len(given) not in (1, 2) or not all(isinstance(part, str) for part in given):
            raise ValueError(_TABLE_FORMS)
        return TableName.model_validate({"parts": list(given)})
    if isinstance(given, dict) and given:
        from .query import query_table

        return query_table(given)
    raise ValueError(_TABLE_FORMS)


class _TableForms:
    """Reads a table's name; the model of a query is made where one is said."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Leave it all to the model of what is given."""
        del source, handler
        return no_info_plain_validator_function(_table)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Offer a name, a schema with a name, and a query."""
        del schema, handler
        text = {"type": "string"}
        keys = {"query": text, "key": {"anyOf": [text, {"items": text, "type": "array"}]}}
        query = {"type": "object", "properties": keys, "required": list(keys), "additionalProperties": False}
        return {"anyOf": [text, {"items": text, "maxItems": 2, "minItems": 1, "type": "array"}, query]}


Table = Annotated[AnyTable, _TableForms()]


class TimeFormat(StrEnum):
    """How a time is written."""

    TIMESTAMP = "timestamp"
    ISO = "iso"
    EPOCH_S = "epoch_s"
    EPOCH_MS = "epoch_ms"
    EPOCH_US = "epoch_us"
    DOTNET_TICKS = "dotnet_ticks"
    UUID_V7 = "uuid_v7"
    ID_HIGH_MS = "id_high_ms"


class IdFormat(StrEnum):
    """How an id is written."""

    TEXT = "text"
    INT = "int"
    UUID = "uuid"
    UUID_HEX = "uuid_hex"
    UUID_BYTES = "uuid_bytes"
    UUID_BYTES_SWAPPED = "uuid_bytes_swapped"


class JsonFormat(StrEnum):
    """How a JSON document is kept."""

    JSON = "json"
    JSON_TEXT = "json_text"
    JSON_BLOB = "json_blob"
    JSON_DOUBLE = "json_double"


class NumberFormat(StrEnum):
    """How a number is meant."""

    LOG2 = "log2"


class DoubledFrom(Words):
    """A number that stands in a column, with what holds where it is NULL or zero."""

    column: Identifier
    path: PathText | None = None
    default: StrictInt | StrictFloat


class ColumnWords(Words):
    """Where a value comes from; a plain string means the column of that name."""

    column: Identifier | None = None
    path: PathText | None = None
    pattern: PatternText | None = None
    values: dict[str, Scalar] | None = None
    const: Scalar | None = None

    @model_validator(mode="after")
    def _has_a_source(self) -> "ColumnWords":
        if self.column is None and self.const is None and not self._has_other_source():
            raise ValueError("say column = … or const = …")
        if self.column is not None and self.const is not None:
            raise ValueError("say either column or const, not both")
        return self

    def _has_other_source(self) -> bool:
        return self.path is not None


class TextColumn(ColumnWords):
    """A text: a name, a word, a key; `format` where it is another saga's id."""

    format: IdFormat | None = None


def _no_const(given: Any) -> Any:
    if given is not None:
        raise ValueError("this is read from a column; const is for names and words")
    return given


NoConst = Annotated[None, BeforeValidator(_no_const), SkipJsonSchema()]


class TimeColumn(ColumnWords):
    """A moment."""

    const: NoConst = None
    format: TimeFormat | None = None
    tz: Zone | None = None
    from_: str | None = None

    model_config = ConfigDict(alias_generator=lambda name: name.rstrip("_"))

    @model_validator(mode="after")
    def _from_steps(self) -> "TimeColumn":
        if self.from_ is not None and self.from_ != "steps":
            raise ValueError('a time may come `from = "steps"`, from nothing else')
        return self

    def _has_other_source(self) -> bool:
        return self.path is not None or self.from_ is not None


class NumberColumn(ColumnWords):
    """A whole number."""

    const: NoConst = None
    format: NumberFormat | None = None
    base: StrictInt | StrictFloat | DoubledFrom | None = None

    @model_validator(mode="after")
    def _is_doubled_from_something(self) -> "NumberColumn":
        if self.base is None:
            return self
        if self.format is not NumberFormat.LOG2:
            raise ValueError('base is what a number is doubled from: say format = "log2" beside it')
        start = self.base.default if isinstance(self.base, DoubledFrom) else self.base
        if not start > 0:
            raise ValueError(f"base is above zero; {start:g} never becomes more by doubling it")
        return self


class JsonColumn(Words):
    """A JSON document."""

    column: Identifier
    format: JsonFormat | None = None


def _not_yet(given: Any) -> Any:
    if given is not None:
        raise ValueError("is not supported yet; take it out")
    return given


Later = Annotated[None, BeforeValidator(_not_yet), SkipJsonSchema()]
"""A key that the language will know: refused with a clear word, and offered neither by the schema nor by a hint."""


def spelt_short(given: Any) -> Any:
    """Read `"name"` as `{ column = "name" }`, and `"$.path"` as `{ path = "$.path" }`."""
    if isinstance(given, str):
        return {"path": given} if given.startswith("$") else {"column": given}
    if given is False:
        return None
    if not isinstance(given, dict | BaseModel) and given is not None:
        raise ValueError('write a column\'s name, or a table such as { column = "name", format = "…" }')
    return given


class Short:
    """Lets a table be spelt shorter: `read` makes the table of a text (or a list of them, where `listed`).

    It does what a `BeforeValidator` with the type of its input does, which takes twice as long to build: that one
    works out for every column what only the schema for editors asks for.
    """

    def __init__(self, read: Callable[[Any], Any] = spelt_short, *, listed: bool = False) -> None:
        """Keep what reads the short form."""
        self._read, self._listed = read, listed

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read the short form before the model sees it."""
        return no_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Offer the short form beside the table."""
        made = handler(schema)
        forms = [each for each in made.get("anyOf", [made]) if each != {"type": "null"}]
        lists = [{"items": {"type": "string"}, "type": "array"}] if self._listed else []
        return {"anyOf": [{"type": "string"}, *lists, *forms]}


Text = Annotated[TextColumn, Short()]
Time = Annotated[TimeColumn, Short()]
Number = Annotated[NumberColumn, Short()]
Json = Annotated[JsonColumn, Short()]
MaybeText = Annotated[TextColumn | None, Short()]
MaybeTime = Annotated[TimeColumn | None, Short()]
MaybeNumber = Annotated[NumberColumn | None, Short()]
MaybeJson = Annotated[JsonColumn | None, Short()]


def _fits_some_row(conditions: dict[str, Any]) -> dict[str, Any]:
    for name, wanted in conditions.items():
        if wanted == []:
            raise ValueError(f"{name} = [] fits no row; say the values that it may have")
    return conditions


Condition = Annotated[dict[Identifier, Scalar | list[Scalar]], AfterValidator(_fits_some_row)]
"""What columns must hold: a value, a list of values, "null" or "not null"."""


def wrong_at(words: BaseModel, message: str, *key: str) -> ValidationError:
    """Return the error that one key of a table is wrong, which only the table as a whole could tell."""
    detail = InitErrorDetails(type=PydanticCustomError("value_error", message), loc=key, input=None)
    return ValidationError.from_exception_data(type(words).__name__, [detail])


def told_by_columns(words: BaseModel, *names: str, below: tuple[str, ...] = ()) -> None:
    """Raise ValueError where a path stands without the column that it leads into, or a time is taken from steps."""
    for name in names or type(words).model_fields:
        spec = getattr(words, name)
        if getattr(spec, "path", None) is not None and spec.column is None and getattr(spec, "const", None) is None:
            why = f"a path without a column: say {name} = {{ column = …, path = … }}"
            raise wrong_at(words, why, *below, name)
        if getattr(spec, "from_", None) is not None:
            raise wrong_at(words, 'a time of its own; `from = "steps"` is for times of the saga', *below, name)
