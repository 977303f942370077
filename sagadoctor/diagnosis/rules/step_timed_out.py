"""step-timed-out: a step is out past its own deadline, else past the timeout configured for it."""

from __future__ import annotations

from datetime import datetime

from sagadoctor.model.case import Case
from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import FORWARD, SagaState, StepStatus

from .. import facts, treatments
from ..anatomy import asleep, error, executing, next_attempt, waits_for
from ..deadlines import step_due, words
from ..sign import Rule, Sign


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when an executing step of a forward saga has passed its deadline, and nobody says that it rests."""
    if case.state not in FORWARD or case.state is SagaState.PAUSED:
        return None
    if case.state is SagaState.BACKING_OFF and asleep(case, policy, now):
        return None
    late = [
        (due, step) for step in executing(case) if (due := step_due(case, step, policy)) is not None and due.at < now
    ]
    late = [(due, step) for due, step in late if step.next_attempt_at is None or step.next_attempt_at <= now]
    if not late:
        return None
    due, step = min(late, key=lambda pair: pair[0].at)
    said = error(case, step)
    evidence = [facts.step_status(case, step), facts.overdue(case, due, now)]
    if due.kind is EvidenceKind.DECLARED:
        evidence += facts.standstill(case, now)
    if said:
        evidence.append(facts.status(case, f"the error is: {said}"))
    evidence += facts.free_locks(case)
    if case.progress_at is not None and case.progress_at > due.at:
        evidence.append(facts.moved_after(case))
    again = next_attempt(case)
    if again is not None and again[0] > now:
        evidence.append(facts.tries_again(case, again, now))
    span = words((now - due.at).total_seconds())
    resting = waits_for(case, policy)
    return Sign(
        summary=f"{step.name} was sent and has not answered; its time was up {span} ago",
        evidence=tuple(evidence),
        step=step,
        due=due.at,
        cause=said,
        treatments=(
            *((treatments.call_human(f"ask whoever it waits for ({resting})", step),) if resting is not None else ()),
            treatments.retry_step(step, policy, "the command or its reply may be lost, or the participant may be slow"),
            treatments.fail_step(step, "then the saga compensates; right only if the participant did not do the work"),
        ),
    )


RULE = Rule(
    "step-timed-out",
    Severity.CRITICAL,
    examine,
    "steps that never answered",
    states=FORWARD,
    statuses=frozenset((StepStatus.EXECUTING,)),
)
