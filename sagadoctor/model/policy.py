"""The thresholds by which something is late, and what the configuration knows of a saga type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Thresholds:
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


@dataclass(frozen=True, slots=True)
class StepDefinition:
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


@dataclass(frozen=True, slots=True)
class SagaPolicy:
    """Thresholds and step definitions that hold for one saga type."""

    thresholds: Thresholds = Thresholds()
    steps: tuple[StepDefinition, ...] = ()
    parallel: bool = False
    """Several steps may execute at once."""
    compensation_order: str = "any"
    """`reverse` makes a compensation out of reverse order a warning; `any` keeps it an info."""

    def step(self, name: str) -> StepDefinition | None:
        """Return what is configured for the step of this name."""
        for definition in self.steps:
            if definition.name == name:
                return definition
        return None


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole configuration's thresholds, by saga type."""

    default: SagaPolicy = SagaPolicy()
    by_type: Mapping[str, SagaPolicy] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, saga_type: str | None) -> SagaPolicy:
        """Return what holds for this saga type."""
        if saga_type is None:
            return self.default
        return self.by_type.get(saga_type, self.default)
