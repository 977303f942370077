"""The store's words: canonical ones, synonyms, the mapping's own, and those that nobody knows."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sagadoctor.adapters.sql.mapping.saga import StateWords
from sagadoctor.adapters.sql.states import WordMeanings
from sagadoctor.adapters.sql.words import (
    SAGA_SYNONYMS,
    STEP_SYNONYMS,
    ended_spellings,
    plain,
    saga_state,
    says_only_failed,
    step_status,
    step_synonym,
    synonym,
    toml_key,
    toml_text,
)
from sagadoctor.api.v1 import SagaState, StepStatus


def meanings(**said: object) -> WordMeanings:
    return WordMeanings(StateWords.model_validate({"column": "state", **said}))


@given(st.sampled_from(sorted(SAGA_SYNONYMS)), st.sampled_from((str.upper, str.lower, str.title)))
def test_synonyms_hold_in_every_spelling(word: str, spell: object) -> None:
    assert callable(spell)
    for text in (spell(word), spell("_".join(word[at : at + 3] for at in range(0, len(word), 3)))):
        assert synonym(text) is SAGA_SYNONYMS[word]


@given(st.sampled_from(sorted(STEP_SYNONYMS)))
def test_step_synonyms_hold_in_every_spelling(word: str) -> None:
    assert step_synonym(word.upper()) is step_synonym(f"{word[:2]}-{word[2:]}") is STEP_SYNONYMS[word]


@pytest.mark.parametrize("status", [status for status in StepStatus if status is not StepStatus.UNKNOWN])
def test_our_own_step_words_are_known(status: StepStatus) -> None:
    assert step_synonym(status.value) is step_synonym(status.name) is status


@pytest.mark.parametrize(
    "state", [SagaState.STARTED, SagaState.COMPENSATING, SagaState.BACKING_OFF, SagaState.CANCELLED]
)
def test_our_own_words_are_known(state: SagaState) -> None:
    assert synonym(state.value) is synonym(state.name) is state


@given(st.text())
def test_any_word_means_one_thing_or_nothing(word: str) -> None:
    verdict = meanings().of(word)
    assert (verdict.state is SagaState.UNKNOWN) == (verdict.doubt is not None)
    assert verdict.raw_state == word
    assert plain(plain(word)) == plain(word) or word != word.casefold()


@pytest.mark.parametrize("word", ["failed", "FAILED", "Error", "failure"])
@pytest.mark.parametrize(
    ("means", "state"),
    [
        ("compensated", SagaState.COMPENSATED),
        ("failed", SagaState.FAILED),
        ("unknown", SagaState.UNKNOWN),
        (None, SagaState.UNKNOWN),
    ],
)
def test_failed_means_what_the_mapping_says(word: str, means: str | None, state: SagaState) -> None:
    verdict = meanings(failed_means=means).of(word)
    assert verdict.state is state
    assert verdict.ended
    assert says_only_failed(word)
    if means is None:
        assert verdict.doubt is not None
        assert "failed_means" in verdict.doubt.reason


def test_the_mappings_own_words_win() -> None:
    known = meanings(values={"DONE": "compensated", "4": "failed", "failed": "cancelled", "r": "running"})
    assert known.of("DONE").state is SagaState.COMPENSATED
    assert known.of("done").state is SagaState.COMPLETED
    assert known.of(4).state is SagaState.FAILED
    assert known.of("failed").state is SagaState.CANCELLED
    assert known.of("r").state is SagaState.PENDING


def test_booleans_are_found_however_they_are_written() -> None:
    for yes, no in (("true", "false"), ("1", "0"), ("t", "f")):
        known = meanings(values={yes: "completed", no: "pending"})
        assert known.of(True).state is SagaState.COMPLETED
        assert known.of(False).state is SagaState.PENDING


def test_a_pattern_takes_the_state_out_of_a_longer_word() -> None:
    known = meanings(pattern=r"\.(\w+)$", values={"undo": "compensating", "a.odd": "paused"})
    assert known.of("charge.running").state is SagaState.PENDING
    assert known.of("charge.undo").state is SagaState.COMPENSATING
    assert known.of("a.odd").state is SagaState.PAUSED
    assert known.of("nothing").state is SagaState.UNKNOWN


def test_row_16_words_on_the_right_are_ours() -> None:
    for word in ("finished", "", "dirty"):
        with pytest.raises(ValueError, match="the states are started, pending"):
            saga_state(word)
        with pytest.raises(ValueError, match="they are pending, executing"):
            step_status(word)


@pytest.mark.parametrize(("word", "meant"), [("runnning", "running"), ("Completed", "completed"), ("finshed", "")])
def test_row_16_a_misspelt_state_names_the_nearest(word: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean '{meant}'" if meant else "the states are started, pending"):
        saga_state(word)


def test_row_16_a_misspelt_status_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'timed_out'"):
        step_status("timedout")


@given(st.text(st.characters(exclude_categories=("Cs",))))
@example("läuft gerade")
@example('say "hi"')
@example('it\'s "so"')
@example("back\\slash")
@example("")
def test_a_word_in_advice_is_a_key_of_toml(word: str) -> None:
    assert tomllib.loads(f"{toml_key(word)} = 1") == {word: 1}
    assert tomllib.loads(f"x = {toml_text(word)}") == {"x": word}
    assert toml_key(word).isprintable()


def test_ended_spellings_are_ended() -> None:
    for word in ended_spellings(["X"]):
        verdict = meanings(values={"X": "completed"}).of(word)
        assert verdict.ended
