"""Facts: frozen, and what they conclude by themselves."""

from __future__ import annotations

import msgspec
import pytest

from sagadoctor.model.case import Relation
from sagadoctor.model.finding import STORE_KINDS, EvidenceKind, Severity
from sagadoctor.model.letter import DeadLetter, LetterRef
from sagadoctor.model.policy import Policy, SagaPolicy, StepDefinition, Thresholds
from sagadoctor.model.remedy import REPAIRS, RemedyKind
from sagadoctor.model.saga import ENDED, FORWARD, LIVE, RUNNING_WORDS, SagaRef, SagaState, Step
from sagadoctor.testing.builders import NOW, ORDER_TYPE, PAY, case, findings, order_policy, policy, saga


def test_every_state_is_live_ended_or_unknown() -> None:
    assert LIVE | ENDED | {SagaState.UNKNOWN} == set(SagaState)
    assert not LIVE & ENDED
    assert LIVE - {SagaState.COMPENSATING} == FORWARD
    assert set(RUNNING_WORDS.values()) <= set(SagaState)


@pytest.mark.parametrize("state", SagaState)
def test_a_saga_of_unknown_state_should_still_move(state: SagaState) -> None:
    assert saga(state).is_live == (state in LIVE or state is SagaState.UNKNOWN)


def test_a_saga_is_named_by_its_store_and_id() -> None:
    assert saga().ref == SagaRef("orders", "s-1")
    assert str(saga().ref) == "orders/s-1"
    assert SagaRef("a", "2") < SagaRef("b", "1")
    assert DeadLetter("payments-dlt", "0:17").ref == LetterRef("payments-dlt", "0:17")


def test_facts_are_frozen() -> None:
    facts = (saga(), Step("a", 0), DeadLetter("q", "1"), SagaRef("a", "b"), case())
    said = (order_policy(), StepDefinition("a"), Thresholds(), policy())
    for fact in (*facts, *said):
        with pytest.raises(AttributeError):
            setattr(fact, fact.__struct_fields__[0], "other")


def test_facts_travel_as_json_and_come_back() -> None:
    row = saga()

    assert msgspec.json.decode(msgspec.json.encode(row), type=type(row)) == row
    for finding in findings(saga(SagaState.UNKNOWN)):
        assert msgspec.json.decode(msgspec.json.encode(finding), type=type(finding)) == finding


def test_a_policy_is_found_by_type_else_the_default_holds() -> None:
    default = SagaPolicy(parallel=True)
    known = Policy(default, {ORDER_TYPE: order_policy()})

    assert known.of(ORDER_TYPE) == order_policy()
    assert known.of("Other") is default
    assert known.of(None) is default
    assert Policy().of(ORDER_TYPE) == SagaPolicy()


def test_a_step_is_found_by_name() -> None:
    found = order_policy().step(PAY)

    assert found is not None
    assert found.compensation == "PaymentService.RefundPayment"
    assert order_policy().step("unheard_of") is None


def test_severities_can_be_compared() -> None:
    assert sorted(Severity, key=lambda each: -each.weight) == [Severity.CRITICAL, Severity.WARNING, Severity.INFO]


def test_a_store_alone_gives_only_its_own_kinds_of_facts() -> None:
    assert set(EvidenceKind) - STORE_KINDS == {EvidenceKind.LETTER, EvidenceKind.READING, EvidenceKind.PROBE}


def test_what_repairs_and_what_does_not() -> None:
    quiet = {RemedyKind.WAIT, RemedyKind.CALL_HUMAN, RemedyKind.RESOLVE, RemedyKind.ARCHIVE_LETTER}

    assert set(RemedyKind) - REPAIRS == quiet | {RemedyKind.RESTART_RELAY}


def test_linked_sagas_are_told_by_relation() -> None:
    assert {each.value for each in Relation} == {"parent", "child", "repaired_by", "lock_holder"} | {
        "lock_circle",
        "same_id",
        "ancestor",
    }
    assert case(now=NOW).related(Relation.PARENT) == ()
