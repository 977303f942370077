"""What a rule is, and what it says when it holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, Severity
from sagadoctor.model.policy import Policy, SagaPolicy
from sagadoctor.model.remedy import Remedy
from sagadoctor.model.saga import SagaState, Step, StepStatus
from sagadoctor.model.survey import Survey


class Sign(msgspec.Struct, frozen=True):
    """One rule's answer: what is wrong, on which facts, and what could be done.

    `summary` is one sentence that a tired person understands, with outside text in it as it came. `due` is the
    deadline that has passed, where there is one. `cause` is what findings of one group share beside rule, type and
    step: an error text (masked later) or nothing. `leads` is False where the sign may never be the primary finding
    while another one holds.
    """

    summary: str
    evidence: tuple[Evidence, ...]
    step: Step | None = None
    severity: Severity | None = None
    due: datetime | None = None
    cause: str | None = None
    leads: bool = True
    treatments: tuple[Remedy, ...] = ()


class Rule(msgspec.Struct, frozen=True):
    """One sickness: its stable name, its severity, and the pure function that recognises it."""

    name: str
    severity: Severity
    examine: Callable[[Case, SagaPolicy, datetime], Sign | None]
    title: str
    """What findings of one group are called, before step and cause are added."""
    states: frozenset[SagaState] = frozenset(SagaState)
    """It holds in no other state."""
    statuses: frozenset[StepStatus] | None = None
    """It holds only where a step has one of these; None where it may hold without."""

    def may_hold(self, state: SagaState, statuses: frozenset[StepStatus]) -> bool:
        """Say whether the rule has to be asked of a saga in this state whose steps have these statuses."""
        return state in self.states and (self.statuses is None or not self.statuses.isdisjoint(statuses))


class SurveySign(msgspec.Struct, frozen=True):
    """What a survey rule says: about these sagas (each gets the sign in its own case), or about the store itself."""

    sign: Sign
    saga_ids: tuple[str, ...] = ()


class SurveyRule(msgspec.Struct, frozen=True):
    """A sickness that no single row shows; reads aggregates that the store computed."""

    name: str
    severity: Severity
    examine: Callable[[Survey, Policy, datetime], tuple[SurveySign, ...]]
    title: str
