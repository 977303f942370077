"""What every shape of steps is to the reader of a saga's row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from sagadoctor.api.v1 import SagaState, Step

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from sagadoctor.api.v1 import Policy
    from sagadoctor.api.v1.sql import Column, Session, Table

    from ..identity import Identity
    from ..mapping.saga import CurrentStep
    from ..selection import Selection
    from ..source import Source
    from .reading import Odd


class About(msgspec.Struct, frozen=True):
    """What is known of a saga before its steps are."""

    saga_type: str | None
    state: SagaState


class Around(msgspec.Struct, frozen=True):
    """What a shape finds around itself."""

    source: Source
    """The saga's table."""
    selection: Selection
    """What is selected of it."""
    child: Table | None
    """The steps' own table, where they have one."""
    policy: Policy
    cursor: CurrentStep | None
    """What the mapping says of the current step."""
    detail: bool
    """One saga is read in full, and not a page of them."""


class Told(msgspec.Struct, frozen=True):
    """What the rows of a table tell of one saga."""

    steps: tuple[Step, ...]
    odd: Odd
    newest: datetime | None = None
    """When the newest of the rows was written, where they tell it."""


class InRowSteps(ABC):
    """A shape whose steps stand in the saga's own row."""

    has_times: bool = False
    """A step tells when something happened to it."""
    document_at: int = 0
    """Where a document stands in a row that may be big; its size counts against the page's bound."""
    plain: Callable[[Any], tuple[Step, ...] | None] | None = None
    """Reads a row's steps where they are plainly right, else answers None; None where there is no short road."""

    @abstractmethod
    def steps(self, row: Any, about: About, odd: Odd) -> tuple[Step, ...] | None:
        """Return a row's steps in their order, None where they are not known; what is odd is noted."""


class TableSteps(ABC):
    """A shape whose steps stand in a table of their own, read with a page of sagas by their ids."""

    has_times: bool = False
    source: Source
    keys: list[Column]
    """The columns that hold the saga's id."""
    where: list[ColumnElement[bool]]

    @abstractmethod
    def gather(
        self, session: Session, identity: Identity, raws: Sequence[Sequence[Any]]
    ) -> Mapping[tuple[Any, ...], Told]:
        """Return what is told of the sagas with these raw ids, by the raw cells of the foreign key."""
