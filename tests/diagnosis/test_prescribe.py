"""How safe a repair may be called: the two-facts rule, evidence against, and what rules it out."""

from __future__ import annotations

from typing import Any

import pytest

from sagadoctor.diagnosis.prescribe import prescribe
from sagadoctor.model.finding import STORE_KINDS, Evidence, EvidenceKind
from sagadoctor.model.remedy import REPAIRS, Advice, Remedy, RemedyKind
from sagadoctor.model.saga import Doubt, OutboxEntry, Owner, SagaState
from sagadoctor.testing.builders import PAY, RESERVE, ahead, case, saga

RETRY = Remedy(RemedyKind.RETRY_STEP, Advice.SAFE, "it may be lost", PAY)
BESIDE = [kind for kind in EvidenceKind if kind not in STORE_KINDS]


def fact(kind: EvidenceKind, *, supports: bool = True) -> Evidence:
    return Evidence(f"a {kind.value} says so", kind, "somewhere", supports)


STATUS, TIME = fact(EvidenceKind.STATUS), fact(EvidenceKind.TIME)


def judged(*evidence: Evidence, remedy: Remedy = RETRY, **fields: Any) -> Remedy:
    (answer,) = prescribe(case(saga(**fields)), evidence, [remedy])
    return answer


@pytest.mark.parametrize("moving", [EvidenceKind.TIME, EvidenceKind.OBSERVATION])
def test_two_facts_of_a_store_allow_a_person_to_decide(moving: EvidenceKind) -> None:
    assert judged(STATUS, fact(moving)).advice is Advice.ASK


@pytest.mark.parametrize(
    "evidence",
    [(STATUS,), (STATUS, STATUS), (TIME, TIME), (STATUS, fact(EvidenceKind.DECLARED)), ()],
)
def test_one_fact_alone_is_refused(evidence: tuple[Evidence, ...]) -> None:
    answer = judged(*evidence)

    assert (answer.advice, answer.override) == (Advice.REFUSE, "one-fact")


@pytest.mark.parametrize("kind", BESIDE)
def test_a_second_source_makes_it_safe(kind: EvidenceKind) -> None:
    assert judged(STATUS, fact(kind)).advice is Advice.SAFE


@pytest.mark.parametrize("kind", BESIDE)
def test_a_second_source_never_makes_it_safer_than_the_rule_proposed(kind: EvidenceKind) -> None:
    ask = Remedy(RemedyKind.RETRY_STEP, Advice.ASK, "it may be lost", PAY)

    assert judged(STATUS, fact(kind), remedy=ask).advice is Advice.ASK


@pytest.mark.parametrize("kind", [EvidenceKind.TIME, EvidenceKind.OBSERVATION])
def test_what_moves_against_it_says_wait(kind: EvidenceKind) -> None:
    answer = judged(STATUS, TIME, fact(EvidenceKind.STATUS, supports=False), fact(kind, supports=False))

    assert (answer.advice, answer.override) == (Advice.WAIT, "moving")
    assert answer.because.startswith(f"a {kind.value} says so")


@pytest.mark.parametrize("kind", [kind for kind in EvidenceKind if kind not in ("time", "observation")])
def test_anything_else_against_it_refuses(kind: EvidenceKind) -> None:
    answer = judged(STATUS, TIME, fact(EvidenceKind.PROBE), fact(kind, supports=False))

    assert (answer.advice, answer.override) == (Advice.REFUSE, "evidence-against")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"owner": Owner("w", alive=True)}, "owner-alive"),
        ({"state": SagaState.UNKNOWN}, "unreadable"),
        ({"doubts": (Doubt("id", "s-1", "one row for an id"),)}, "duplicate-id"),
        ({"outbox": (OutboxEntry("m", "outbox", PAY, sent=False),)}, "outbox-unsent"),
        ({"outbox": (OutboxEntry("m", "outbox", None, sent=False),)}, "outbox-unsent"),
    ],
)
def test_what_rules_any_repair_out(fields: dict[str, Any], code: str) -> None:
    answer = judged(STATUS, TIME, fact(EvidenceKind.PROBE), **fields)

    assert (answer.advice, answer.override) == (Advice.REFUSE, code)


@pytest.mark.parametrize(
    "fields",
    [
        {"owner": Owner("w", alive=False)},
        {"owner": Owner("w", alive=None)},
        {"outbox": (OutboxEntry("m", "outbox", RESERVE, sent=False),)},
        {"outbox": (OutboxEntry("m", "outbox", PAY, sent=True), OutboxEntry("n", "outbox", PAY))},
    ],
)
def test_what_does_not(fields: dict[str, Any]) -> None:
    assert judged(STATUS, TIME, **fields).advice is Advice.ASK


def test_a_clock_ahead_offers_no_repair_of_any_kind() -> None:
    skewed = case(saga(updated_at=ahead(hours=1)))
    proposed = [Remedy(kind, Advice.SAFE, "because") for kind in RemedyKind]

    offered = prescribe(skewed, (STATUS, TIME, fact(EvidenceKind.PROBE)), proposed)

    assert {remedy.kind for remedy in offered} == set(RemedyKind) - REPAIRS


def test_a_refusal_stays_what_it_is() -> None:
    refused = Remedy(RemedyKind.RETRY_STEP, Advice.REFUSE, "it runs already", PAY, "concurrent")

    assert judged(STATUS, TIME, remedy=refused, owner=Owner("w", alive=True)) == refused


def test_what_another_rule_refuses_is_refused_for_its_step_or_for_all() -> None:
    known = case()
    for_pay = Remedy(RemedyKind.RETRY_STEP, Advice.REFUSE, "done already", PAY, "late-success")
    for_all = Remedy(RemedyKind.RETRY_STEP, Advice.REFUSE, "a zombie", None, "zombie")
    for_reserve = Remedy(RemedyKind.RETRY_STEP, Advice.REFUSE, "done already", RESERVE, "late-success")
    undo = Remedy(RemedyKind.RESEND_COMPENSATION, Advice.REFUSE, "past", None, "past-pivot")

    def override(refusal: Remedy) -> str | None:
        return prescribe(known, (STATUS, TIME), [RETRY], [refusal])[0].override

    assert override(for_pay) == "late-success"
    assert override(for_all) == "zombie"
    assert override(for_reserve) is None
    assert override(undo) is None


def test_what_changes_nothing_outside_needs_no_second_fact() -> None:
    human = Remedy(RemedyKind.CALL_HUMAN, Advice.ASK, "look")

    assert judged(STATUS, remedy=human, owner=Owner("w", alive=True)) == human
    relay = Remedy(RemedyKind.RESTART_RELAY, Advice.SAFE, "x")
    assert judged(STATUS, remedy=relay).advice is Advice.ASK
    assert judged(STATUS, fact(EvidenceKind.READING, supports=False), remedy=relay).advice is Advice.ASK
    assert judged(STATUS, fact(EvidenceKind.READING), remedy=relay).advice is Advice.SAFE
