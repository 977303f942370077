"""What a plugin's author says of a store, so that its promises can be put to the test."""

from __future__ import annotations

import unittest
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec

from sagadoctor.api.v1 import Saga, SagaState, Step, StepStatus, Store
from sagadoctor.testing.spelling import spellings

ALWAYS = frozenset(("store", "saga_id", "state", "raw_state", "source", "doubts", "derived"))
ALWAYS_OF_STEP = frozenset(("name", "index", "status", "raw_status", "derived"))


class StoreHooks:
    """The questions that only the author can answer; `open` is the one that must be."""

    states: ClassVar[Mapping[SagaState, str]] = MappingProxyType(
        {state: state.name for state in SagaState if state is not SagaState.UNKNOWN}
    )
    """The store's own word for each state that it can keep: at least one live state, and one that has ended."""
    statuses: ClassVar[Mapping[StepStatus, str]] = MappingProxyType(
        {status: status.name for status in StepStatus if status is not StepStatus.UNKNOWN}
    )
    """The store's own word for each status that a step can have there."""
    unknown_word: ClassVar[str | None] = "NO_SUCH_WORD"
    """A state that the store can keep and nobody mapped; None where it can't keep such a word."""
    types: ClassVar[Sequence[str]] = ("OrderFulfillment", "TripBooking")
    """Two saga types; one where the store has but one, none where it tells no types."""
    tells: ClassVar[frozenset[str] | None] = None
    """The fields of `Saga` that the store can keep, beside id and state; None for all of them."""
    step_tells: ClassVar[frozenset[str] | None] = None
    """The fields of `Step` that the store can keep, beside name and status; None for all of them."""
    needs: ClassVar[frozenset[str]] = frozenset()
    """The fields of `Saga` without which the store can't keep a row."""
    resolution: ClassVar[timedelta] = timedelta(microseconds=1)
    """The smallest difference of two times that the store can keep."""
    ids_are_text: ClassVar[bool] = True
    """Whether any text but NUL can be an id."""
    many: ClassVar[int] = 4_500
    """So many rows are surely more than a page, and at most 10,000."""
    short: ClassVar[float] = 0.5
    """The deadline in seconds that a hanging backend is given."""
    patience: ClassVar[float] = 5.0
    """So many seconds after its deadline a store has surely let go."""
    secrets: ClassVar[Sequence[str]] = ()
    """Passwords that no error may tell."""

    def open(self, sagas: Sequence[Saga]) -> Store:
        """Return a store, not yet connected, over an environment in which exactly these sagas are.

        A test may call it several times; each begins with an empty environment. Write what the store can keep: the
        state is `raw_state`, a step's status `raw_status`, both the store's own words. The suite closes the store.
        """
        raise NotImplementedError("a suite for a store says how to open one: def open(self, sagas)")

    def saga_id(self, number: int) -> str:
        """Return the canonical form of one of 10,000 ids; the ids needn't come in any order."""
        return f"{'sZa9_'[number % 5]}-{number * 7919 % 10_007}"

    def spellings(self, saga_id: str) -> Sequence[str]:
        """Return how people may write this id when they look for the saga."""
        return spellings(saga_id)

    def expected(self, saga: Saga) -> Saga:
        """Return what the store is to tell of a saga that `open` was given: what it can keep, and no more."""
        return restrained(saga, self.tells, self.step_tells)

    def connections(self) -> int | None:
        """Count the connections that the store holds now, as its server sees them; called from another thread.

        None: nobody can tell, and what is promised about connections is not tested.
        """
        return None

    def hanging(self, store: Store) -> AbstractContextManager[None] | None:
        """Return what makes the backend accept questions and never answer, for as long as it is entered.

        None: it can't be made to, and what is promised about deadlines is not tested.
        """
        del store
        return None

    def broken(self, store: Store) -> AbstractContextManager[None] | None:
        """Return what makes the backend refuse every read (a table gone, a server down), for as long as it is entered.

        None: it can't be made to, and how the store fails is not tested.
        """
        del store
        return None

    async def write(self, store: Store) -> None:
        """Try to change or remove a saga over the store's own connection; the backend must refuse."""
        raise unittest.SkipTest(
            "nobody said how to write over the store's own connection: async def write(self, store)"
        )


def restrained(saga: Saga, tells: frozenset[str] | None, step_tells: frozenset[str] | None) -> Saga:
    """Return the saga without the fields that a store doesn't tell; None: it tells all."""
    if tells is not None:
        silent = set(saga.__struct_fields__) - ALWAYS - tells
        saga = msgspec.structs.replace(saga, **_defaults(Saga, silent))
    if step_tells is not None and saga.steps is not None:
        silent = set(Step.__struct_fields__) - ALWAYS_OF_STEP - step_tells
        steps = tuple(msgspec.structs.replace(step, **_defaults(Step, silent)) for step in saga.steps)
        saga = msgspec.structs.replace(saga, steps=steps)
    return saga


def _defaults(kind: type[msgspec.Struct], names: set[str]) -> dict[str, Any]:
    return {field.name: field.default for field in msgspec.structs.fields(kind) if field.name in names}
