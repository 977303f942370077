"""All we know of one saga at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from .letter import DeadLetter
from .observation import Observation, Tries
from .reading import Reading
from .report import BlindSpot
from .saga import Saga, SagaState, Step, StepStatus

_NO_STEPS: Final[Mapping[StepStatus, tuple[Step, ...]]] = MappingProxyType({})


class Relation(StrEnum):
    """How another saga is tied to this one."""

    PARENT = "parent"
    CHILD = "child"
    REPAIRED_BY = "repaired_by"
    LOCK_HOLDER = "lock_holder"
    LOCK_CIRCLE = "lock_circle"
    """Another one in a circle of sagas that wait for each other's locks."""
    SAME_ID = "same_id"
    """The same saga as another store tells it."""
    ANCESTOR = "ancestor"
    """The parent, or the parent's parent and so on; told only of a child that is this as well: a circle."""


class LinkedSaga(msgspec.Struct, frozen=True):
    """Another saga and what it is to this one."""

    relation: Relation
    saga: Saga


class Case(msgspec.Struct, frozen=True):
    """All we know of one saga: its row, its steps with what the configuration adds, and what others said.

    `steps` is None where neither store nor configuration knows any. `progress_at` is the latest moment at which
    the saga is known to have moved, `progress_from` the field or observation that says so; both None where nothing
    tells. `current` is the step that is out now, or next.
    """

    saga: Saga
    steps: tuple[Step, ...] | None
    current: Step | None
    progress_at: datetime | None
    progress_from: str | None
    future: tuple[str, ...] = ()
    """Fields whose times lie in the future beyond the tolerance; they were left out of the progress."""
    observed: Observation | None = None
    tries: Tries | None = None
    """How often it had been tried when its error was first seen, where somebody looked before."""
    linked: tuple[LinkedSaga, ...] = ()
    letters: tuple[DeadLetter, ...] = ()
    readings: tuple[Reading, ...] = ()
    blind_spots: tuple[BlindSpot, ...] = ()
    gone: frozenset[str] = frozenset()
    """Ids of lock holders that the store has no row of."""
    stirred_at: datetime | None = None
    """When a row of any live saga of its store was last written, where the store tells."""
    repeated: bool = False
    """Another row of the store has the same id: nothing may be done by this id."""
    state: SagaState = SagaState.UNKNOWN
    """The saga's state; like `by_status` worked out here, since every rule asks for it."""
    by_status: Mapping[StepStatus, tuple[Step, ...]] = _NO_STEPS
    """The steps by their status, in their order."""

    def __post_init__(self) -> None:
        """Work out what every rule asks for."""
        found: dict[StepStatus, tuple[Step, ...]] = {}
        for step in self.steps or ():
            status = step.status
            found[status] = (*found[status], step) if status in found else (step,)
        msgspec.structs.force_setattr(self, "by_status", found or _NO_STEPS)
        msgspec.structs.force_setattr(self, "state", self.saga.state)

    def related(self, relation: Relation) -> tuple[Saga, ...]:
        """Return the linked sagas of one relation."""
        if not self.linked:
            return ()
        return tuple(link.saga for link in self.linked if link.relation is relation)
