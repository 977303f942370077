"""One saga as JSON."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from sagadoctor.cli.terminal import Terminal
from sagadoctor.export.wire import blind_spot_wire, encode, finding_wire, moment
from sagadoctor.model.saga import Step
from sagadoctor.model.seen import Acknowledgement

if TYPE_CHECKING:
    from sagadoctor.bootstrap import Doctor
    from sagadoctor.services.show import Shown, ShownCase


def print_json(terminal: Terminal, doctor: Doctor, shown: Shown, options: tuple[str, ...], *, payload: bool) -> None:
    """Print every case of the answer as one document."""
    cases = [_case(doctor, one, options, payload=payload) for one in shown.cases]
    document = {
        "schema": "sagadoctor.case/1",
        "cases": cases,
        "blind_spots": [blind_spot_wire(spot) for spot in shown.blind_spots],
        "complete": not shown.blind_spots,
    }
    terminal.line(encode(document))


def _case(doctor: Doctor, one: ShownCase, options: tuple[str, ...], *, payload: bool) -> dict[str, Any]:
    saga, case = one.case.saga, one.case
    wire: dict[str, Any] = {
        "as_of": moment(one.now),
        "store": saga.store,
        "source": saga.source,
        "saga_id": saga.saga_id,
        "saga_type": saga.saga_type,
        "state": saga.state.value,
        "raw_state": saga.raw_state,
        "business_key": saga.business_key,
        "current_step": case.current.name if case.current is not None else saga.current_step,
        "created_at": moment(saga.created_at),
        "updated_at": moment(saga.updated_at),
        "ended_at": moment(saga.ended_at),
        "progress_at": moment(case.progress_at),
        "progress_from": case.progress_from,
        "error": saga.error,
        "attempts": saga.attempts,
        "steps": None if case.steps is None else [_step(step) for step in case.steps],
        "linked": [
            {"relation": link.relation.value, "store": link.saga.store, "saga_id": link.saga.saga_id}
            | {"state": link.saga.state.value}
            for link in case.linked
        ],
        "doubts": [{"field": doubt.field, "raw": doubt.raw, "reason": doubt.reason} for doubt in saga.doubts],
        "findings": [
            finding_wire(finding, doctor.configuration.links, options) | _word(one.words.get(finding.id))
            for finding in one.findings
        ],
    }
    if one.prognosis is not None:
        late = one.prognosis
        wire["late_at"] = moment(late.late_at)
        wire["late_rule"] = late.finding.rule if late.finding is not None else None
    if payload:
        wire["payload"] = _payload(doctor, saga.payload)
    return wire


def _word(word: Acknowledgement | None) -> dict[str, Any]:
    if word is None:
        return {}
    return {
        "acknowledgement": {
            "target": word.target,
            "until": moment(word.until),
            "by": word.by,
            "reason": word.reason,
            "at": moment(word.at),
        }
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "status": step.status.value,
        "raw_status": step.raw_status,
        "derived": step.derived,
        "action": step.action,
        "compensation": step.compensation,
        "started_at": moment(step.started_at),
        "executed_at": moment(step.executed_at),
        "compensated_at": moment(step.compensated_at),
        "timeout_at": moment(step.timeout_at),
        "attempts": step.attempts,
        "next_attempt_at": moment(step.next_attempt_at),
        "error": step.error,
        "has_result": step.result is not None,
    }


def _payload(doctor: Doctor, raw: bytes | None) -> object:
    if raw is None:
        return None
    try:
        return doctor.backends.redactor.payload(msgspec.json.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"not_json": {"bytes": len(raw), "hash": f"sha256:{sha256(raw).hexdigest()}"}}
