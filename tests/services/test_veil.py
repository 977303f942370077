"""What a row says is masked before a rule quotes it, also where a secret stands where a word should."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagadoctor.adapters.sql.cells import ERROR_BOUND, NAME_BOUND
from sagadoctor.adapters.sql.values import LONGEST_RAW
from sagadoctor.model.saga import Doubt, Saga, SagaState, Step, StepStatus
from sagadoctor.redaction import Redactor
from sagadoctor.services import veil
from sagadoctor.services.veil import veiled
from tests.diagnosis.strategies import QUICK

EVERY = settings(QUICK, max_examples=100)

CARD = "4111 1111 1111 1111"
KNOWN = "correct horse battery staple"
SECRETS = (
    ("password=", "hunter2hunter2"),
    ("authorization: Bearer ", "aGVsbG8gd29ybGQ0Mg.x-y"),
    ("postgresql://app:", "Qz7kPw2mXv9t"),
    ('"api_key": "', "Qz7k Pw2m Xv9t"),
    ("", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"),
    ("card ", CARD),
    ("card ", CARD.replace(" ", "-")),
    ("it is ", KNOWN),
    ("mail ", "jane.roe-42@example.org"),
)
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


def pieces(body: str) -> set[str]:
    """Every four characters of a secret; for one with gaps, of what stands between them as well."""
    return {body[at : at + 4] for at in range(len(body) - 3)}


def straddling(draw: st.DrawFn, bound: int) -> tuple[str, str]:
    """A text in which a secret lies across a cut, with the secret."""
    before, body = draw(st.sampled_from(SECRETS))
    filler = draw(st.sampled_from(("x", "lorem ", "at Z.z(Z.java:7)\n\t")))
    start = bound - draw(st.integers(0, len(before + body) + 3))
    text = (filler * bound)[: start - 1] + draw(st.sampled_from((" ", "\n"))) + before + body
    after = "@db/orders" if before.endswith("app:") else draw(st.sampled_from(("", '"', "\n")))
    return f"{text}{after} and so on", body


cuts = st.composite(straddling)


@pytest.mark.slow
@EVERY
@given(st.data())
def test_nothing_of_a_secret_that_a_cut_goes_through_is_shown(data: st.DataObject) -> None:
    redactor = Redactor()
    redactor.learn(KNOWN)
    for bound, most in ((LONGEST_RAW, veil.RAW), (NAME_BOUND + 1, veil.WORD), (ERROR_BOUND + 1, veil.ERROR)):
        for final in (most, bound - 1):  # also where the store's cut comes right after ours
            text, body = data.draw(cuts(bound))
            for cut in (text[:bound], f"{text[: bound - 1]}…"):
                told = redactor.cut(cut, final)
                assert not [piece for piece in pieces(body) if piece in told], told[-80:]
                assert len(told) <= final + 1


@EVERY
@given(st.data())
def test_nor_where_masking_makes_room_for_what_stood_at_the_cut(data: st.DataObject) -> None:
    text, body = data.draw(cuts(2000))
    wide = "password=" + "p" * 1900 + " " + text[1910:2000]
    told = Redactor(secrets={KNOWN}).cut(wide, 200)
    assert not [piece for piece in pieces(body) if piece in told], told


def test_a_row_is_cut_after_it_was_masked() -> None:
    long = "boom " * 400 + f"password={CANARY}"
    step = Step("pay", 0, StepStatus.UNKNOWN, raw_status=long[-400:], error=long * 3)
    saga = Saga("orders", "s-1", SagaState.UNKNOWN, long, steps=(step,), error=long * 3, doubts=(Doubt("x", long, ""),))
    told = veiled(saga, Redactor())
    assert told.steps is not None
    assert [
        len(text or "") for text in (told.raw_state, told.error, told.steps[0].raw_status, told.steps[0].error)
    ] == [
        veil.WORD + 1,
        veil.ERROR + 1,
        veil.WORD + 1,
        veil.ERROR + 1,
    ]
    assert len(told.doubts[0].raw) == veil.RAW + 1
    assert CANARY not in repr(told)
    assert len(veiled(saga, Redactor(), detail=True).error or "") > 2 * veil.ERROR


def test_a_row_of_plain_words_is_handed_on_as_it_is() -> None:
    saga = Saga(
        "orders", "s-1", SagaState.PENDING, "PENDING", steps=(Step("pay", 0, StepStatus.EXECUTING, "IN-FLIGHT_2"),)
    )
    assert veiled(saga, Redactor()) is saga
