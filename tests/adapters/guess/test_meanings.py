"""Words of states and steps: what is known is known as the mapping knows it, and nothing is invented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagadoctor.adapters.sql.guess.meanings import likely_state, meanings_of, tells_of_undoing
from sagadoctor.adapters.sql.guess.names import is_mappable
from sagadoctor.adapters.sql.guess.seen import SeenColumn
from sagadoctor.adapters.sql.guess.step_fields import keys_as_columns, step_word
from sagadoctor.adapters.sql.mapping.saga import StateWords
from sagadoctor.adapters.sql.states import WordMeanings
from sagadoctor.adapters.sql.words import says_only_failed, synonym
from sagadoctor.api.v1 import SagaState, StepStatus
from sagadoctor.api.v1.sql import Column, Kind

KNOWN = [
    "COMPLETED",
    "running",
    "Compensating",
    "rolled back",
    "FAILED",
    "error",
    "WEIRD",
    "done.",
    "",
    "a.b",
    "x.RUNNING",
]
CELLS = st.lists(st.none() | st.sampled_from(KNOWN) | st.text(max_size=8), max_size=20)


def column(*cells: str | None) -> SeenColumn:
    return SeenColumn(Column("state", Kind.TEXT, "text"), cells)


@given(CELLS)
def test_the_mapping_reads_each_word_as_it_was_concluded(cells: list[str | None]) -> None:
    told = meanings_of(column(*cells))
    pattern = f"[{told.separator}]([^{told.separator}]*)$" if told.separator else None
    read = WordMeanings(StateWords(column="state", pattern=pattern, failed_means="failed"))
    for cell in set(cells) - {None}:
        verdict = read.of(cell)
        word = str(cell).rpartition(told.separator)[2] if told.separator else cell
        if word in dict(told.known):
            assert (verdict.state, verdict.doubt) == (dict(told.known)[str(word)], None)
        elif word in told.failed:
            assert (verdict.state, verdict.doubt) == (SagaState.FAILED, None)
        else:
            assert word in told.unknown
            assert verdict.doubt is not None or cell == ""


@given(st.text(max_size=20))
def test_a_guess_is_made_only_where_nothing_is_known(word: str) -> None:
    told = step_word(word)
    assert (told.means is None) <= (not told.guessed)
    if tells_of_undoing(word):
        assert likely_state(word) in (
            None,
            SagaState.FAILED,
            SagaState.COMPENSATED,
            SagaState.COMPENSATING,
            synonym(word),
        )


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("COMPENSATE_SUCC", SagaState.COMPENSATED),
        ("COMPENSATE_FAIL", SagaState.FAILED),
        ("EXECUTE_SUCC", SagaState.COMPLETED),
        ("ROLLBACK_IN_PROGRESS", SagaState.COMPENSATING),
        ("SagaCompleted", SagaState.COMPLETED),
        ("CompensationCompleted", SagaState.COMPENSATED),
        ("EXECUTE_FAILED", None),
        ("SHIPPED", None),
        ("refund", None),
    ],
)
def test_words_that_tell_by_their_parts(word: str, meant: SagaState | None) -> None:
    assert likely_state(word) == meant


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("undo_started", StepStatus.COMPENSATING),
        ("undo_finished", StepStatus.COMPENSATED),
        ("undo_failed", StepStatus.COMPENSATION_FAILED),
        ("StepSucceeded", StepStatus.COMPLETED),
        ("STEP_COMPENSATION_FAILED", StepStatus.COMPENSATION_FAILED),
        ("TxEndedEvent", None),
        ("3", None),
    ],
)
def test_words_of_steps_that_tell_by_their_parts(word: str, meant: StepStatus | None) -> None:
    assert step_word(word).means == meant


def test_undoing_is_not_any_word() -> None:
    for word in ("ABORTED", "RolledBack", "roll_back", "compensating", "UNDONE", "REVERTED"):
        assert tells_of_undoing(word), word
    for word in ("CANCELLED", "FAILED", "refunded", "about", "rolling", "dispensed"):
        assert not tells_of_undoing(word), word


def test_a_failed_that_hides_behind_its_step_is_asked_for() -> None:
    told = meanings_of(column("pay.failed", "ship.running"))
    assert (told.separator, told.failed, says_only_failed("failed")) == (".", ("failed",), True)


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


@given(st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), max_size=5))
def test_keys_of_objects_are_columns(documents: list[dict[str, object]]) -> None:
    told = keys_as_columns(documents)
    assert {each.name for each in told} == {key for document in documents for key in document if is_mappable(key)}
    assert all(len(each.cells) == len(documents) for each in told)
