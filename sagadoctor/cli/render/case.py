"""One saga for a person: where it stands, its steps, what happened when, what is wrong and what could be done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from sagadoctor.cli.terminal import ADVICE_COLOUR, SEVERITY_GLYPH, STEP_GLYPH, Terminal
from sagadoctor.diagnosis.anatomy import UNDO_BEGUN
from sagadoctor.diagnosis.deadlines import step_due, words
from sagadoctor.export.command_line import acknowledge_command, remedy_command
from sagadoctor.export.links import links
from sagadoctor.model.case import Case
from sagadoctor.model.finding import Finding
from sagadoctor.model.saga import OutboxEntry, Step, StepStatus
from sagadoctor.model.seen import Acknowledgement
from sagadoctor.untrusted import sentence, shown

if TYPE_CHECKING:
    from sagadoctor.bootstrap import Doctor
    from sagadoctor.services.show import ShownCase

_ENDS: Final = 500
"""Of a saga with more than twice as many steps only the first and the last ones are printed."""


def print_case(terminal: Terminal, doctor: Doctor, one: ShownCase, options: tuple[str, ...], *, payload: bool) -> None:
    """Print one case."""
    case = one.case
    _head(terminal, case, one.now)
    _steps(terminal, doctor, case, one.now)
    _timeline(terminal, case, one.now)
    if one.findings:
        for finding in one.findings:
            _finding(terminal, doctor, finding, one.words.get(finding.id), options)
    _prognosis(terminal, one)
    if payload:
        _payload(terminal, doctor, case)


def _head(terminal: Terminal, case: Case, now: datetime) -> None:
    saga = case.saga
    kind = f"{shown(saga.saga_type, 80)} " if saga.saga_type else ""
    named = shown(saga.saga_id, 200) or "''"
    terminal.line(terminal.paint(f"{kind}{named}", "bold"))
    raw = f" (the store says {shown(saga.raw_state, 80)})" if saga.raw_state not in (None, saga.state.value) else ""
    facts = [("state", f"{saga.state.value}{raw}"), ("store", str(shown(saga.source, 160)))]
    if saga.business_key:
        facts.append(("key", str(shown(saga.business_key, 120))))
    if case.progress_at is not None:
        ago = words((now - case.progress_at).total_seconds())
        facts.append(("progress", f"{_at(case.progress_at)}, {ago} ago ({shown(case.progress_from or '', 80)})"))
    if saga.owner is not None:
        alive = {True: "alive", False: "gone", None: "nobody can tell whether it is alive"}[saga.owner.alive]
        facts.append(("owner", f"{shown(saga.owner.name, 80)}, {alive}"))
    if saga.attempts is not None:
        facts.append(("attempts", str(saga.attempts)))
    if saga.error:
        facts.append(("error", str(sentence(saga.error, 600))))
    for label, value in (("parent", saga.parent_id), ("trace", saga.trace_id), ("correlation", saga.correlation_id)):
        if value:
            facts.append((label, str(shown(value, 160))))
    for label, text in facts:
        terminal.wrapped(text, f"  {label:<12}")
    for link in case.linked:
        other = f"{shown(link.saga.store, 40)}/{shown(link.saga.saga_id, 120)} is {link.saga.state.value}"
        terminal.line(f"  {link.relation.value.replace('_', ' '):<12}{other}")
    terminal.line()


def _steps(terminal: Terminal, doctor: Doctor, case: Case, now: datetime) -> None:
    steps = case.steps
    if steps is None:
        terminal.line("  no steps are known: neither the store nor the configuration names them")
        terminal.line()
        return
    terminal.line(terminal.paint(f"Steps ({max(len(steps), steps[-1].index + 1) if steps else 0})", "bold"))
    policy = doctor.configuration.policy.of(case.saga.saga_type)
    expected = 0
    for step in steps if len(steps) <= 2 * _ENDS else (*steps[:_ENDS], *steps[-_ENDS:]):
        if step.index > expected:
            terminal.line(f"  … {step.index - expected} more steps …")
        expected = step.index + 1
        here = terminal.paint(" ← here", "bold") if step is case.current and case.saga.is_live else ""
        if terminal.ascii:
            here = here.replace("←", "<-")
        glyph = terminal.glyph(STEP_GLYPH[step.status])
        raw = f" [{shown(step.raw_status, 40)}]" if step.raw_status not in (None, step.status.value) else ""
        terminal.line(f"  {glyph} {shown(step.name, 60):<28} {step.status.value.replace('_', ' ')}{raw}{here}")
        details = []
        if step.status is StepStatus.EXECUTING and (due := step_due(case, step, policy)) is not None:
            span = words((due.at - now).total_seconds())
            details.append(f"deadline {_at(due.at)} ({'in ' + span if due.at > now else span + ' ago'})")
        if step.attempts is not None:
            details.append(f"{step.attempts} attempts")
        if step.error:
            details.append(str(sentence(step.error, 300)))
        for detail in details:
            terminal.wrapped(detail, "      ")
    terminal.line()


def _timeline(terminal: Terminal, case: Case, now: datetime) -> None:
    saga = case.saga
    moments = [(saga.created_at, "created"), (saga.updated_at, "row updated"), (saga.ended_at, "ended")]
    moments.append((saga.deadline, "deadline of the saga"))
    for step in case.steps or ():
        name = shown(step.name, 60)
        moments += [
            (step.started_at, f"{name} sent"),
            (step.executed_at, f"{name} {'failed' if step.status is StepStatus.FAILED else 'ended'}"),
            (step.compensated_at, f"{name} compensated"),
        ]
        if step.timeout_at is not None and (step.executed_at is None or step.executed_at > step.timeout_at):
            moments.append((step.timeout_at, f"{name} deadline"))
    moments += [
        (entry.created_at, f"{_command(entry, case.steps or ())} written to the outbox") for entry in saga.outbox
    ]
    for receipt in saga.received:
        by = f" by {shown(receipt.consumer, 60)}" if receipt.consumer else ""
        moments.append((receipt.at, f"command {shown(receipt.message_id, 60)} received{by}"))
    for reply in saga.replies:
        taken = {True: ", taken", False: ", not taken", None: ""}[reply.taken]
        outcome = f" ({reply.outcome.value})" if reply.outcome is not None else ""
        moments.append((reply.at, f"command {shown(reply.answers, 60)} answered{outcome}{taken}"))
    known = sorted(((at, text) for at, text in moments if at is not None), key=lambda pair: pair[0])
    if not known:
        return
    terminal.line(terminal.paint("Timeline (UTC)", "bold"))
    cut = known if len(known) <= 60 else [*known[:20], *known[-40:]]
    for at, text in cut:
        ahead = at > now
        span = words((at - now if ahead else now - at).total_seconds())
        away = f"in {span}" if ahead else f"{span} ago"
        terminal.wrapped(text, f"  {_at(at)}  {away:>11}  ")
    if len(cut) < len(known):
        terminal.line(f"  … {len(known) - len(cut)} more moments in between")
    terminal.line()


def _command(entry: OutboxEntry, steps: Sequence[Step]) -> str:
    """Say which command an outbox row is, as far as the rows tell: by the name it has, else by when it was written.

    What was written after the step was done, and is of a step whose undo has begun, asks for the undo.
    """
    said = entry.step
    if said is None:
        return f"command {shown(entry.entry_id, 60)}"
    for step in steps:
        if said not in (step.name, step.action, step.compensation):
            continue
        after = step.executed_at is not None and entry.created_at is not None and entry.created_at >= step.executed_at
        undo = after and step.status in UNDO_BEGUN if said == step.name else said == step.compensation
        known = step.compensation if undo else step.action
        told = f" {shown(known, 60)}" if known is not None and known != step.name else ""
        if undo:
            return f"undo command{told} of {shown(step.name, 60)}"
        return f"command{told} of {shown(step.name, 60)}" if told else f"command {shown(step.name, 60)}"
    return f"command {shown(said, 60)}"


def _finding(
    terminal: Terminal, doctor: Doctor, finding: Finding, word: Acknowledgement | None, options: tuple[str, ...]
) -> None:
    glyph = terminal.glyph(SEVERITY_GLYPH[finding.severity])
    lead = "" if finding.primary else "  (also)"
    terminal.line(terminal.paint(f"{glyph} {finding.severity.value} {finding.rule}", finding.severity.value) + lead)
    terminal.wrapped(sentence(finding.summary, 600), "    ")
    for fact in finding.evidence:
        when = f", {_at(fact.observed_at)}" if fact.observed_at else ""
        text = f"{sentence(fact.fact, 400)} ({shown(fact.source, 80)}{when})"
        terminal.wrapped(text, "    for      " if fact.supports else "    AGAINST  ")
    for remedy in finding.remedies:
        step = f" {shown(remedy.step, 60)}" if remedy.step else ""
        code = f" [{remedy.override}]" if remedy.override else ""
        kind = f" {remedy.kind.value}" if remedy.kind.value != remedy.advice.value else ""
        because = sentence(remedy.because, 400)
        text = f":{kind}{step}: {because}{code}" if kind or step else f": {because}"
        terminal.wrapped(text, "    → ", head=remedy.advice.value, colour=ADVICE_COLOUR[remedy.advice])
        command = remedy_command(finding, remedy, *options)
        if command:
            terminal.line(f"      {command}")
    if finding.runbook is not None:
        terminal.wrapped(sentence(finding.runbook, 2000), "    runbook  ")
    for name, url in links(finding, doctor.configuration.links).items():
        terminal.line(f"    {shown(name, 40)}: {sentence(url, 600)}")
    if finding.acknowledged_until is not None:
        terminal.wrapped(_acknowledged(finding.acknowledged_until, finding, word), "    ")
    elif finding.primary:
        terminal.line(terminal.paint(f"    quiet for 2h: {acknowledge_command(finding, '2h', *options)}", "dim"))
    terminal.line()


def _acknowledged(until: datetime, finding: Finding, word: Acknowledgement | None) -> str:
    """Say until when, and by whose word, why, and about what where it was said of something else."""
    if word is None:
        return f"acknowledged until {_at(until)}"
    about = "" if word.target == finding.id else f", with {shown(word.target, 40)}"
    reason = f": {sentence(word.reason, 400)}" if word.reason else ""
    return f"acknowledged until {_at(until)} by {shown(word.by, 60)}{about}{reason}"


def _prognosis(terminal: Terminal, one: ShownCase) -> None:
    if one.prognosis is None:
        return
    if not one.case.saga.is_live:
        terminal.line(terminal.paint("Nothing is wrong with it: it has ended and everything fits together.", "good"))
        return
    late = one.prognosis
    if late.late_at is None or late.finding is None:
        terminal.line(terminal.paint("Nothing is wrong with it, and no deadline is known that it could miss.", "good"))
        return
    span = words((late.late_at - one.now).total_seconds())
    today = late.late_at.date() == one.now.date()
    when = f"{late.late_at:%H:%M:%S} UTC" if today else f"{_at(late.late_at)} UTC"
    text = f" It would be late at {when} (in {span}) if nothing moved: {late.finding.rule}."
    terminal.wrapped(text, "", head="Nothing is wrong with it.", colour="good")


def _payload(terminal: Terminal, doctor: Doctor, case: Case) -> None:
    import msgspec

    raw = case.saga.payload
    terminal.line(terminal.paint("Payload (redacted)", "bold"))
    if raw is None:
        terminal.line("  none, or the mapping names no payload column")
        return
    try:
        value = doctor.backends.redactor.payload(msgspec.json.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # No path and no name tells what in it is secret, so nothing of it is shown.
        terminal.line(f"  not JSON ({shown(error, 120)}): {len(raw)} bytes, sha256 {sha256(raw).hexdigest()}")
        return
    for line in msgspec.json.format(msgspec.json.encode(value), indent=2).decode().splitlines():
        terminal.line(f"  {shown(line, 400)}")


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
