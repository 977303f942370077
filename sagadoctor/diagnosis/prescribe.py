"""How safe a proposed repair may be called: the two-facts rule, evidence against, and what rules out any repair."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from sagadoctor.model.case import Case
from sagadoctor.model.finding import STORE_KINDS, Evidence, EvidenceKind
from sagadoctor.model.remedy import REPAIRS, Advice, Remedy, RemedyKind
from sagadoctor.model.saga import SagaState, StepStatus

_MOVING: Final = frozenset((EvidenceKind.TIME, EvidenceKind.OBSERVATION))
_SENDS: Final = frozenset((RemedyKind.RESEND_COMPENSATION, RemedyKind.RETRY_STEP))


def prescribe(
    case: Case, evidence: Iterable[Evidence], proposed: Iterable[Remedy], refusals: Iterable[Remedy] = ()
) -> tuple[Remedy, ...]:
    """Return the remedies that may be offered on this case, each with the advice that its facts allow.

    On a case with clock skew no repair is offered at all. Two facts that can't both be wrong for one reason are needed
    for `ask`; a source beside the store for `safe`; evidence against turns it to `wait` or `refuse`. `refusals` are
    the wrong moves that any rule names for this case: no other rule may offer them.
    """
    facts = tuple(evidence)
    wrong = tuple(refusals)
    remedies: list[Remedy] = []
    for remedy in proposed:
        if remedy.kind not in REPAIRS:
            remedies.append(_at_most_ask(remedy, facts))
        elif not case.future:
            remedies.append(_judged(case, facts, remedy, wrong))
    return tuple(remedies)


def _judged(case: Case, facts: tuple[Evidence, ...], remedy: Remedy, wrong: tuple[Remedy, ...]) -> Remedy:
    if remedy.advice is Advice.REFUSE:
        return remedy
    for move in wrong:
        if move.kind is remedy.kind and move.step in (None, remedy.step):
            return _refused(remedy, move.because, move.override or "refused")
    if case.repeated:
        return _refused(remedy, "two rows have this id, so nobody knows which one would be repaired", "duplicate-id")
    if case.state is SagaState.UNKNOWN or any(step.status is StepStatus.UNKNOWN for step in case.steps or ()):
        return _refused(remedy, "the state or a step could not be read", "unreadable")
    owner = case.saga.owner
    if owner is not None and owner.alive is True:
        return _refused(remedy, f"{owner.name} is alive and still works on it", "owner-alive")
    if remedy.kind in _SENDS and any(
        entry.sent is False and entry.step in (None, remedy.step) for entry in case.saga.outbox
    ):
        return _refused(
            remedy, "a command of it still lies in the outbox: sent by hand it arrives twice", "outbox-unsent"
        )
    against = [fact for fact in facts if not fact.supports]
    moving = next((fact for fact in against if fact.kind in _MOVING), None)
    if moving is not None:
        return msgspec.structs.replace(
            remedy, advice=Advice.WAIT, because=f"{moving.fact}; look again before acting", override="moving"
        )
    if against:
        return _refused(remedy, f"there is evidence against it: {against[0].fact}", "evidence-against")
    if not _two_facts(facts):
        return _refused(remedy, "it would rest on a status word alone, which can be wrong by itself", "one-fact")
    return _at_most_ask(remedy, facts)


def _at_most_ask(remedy: Remedy, facts: tuple[Evidence, ...]) -> Remedy:
    if remedy.advice is not Advice.SAFE or _second_source(facts):
        return remedy
    return msgspec.structs.replace(remedy, advice=Advice.ASK)


def _two_facts(facts: tuple[Evidence, ...]) -> bool:
    kinds = {fact.kind for fact in facts if fact.supports}
    return _second_source(facts) or (EvidenceKind.STATUS in kinds and bool(kinds & _MOVING))


def _second_source(facts: tuple[Evidence, ...]) -> bool:
    return any(fact.supports and fact.kind not in STORE_KINDS for fact in facts)


def _refused(remedy: Remedy, because: str, override: str) -> Remedy:
    return msgspec.structs.replace(remedy, advice=Advice.REFUSE, because=because, override=override)
