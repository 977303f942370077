"""How safe a repair may be called: the two-facts rule, evidence against, and what rules it out."""

from __future__ import annotations

from typing import Any

import pytest

from sagadoctor.diagnosis.prescribe import forbidden, prescribe
from sagadoctor.model.finding import STORE_KINDS, Evidence, EvidenceKind
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.remedy import REPAIRS, Advice, Remedy, RemedyKind
from sagadoctor.model.saga import Doubt, OutboxEntry, Owner, SagaState, StepStatus
from sagadoctor.testing.builders import PAY, RESERVE, ahead, case, order_policy, order_steps, saga, step

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


def test_nothing_is_sent_while_nobody_has_looked_into_the_outbox() -> None:
    unseen = Doubt("outbox", "not looked at", "no index finds them")
    answer = judged(STATUS, TIME, doubts=(unseen,))
    assert (answer.advice, answer.override) == (Advice.REFUSE, "outbox-unseen")
    many = Doubt("outbox", "500", "500 entries; only 200 were kept, those not sent first, then the newest")
    assert judged(STATUS, TIME, doubts=(many,)).advice is Advice.ASK


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
        ({"steps": ()}, "unreadable"),
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


@pytest.mark.parametrize(
    "state", [SagaState.COMPENSATING, SagaState.COMPENSATED, SagaState.FAILED, SagaState.CANCELLED, SagaState.PAUSED]
)
def test_what_sends_forward_is_for_sagas_that_go_forward(state: SagaState) -> None:
    row = saga(state, order_steps(StepStatus.COMPENSATING, StepStatus.EXECUTING))
    known = order_policy()
    wrong = forbidden(case(row), known)

    for kind in (RemedyKind.RETRY_STEP, RemedyKind.FAIL_STEP):
        (answer,) = prescribe(case(row), (STATUS, TIME), [Remedy(kind, Advice.ASK, "x", PAY)], wrong)
        assert (answer.advice, answer.override) == (Advice.REFUSE, "being-undone")
    undo = Remedy(RemedyKind.RESEND_COMPENSATION, Advice.ASK, "x", RESERVE)
    assert prescribe(case(row), (STATUS, TIME), [undo], wrong) == (undo,)


def test_a_saga_that_goes_forward_or_has_undone_a_step_on_purpose_is_forbidden_nothing() -> None:
    known = SagaPolicy(steps=(StepDefinition("gift_wrap", optional=True),))
    wrapped = saga(SagaState.PAUSED, (step("gift_wrap", StepStatus.COMPENSATED), step("ship", StepStatus.EXECUTING)))

    assert forbidden(case(), order_policy()) == ()
    assert forbidden(case(wrapped, known), known) == ()
    assert forbidden(case(saga(SagaState.COMPLETED, None)), order_policy()) == ()


def test_what_leads_back_is_not_for_sagas_past_their_step_of_no_return() -> None:
    row = saga(steps=order_steps(*[StepStatus.COMPLETED] * 4, StepStatus.EXECUTING))

    wrong = {remedy.kind: remedy.override for remedy in forbidden(case(row), order_policy())}

    assert wrong == {RemedyKind.FAIL_STEP: "past-pivot", RemedyKind.RESEND_COMPENSATION: "past-pivot"}
    assert forbidden(case(row, SagaPolicy()), SagaPolicy()) == ()
