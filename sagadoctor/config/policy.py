"""The policy of the diagnosis from the sections `[policy]` and `[sagas.TYPE]`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import fields, replace

from sagadoctor.model.policy import Policy, SagaPolicy, StepDefinition, Thresholds

from .sections import PolicySection, SagaSection, StepSection, ThresholdSection


def policy_of(said: PolicySection, sagas: Mapping[str, SagaSection]) -> Policy:
    """Return the thresholds for all types, and over them those of each type with its steps."""
    default = _thresholds(Thresholds(), said)
    by_type = {
        name: SagaPolicy(
            thresholds=_thresholds(default, saga.policy),
            steps=tuple(map(_step, saga.steps)),
            parallel=saga.parallel,
            compensation_order=saga.compensation_order,
        )
        for name, saga in sagas.items()
    }
    return Policy(SagaPolicy(thresholds=default), MappingProxyType(by_type))


def _thresholds(below: Thresholds, said: ThresholdSection) -> Thresholds:
    given = {name: getattr(said, name) for name in ThresholdSection.model_fields}
    return replace(below, **{name: value for name, value in given.items() if value is not None})


def _step(said: StepSection) -> StepDefinition:
    return StepDefinition(**{field.name: getattr(said, field.name) for field in fields(StepDefinition)})
