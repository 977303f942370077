"""How a saga's own row is said: `[stores.NAME.saga]`.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StrictInt, StrictStr, model_validator

from sagadoctor.api.v1 import Duration

from ..words import FailedMeans, saga_state
from .columns import (
    Condition,
    Identifier,
    IdFormat,
    MaybeJson,
    MaybeNumber,
    MaybeText,
    MaybeTime,
    Names,
    NoConst,
    PathText,
    PatternText,
    Short,
    Table,
    Text,
    TextColumn,
    Time,
    Words,
    told_by_columns,
    wrong_at,
)


def _checked_state(word: str) -> str:
    saga_state(word)
    return word


StateWord = Annotated[StrictStr, AfterValidator(_checked_state)]


class IdWords(Words):
    """The column or columns that a saga is known by."""

    columns: Names = Field(alias="column")
    format: IdFormat | None = None


def _id(given: Any) -> Any:
    return {"column": given} if isinstance(given, str | list) else given


class StateRule(Words):
    """One of the rules `{ if = { column = value }, is = "state" }`."""

    if_: Condition = Field(alias="if")
    is_: StateWord = Field(alias="is")


class StateWords(Words):
    """Where a saga stands: a constant, a column's words, or rules over several columns."""

    column: Identifier | None = None
    path: PathText | None = None
    pattern: PatternText | None = None
    values: dict[str, StateWord] = Field(default_factory=dict)
    const: StateWord | None = None
    when: tuple[StateRule, ...] | None = None
    failed_means: FailedMeans | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "StateWords":
        ways = [self.column is not None, self.const is not None, self.when is not None]
        if sum(ways) != 1:
            raise ValueError("a state is said in one way: column (with values), const, or when = [ … ]")
        if self.column is None and (self.values or self.pattern or self.path):
            raise ValueError("values, pattern and path belong to a state's column")
        if self.when == ():
            raise ValueError("when = [] makes every saga unknown: say at least one rule, or a column")
        return self


class CurrentStep(TextColumn):
    """Which step is out: by its name, or by its place in the order."""

    const: NoConst = None
    by: Literal["index", "name"] | None = None
    base: StrictInt = 0


class Alive(Words):
    """The table of workers in which an owner is looked up."""

    table: Table
    id: Identifier
    heartbeat: Time
    within: Duration

    @model_validator(mode="after")
    def _is_told_by_a_column(self) -> "Alive":
        told_by_columns(self, "heartbeat")
        return self


class OwnerWords(TextColumn):
    """Who works on the saga."""

    const: NoConst = None
    alive: Alive | None = None


State = Annotated[StateWords, Short()]
Id = Annotated[IdWords, Short(_id, listed=True)]
MaybeCursor = Annotated[CurrentStep | None, Short()]
MaybeOwner = Annotated[OwnerWords | None, Short()]


_MAPPED: Final = (
    *("type", "current_step", "business_key", "created_at", "updated_at", "ended_at", "deadline", "version"),
    *("attempts", "next_attempt_at", "error", "owner", "lease_until", "waiting_for", "parent", "repaired_by"),
    *("correlation_id", "trace_id"),
)


class SagaWords(Words):
    """The saga table and what its columns mean; only table, id and state are needed."""

    table: Table
    where: Condition = Field(default_factory=dict)
    id: Id
    state: State
    type: MaybeText = None
    current_step: MaybeCursor = None
    payload: MaybeJson = None
    business_key: MaybeText = None
    created_at: MaybeTime = None
    updated_at: MaybeTime = None
    ended_at: MaybeTime = None
    deadline: MaybeTime = None
    version: MaybeText = None
    attempts: MaybeNumber = None
    next_attempt_at: MaybeTime = None
    error: MaybeText = None
    owner: MaybeOwner = None
    lease_until: MaybeTime = None
    waiting_for: MaybeText = None
    parent: MaybeText = None
    repaired_by: MaybeText = None
    correlation_id: MaybeText = None
    trace_id: MaybeText = None

    @model_validator(mode="after")
    def _paths_need_a_payload(self) -> "SagaWords":
        for name in _MAPPED if self.payload is None else ():
            words = getattr(self, name)
            if words is not None and words.path is not None and words.column is None:
                raise wrong_at(self, "a path into the payload, and no payload is named", name)
        return self


__all__ = ["Alive", "IdWords", "OwnerWords", "SagaWords", "StateRule", "StateWords", "Text"]
