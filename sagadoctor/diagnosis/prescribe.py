"""How safe a proposed repair may be called: the two-facts rule, evidence against, and what rules out any repair."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from sagadoctor.model.case import Case
from sagadoctor.model.finding import STORE_KINDS, Evidence, EvidenceKind
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.remedy import REPAIRS, Advice, Remedy, RemedyKind
from sagadoctor.model.saga import NOT_LOOKED_AT, SagaState, StepStatus

from .anatomy import goes_back, past_pivot

# By names of their own, as in `gate`.
_REFUSE: Final = Advice.REFUSE
_SAFE: Final = Advice.SAFE
_STATUS: Final = EvidenceKind.STATUS
_MOVING: Final = frozenset((EvidenceKind.TIME, EvidenceKind.OBSERVATION))
_BEING_UNDONE: Final = (
    Remedy(
        RemedyKind.RETRY_STEP,
        Advice.REFUSE,
        "the saga is being undone, or was: sent forward now, the step would be a late success that stands alone",
        None,
        override="being-undone",
    ),
    Remedy(
        RemedyKind.FAIL_STEP, Advice.REFUSE, "the saga is being undone already, or was", None, override="being-undone"
    ),
)
_SENDS: Final = frozenset((RemedyKind.RESEND_COMPENSATION, RemedyKind.RETRY_STEP))


def prescribe(
    case: Case, evidence: Iterable[Evidence], proposed: Iterable[Remedy], refusals: Iterable[Remedy] = ()
) -> tuple[Remedy, ...]:
    """Return the remedies that may be offered on this case, each with the advice that its facts allow.

    On a case with clock skew no repair is offered at all. Two facts that can't both be wrong for one reason are needed
    for `ask`; a source beside the store for `safe`; evidence against turns it to `wait` or `refuse`. `refusals` are
    the wrong moves that any rule names for this case: no other rule may offer them.
    """
    weight = _weighed(evidence)
    wrong = tuple(refusals)
    unread = _unread(case)
    remedies: list[Remedy] = []
    for remedy in proposed:
        if remedy.kind not in REPAIRS:
            remedies.append(_at_most_ask(remedy, weight))
        elif not case.future:
            remedies.append(_judged(case, weight, remedy, wrong, unread=unread))
    return tuple(remedies)


class _Weight(msgspec.Struct, frozen=True):
    """What the facts of one finding are worth together."""

    against: Evidence | None
    """The first fact against."""
    moving: Evidence | None
    """The first fact against that says that the saga moves."""
    second: bool
    """A source beside the store supports it."""
    enough: bool
    """Two facts support it that can't both be wrong for one reason."""


def _weighed(evidence: Iterable[Evidence]) -> _Weight:
    against = moving = None
    second = status = still = False
    for fact in evidence:
        kind = fact.kind
        if fact.supports:
            second = second or kind not in STORE_KINDS
            status = status or kind is _STATUS
            still = still or kind in _MOVING
        else:
            against = against or fact
            if moving is None and kind in _MOVING:
                moving = fact
    return _Weight(against, moving, second, second or (status and still))


def forbidden(case: Case, policy: SagaPolicy) -> tuple[Remedy, ...]:
    """Return the wrong moves on this case whatever a rule may think of it.

    What sends forward is for sagas that go forward; what leads back is not for those whose step of no return is done.
    """
    refusals = _BEING_UNDONE if goes_back(case, policy) else ()
    turned = past_pivot(case, policy)
    if turned is None:
        return refusals
    back = f"{turned.name}, the step of no return, is done: undoing what stood before it leaves it alone"
    return (
        *refusals,
        Remedy(RemedyKind.FAIL_STEP, Advice.REFUSE, back, None, "past-pivot"),
        Remedy(RemedyKind.RESEND_COMPENSATION, Advice.REFUSE, back, None, "past-pivot"),
    )


def _judged(case: Case, weight: _Weight, remedy: Remedy, wrong: tuple[Remedy, ...], *, unread: bool) -> Remedy:
    if remedy.advice is _REFUSE:
        return remedy
    for move in wrong:
        if move.kind is remedy.kind and move.step in (None, remedy.step):
            return _refused(remedy, move.because, move.override or "refused")
    if case.repeated:
        return _refused(remedy, "two rows have this id, so nobody knows which one would be repaired", "duplicate-id")
    if unread:
        return _refused(remedy, "the state or the steps could not be read", "unreadable")
    owner = case.saga.owner
    if owner is not None and owner.alive is True:
        return _refused(remedy, f"{owner.name} is alive and still works on it", "owner-alive")
    outbox = case.saga.outbox if case.saga.outbox and remedy.kind in _SENDS else ()
    if outbox and any(entry.sent is False and entry.step in (None, remedy.step) for entry in outbox):
        return _refused(
            remedy, "a command of it still lies in the outbox: sent by hand it arrives twice", "outbox-unsent"
        )
    if remedy.kind in _SENDS and any(each.field == "outbox" and each.raw == NOT_LOOKED_AT for each in case.saga.doubts):
        return _refused(remedy, "whether a command of it still lies in the outbox was not looked at", "outbox-unseen")
    if weight.moving is not None:
        because = f"{weight.moving.fact}; look again before acting"
        return msgspec.structs.replace(remedy, advice=Advice.WAIT, because=because, override="moving")
    if weight.against is not None:
        return _refused(remedy, f"there is evidence against it: {weight.against.fact}", "evidence-against")
    if not weight.enough:
        return _refused(remedy, "it would rest on a status word alone, which can be wrong by itself", "one-fact")
    return _at_most_ask(remedy, weight)


def _unread(case: Case) -> bool:
    if case.state is SagaState.UNKNOWN:
        return True
    if case.steps is None:
        return False
    return (not case.steps and case.saga.is_live) or StepStatus.UNKNOWN in case.by_status


def _at_most_ask(remedy: Remedy, weight: _Weight) -> Remedy:
    if remedy.advice is not _SAFE or weight.second:
        return remedy
    return msgspec.structs.replace(remedy, advice=Advice.ASK)


def _refused(remedy: Remedy, because: str, override: str) -> Remedy:
    return msgspec.structs.replace(remedy, advice=Advice.REFUSE, because=because, override=override)
