"""reply-lost: the participant has answered, and the saga's own consumer did not take the reply: the step stays out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from sagadoctor.model.case import Case
from sagadoctor.model.finding import Evidence, EvidenceKind, Severity
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import Advice, Remedy, RemedyKind
from sagadoctor.model.saga import NOT_ENDED, OutboxEntry, Reply, ReplyOutcome, SagaState, Step, StepStatus

from .. import facts, treatments
from ..anatomy import next_attempt, with_status
from ..deadlines import Due, after, saga_due, step_due, words
from ..sign import Rule, Sign

_SAID: Final = {ReplyOutcome.DONE: "done", ReplyOutcome.REFUSED: "refused", None: "with an outcome that nobody mapped"}


def _latest(entries: tuple[OutboxEntry, ...]) -> OutboxEntry | None:
    """Return the entry that was written last; where nothing tells, the last one in their order."""
    found: OutboxEntry | None = None
    for entry in entries:
        at, before = entry.created_at or entry.sent_at, (found.created_at or found.sent_at) if found else None
        if before is None or (at is not None and at >= before):
            found = entry
    return found


def _asked_for(case: Case, entry: OutboxEntry) -> Step | None:
    """Return the step that a command is for, by the step's name or by that of the command."""
    said = entry.step
    if said is None:
        return None
    return next((step for step in case.steps or () if said in (step.name, step.action, step.compensation)), None)


def _still_out(case: Case, reply: Reply) -> tuple[bool, Step | None]:
    """Say whether the saga still waits for this reply, and of which step it is; one that moved on needs it no more."""
    entries = case.saga.outbox
    entry = next((each for each in entries if each.entry_id == reply.answers), None)
    step = _asked_for(case, entry) if entry is not None else None
    if entry is not None and step is not None:
        same = tuple(each for each in entries if each.step == entry.step)
        waited_for = {
            StepStatus.EXECUTING: (step.name, step.action),
            StepStatus.COMPENSATING: (step.name, step.compensation),
        }
        return entry.step in waited_for.get(step.status, ()) and _latest(same) is entry, step
    if case.steps and not with_status(case, StepStatus.EXECUTING, StepStatus.COMPENSATING):
        return False, None
    return not entries or _latest(entries) is entry, case.current


def _lateness(
    case: Case, reply: Reply, step: Step | None, at: datetime, policy: SagaPolicy, now: datetime
) -> tuple[timedelta, datetime | None]:
    """Return how long a reply may lie, and from when this one is late; None for one that is not.

    Where the step is past its own deadline, a minute is enough; a reply that has not left its outbox has no longer.
    """
    limits = policy.thresholds
    usual = limits.compensation if case.state is SagaState.COMPENSATING else limits.no_progress
    due: Due | None = None
    if case.state is not SagaState.COMPENSATING:  # how long an undo may take is not for the step's timeout to say
        due = step_due(case, step, policy) if step is not None else saga_due(case)
    short = reply.sent is False or (due is not None and due.at < now)
    limit = min(limits.outbox, usual) if short else usual
    return usual, after(at, limit) if now - at > limit else None


def _is_ahead(reply: Reply, policy: SagaPolicy, now: datetime) -> bool:
    """Say whether a reply's own time can't be right: when it was written is not known then."""
    return reply.at is not None and reply.at > after(now, policy.thresholds.skew)


def examine(case: Case, policy: SagaPolicy, now: datetime) -> Sign | None:
    """Hold when the command that is out was answered a while ago and its reply is not among what the saga took."""
    saga = case.saga
    if not saga.replies or not saga.is_live or case.state is SagaState.PAUSED:
        return None
    taken = {reply.answers for reply in saga.replies if reply.taken is True}
    late: list[tuple[datetime, datetime, timedelta, Reply, Step | None]] = []
    for reply in saga.replies:
        at = case.progress_at if reply.at is None or _is_ahead(reply, policy, now) else reply.at
        out, step = _still_out(case, reply)
        if at is None or not out or reply.answers in taken:
            continue
        usual, since = _lateness(case, reply, step, at, policy, now)
        if since is not None:
            late.append((since, at, usual, reply, step))
    if not late:
        return None
    since, at, usual, reply, step = min(late, key=lambda each: each[0])
    sign = _sign(case, reply, step, at, now, usual, since)
    if not _is_ahead(reply, policy, now):
        return sign
    fact = f"reply {reply.reply_id} says that it was written in the future: the clock of whoever wrote it is wrong"
    odd = Evidence(fact, EvidenceKind.STATUS, reply.source, False, reply.at)
    return replace(sign, evidence=(*sign.evidence, odd))


def _sign(
    case: Case, reply: Reply, step: Step | None, at: datetime, now: datetime, usual: timedelta, due: datetime
) -> Sign:
    span = words((now - at).total_seconds())
    what = step.name if step is not None else "its command"
    ending = (
        "the reply still lies in its outbox"
        if reply.sent is False
        else "the saga did not take the reply"
        if reply.taken is False
        else "the saga does not know it"
    )
    return Sign(
        summary=f"{what} was answered {span} ago ({_SAID[reply.outcome]}), and {ending}",
        evidence=(*_for(case, reply, step, at, span), *_against(case, reply, at, now, usual, span)),
        step=step,
        due=due,
        cause=reply.taken_by or reply.source,
        treatments=_treatments(case, reply, step),
    )


def _for(case: Case, reply: Reply, step: Step | None, at: datetime, span: str) -> list[Evidence]:
    def told(fact: str, when: datetime | None = at) -> Evidence:
        return Evidence(fact, EvidenceKind.STATUS, reply.source, True, when)

    evidence = [
        told(f"reply {reply.reply_id} in {reply.source} answers command {reply.answers}: {_SAID[reply.outcome]}"),
        facts.time(case, f"the reply was written {span} ago", at),
        facts.step_status(case, step) if step is not None else facts.saga_state(case),
    ]
    if reply.taken is False:
        evidence.append(told(f"it is not among what {reply.taken_by} received", None))
    for receipt in case.saga.received:
        if receipt.message_id == reply.answers:
            by = f" by {receipt.consumer}" if receipt.consumer else ""
            fact = f"command {receipt.message_id} was received{by}"
            evidence.append(Evidence(fact, EvidenceKind.STATUS, receipt.source, True, receipt.at))
    return evidence


def _against(case: Case, reply: Reply, at: datetime, now: datetime, usual: timedelta, span: str) -> list[Evidence]:
    evidence: list[Evidence] = []
    if reply.sent is False:
        fact = f"reply {reply.reply_id} has not left its outbox: once the relay runs, it arrives by itself"
        evidence.append(Evidence(fact, EvidenceKind.STATUS, reply.source, False, at))
    elif now - at <= usual:
        fact = f"the reply is only {span} old: whoever takes replies may still come to it"
        evidence.append(facts.time(case, fact, at, supports=False))
    watched = case.observed is None or not case.observed.first_look or case.progress_from != "observation"
    if watched and case.progress_at is not None and case.progress_at > at:
        fact = f"the row still moved after the reply ({case.progress_from})"
        evidence.append(facts.time(case, fact, case.progress_at, supports=False))
    again = next_attempt(case)
    if again is not None and again[0] > now:
        evidence.append(facts.tries_again(case, again, now))
    return evidence


def _treatments(case: Case, reply: Reply, step: Step | None) -> tuple[Remedy, ...]:
    name = step.name if step is not None else None
    undone = case.state is SagaState.COMPENSATING
    again = RemedyKind.RESEND_COMPENSATION if undone else RemedyKind.RETRY_STEP
    refused = [treatments.refuse(again, "it was answered: sent again, it may be done twice", "answered", step)]
    if not undone and reply.outcome is ReplyOutcome.DONE:
        because = "the participant did the work: the saga would undo everything but this step"
        refused.append(treatments.refuse(RemedyKind.FAIL_STEP, because, "answered", step))
    if reply.sent is False:
        return (
            Remedy(RemedyKind.RESTART_RELAY, Advice.ASK, "once the relay runs, the reply leaves by itself", name),
            treatments.refuse(
                RemedyKind.DELIVER_REPLY,
                "it is still in the outbox: delivered by hand it arrives twice",
                "reply-unsent",
                step,
            ),
            *refused,
        )
    who = reply.taken_by or "whoever takes the saga's replies"
    return (
        treatments.call_human(
            f"look at {who}: a handler that throws at this reply, or one before it, holds it up", step
        ),
        Remedy(RemedyKind.DELIVER_REPLY, Advice.ASK, "the saga goes on as soon as it knows of the answer", name),
        *refused,
    )


RULE = Rule("reply-lost", Severity.CRITICAL, examine, "replies that the saga never took", states=NOT_ENDED)
