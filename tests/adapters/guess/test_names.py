"""Names taken apart, and what they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagadoctor.adapters.sql.guess.names import (
    SAGA_ROLES,
    STATE_NAMES,
    STEP_ROLES,
    STEP_TIMES,
    TIMES,
    is_mappable,
    plain,
    ranked,
    singular,
    tokens,
)
from sagadoctor.adapters.sql.mapping.columns import Words
from sagadoctor.adapters.sql.mapping.saga import IdWords
from sagadoctor.adapters.sql.options import SqlOptions

WORDS = st.lists(st.sampled_from(["saga", "current", "step", "id", "created", "at", "x"]), min_size=1, max_size=4)


@given(WORDS)
def test_one_name_in_every_spelling(words: list[str]) -> None:
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    for spelt in ("_".join(words), "_".join(words).upper(), camel, " ".join(words), "-".join(words)):
        assert plain(spelt) == "".join(words)
    assert tokens("_".join(words)) == tuple(words)


@given(st.text(max_size=150))
def test_any_name_is_taken_apart(name: str) -> None:
    assert "".join(tokens(name)) == plain(name)
    if is_mappable(name):
        assert IdWords(column=name).columns == (name,)
    else:
        with pytest.raises(ValueError):
            IdWords(column=name)


@pytest.mark.parametrize(
    ("many", "single"),
    [
        ("sagas", "saga"),
        ("entries", "entry"),
        ("batches", "batch"),
        ("status", "status"),
        ("process", "process"),
        ("s", "s"),
    ],
)
def test_plurals(many: str, single: str) -> None:
    assert singular(many) == single


@pytest.mark.parametrize(
    ("name", "listed", "owners"),
    [
        ("createdAt", TIMES["created_at"], ()),
        ("GMT_CREATE", TIMES["created_at"], ()),
        ("saga_created_at", TIMES["created_at"], ()),
        ("shipment_status", STATE_NAMES, ("shipments",)),
        ("CurrentState", STATE_NAMES, ()),
        ("saga_type", SAGA_ROLES["type"], ()),
        ("StepName", STEP_ROLES["name"], ()),
        ("executed_at", STEP_TIMES["executed_at"], ()),
    ],
)
def test_a_usual_name_is_known(name: str, listed: tuple[str, ...], owners: tuple[str, ...]) -> None:
    assert ranked(name, listed, owners) is not None


@pytest.mark.parametrize("name", ["customer_status", "statement", "id", "", "created_by", "estate"])
def test_another_thing_s_state_is_not_the_saga_s(name: str) -> None:
    assert ranked(name, STATE_NAMES, ("orders",)) is None


def test_the_likelier_name_comes_first() -> None:
    by_name, by_owner = ranked("state", STATE_NAMES), ranked("saga_status", STATE_NAMES)
    assert by_name is not None
    assert by_owner is not None
    assert by_name < by_owner


def test_every_part_is_one_of_the_language() -> None:
    saga: type[Words] = SqlOptions.model_fields["saga"].annotation  # type: ignore[assignment]
    assert set(TIMES) | set(SAGA_ROLES) <= set(saga.model_fields)
    fields = {"name", "status", "action", "compensation", "error", "result", "attempts"}
    assert set(STEP_ROLES) == fields
