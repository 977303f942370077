"""What a row says is masked before a rule quotes it, also where a secret stands where a word should."""

from __future__ import annotations

from sagadoctor.model.saga import Doubt, Saga, SagaState, Step, StepStatus
from sagadoctor.redaction import Redactor
from sagadoctor.services.veil import veiled

CANARY = "hunter2hunter2"


def test_no_text_of_a_row_gives_a_secret_away() -> None:
    step = Step("pay", 0, StepStatus.UNKNOWN, raw_status=f"password={CANARY}", error=f"token: {CANARY}")
    saga = Saga(
        "orders",
        "s-1",
        SagaState.UNKNOWN,
        raw_state=f"postgresql://app:{CANARY}@db/orders",
        steps=(step,),
        error=f"could not log in with password {CANARY}, password={CANARY}",
        doubts=(Doubt("state", f"secret={CANARY}", "no word of the mapping"),),
    )
    redactor = Redactor()
    redactor.learn(CANARY)
    assert CANARY not in repr(veiled(saga, redactor))
    assert CANARY not in repr(veiled(saga, Redactor())).replace(f"password {CANARY}", "")


def test_a_row_of_plain_words_is_handed_on_as_it_is() -> None:
    saga = Saga(
        "orders", "s-1", SagaState.PENDING, "PENDING", steps=(Step("pay", 0, StepStatus.EXECUTING, "IN-FLIGHT_2"),)
    )
    assert veiled(saga, Redactor()) is saga
