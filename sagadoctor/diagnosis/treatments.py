"""Proposals that several rules share; how safe each one is allowed to be is decided in `prescribe`."""

from __future__ import annotations

from sagadoctor.model.case import Case
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Advice, Remedy, RemedyKind
from sagadoctor.model.saga import Step, StepStatus

from .anatomy import goes_back


def resend_compensation(step: Step, policy: SagaPolicy, because: str, advice: Advice = Advice.ASK) -> Remedy:
    """Propose to send a step's undo again."""
    return Remedy(RemedyKind.RESEND_COMPENSATION, advice, _with_idempotence(because, step, policy), step.name)


def retry_step(step: Step, policy: SagaPolicy, because: str, advice: Advice = Advice.ASK) -> Remedy:
    """Propose to send a step's command again."""
    return Remedy(RemedyKind.RETRY_STEP, advice, _with_idempotence(because, step, policy), step.name)


def send_again(case: Case, step: Step | None, policy: SagaPolicy, because: str) -> tuple[Remedy, ...]:
    """Propose to send again what is out, back or forward; of a saga that goes back nothing that isn't out."""
    if step is None:
        return ()
    if step.status in (StepStatus.COMPENSATING, StepStatus.COMPENSATION_FAILED):
        return (resend_compensation(step, policy, because),)
    if step.status is not StepStatus.EXECUTING and goes_back(case, policy):
        return ()
    return (retry_step(step, policy, because),)


def fail_step(step: Step, because: str, advice: Advice = Advice.ASK) -> Remedy:
    """Propose to tell the orchestrator that the step failed, so that it compensates."""
    return Remedy(RemedyKind.FAIL_STEP, advice, because, step.name)


def call_human(because: str, step: Step | None = None) -> Remedy:
    """Propose that a person who knows the participants decides."""
    return Remedy(RemedyKind.CALL_HUMAN, Advice.ASK, because, step.name if step else None)


def wait(because: str, step: Step | None = None) -> Remedy:
    """Propose to do nothing yet."""
    return Remedy(RemedyKind.WAIT, Advice.WAIT, because, step.name if step else None)


def refuse(kind: RemedyKind, because: str, override: str, step: Step | None = None) -> Remedy:
    """Name the tempting wrong move and why it is refused."""
    return Remedy(kind, Advice.REFUSE, because, step.name if step else None, override)


def _with_idempotence(because: str, step: Step, policy: SagaPolicy) -> str:
    defined = policy.step(step.name)
    how = defined.idempotent if defined is not None else "unknown"
    if how == "none":
        return f"{because}; the participant is declared NOT idempotent: a repeat is done twice"
    if how == "unknown":
        return f"{because}; nobody has said whether the participant knows a repeat"
    return f"{because}; the participant knows a repeat by its {how}"
