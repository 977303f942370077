"""The thresholds by which something is late, and what the configuration knows of a saga type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

import msgspec


class Thresholds(msgspec.Struct, frozen=True):
    """When something counts as late; the defaults are those of the contract."""

    no_progress: timedelta = timedelta(minutes=15)
    compensation: timedelta = timedelta(minutes=10)
    attempts: int = 10
    skew: timedelta = timedelta(seconds=30)
    lease_grace: timedelta = timedelta(minutes=1)
    max_wait: timedelta = timedelta(days=7)
    wake_up: timedelta = timedelta(minutes=5)
    outbox: timedelta = timedelta(minutes=1)
    """How long an unsent command may lie in the outbox before its relay is taken for stopped."""


class StepDefinition(msgspec.Struct, frozen=True):
    """What the configuration knows of a step and the store does not."""

    name: str
    action: str | None = None
    compensation: str | None = None
    timeout: timedelta | None = None
    waits_for: str | None = None
    """`person`, `timer` or `signal`: the step is expected to rest, up to `max_wait`."""
    max_wait: timedelta | None = None
    compensable: bool | None = None
    """None: the step is compensable if a compensation is named for it."""
    pivot: bool = False
    """The step of no return: after it only forward."""
    optional: bool = False
    alternative_of: str | None = None
    idempotent: str = "unknown"
    runbook: str | None = None


class SagaPolicy(msgspec.Struct, frozen=True):
    """Thresholds and step definitions that hold for one saga type."""

    thresholds: Thresholds = Thresholds()
    steps: tuple[StepDefinition, ...] = ()
    parallel: bool = False
    """Several steps may execute at once."""
    compensation_order: str = "any"
    """`reverse` makes a compensation out of reverse order a warning; `any` keeps it an info."""
    irreversible: frozenset[str] = frozenset()
    """Names of the steps that are never undone, worked out from `steps`: the pivots, and what comes after them."""

    def __post_init__(self) -> None:
        """Work out which steps can't be undone; once for a policy, because it is asked for every step of every row."""
        msgspec.structs.force_setattr(self, "irreversible", self._irreversible())

    def step(self, name: str) -> StepDefinition | None:
        """Return what is configured for the step of this name."""
        for definition in self.steps:
            if definition.name == name:
                return definition
        return None

    def line(self, name: str) -> str:
        """Return the step that this one is, in the end, an alternative of; its own name where it is none."""
        seen: set[str] = set()
        while name not in seen:
            seen.add(name)
            defined = self.step(name)
            if defined is None or defined.alternative_of is None:
                break
            name = defined.alternative_of
        return name

    def _irreversible(self) -> frozenset[str]:
        """Return the pivots and the steps after the first of them; an alternative stands where the step stands.

        Steps that may run at the same time come after nothing: there only the pivots themselves can't be undone.
        """
        pivots = {step.name for step in self.steps if step.pivot}
        if not pivots or self.parallel:
            return frozenset(pivots)
        places: dict[str, int] = {}
        for place, step in enumerate(self.steps):
            places.setdefault(step.name, place)
        turn = min(places.get(self.line(name), places[name]) for name in pivots)
        after = {name for name, place in places.items() if places.get(self.line(name), place) > turn}
        return frozenset(pivots | after)


class Policy(msgspec.Struct, frozen=True):
    """The whole configuration's thresholds, by saga type."""

    default: SagaPolicy = SagaPolicy()
    by_type: Mapping[str, SagaPolicy] = msgspec.field(default_factory=lambda: MappingProxyType({}))

    def of(self, saga_type: str | None) -> SagaPolicy:
        """Return what holds for this saga type."""
        if saga_type is None:
            return self.default
        return self.by_type.get(saga_type, self.default)
