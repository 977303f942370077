"""Mistakes in the mapping of a real SQL store, told at their line like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagadoctor.config import load
from sagadoctor.errors import ConfigError
from sagadoctor.registry import names, store_plugin

from .samples import written

HEAD = '[stores.a]\nplugin = "sql"\nurl = "sqlite:////srv/a.db"\n'
FULL = HEAD + '[stores.a.saga]\ntable = "t"\nid = "id"\n'


def said(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load(written(folder, text), plugin_of=store_plugin, installed=names)
    return [str(problem).replace(f"{folder}/", "") for problem in error.value.problems]


@pytest.mark.parametrize("name", ["", " ", "a\\u0000b", "a\\nb", "a\\u202eb"])
@pytest.mark.parametrize("key", ["table", "id", "current_step", "created_at"])
def test_row_13_a_name_is_neither_empty_nor_holds_control_characters(tmp_path: Path, key: str, name: str) -> None:
    lines = {"table": 'table = "t"', "id": 'id = "id"', key: f'{key} = "{name}"', "state": 'state = "state"'}
    (problem,) = said(tmp_path, HEAD + "[stores.a.saga]\n" + "\n".join(lines.values()) + "\n")
    assert problem.startswith(f"c.toml:{5 + list(lines).index(key)}: stores.a.saga.{key}: ")
    assert problem.isprintable()


def test_row_14_a_pattern_that_never_ends_is_refused(tmp_path: Path) -> None:
    (problem,) = said(tmp_path, f"{FULL}state = {{ column = 'state', pattern = '(a+)+$' }}\n")
    assert problem.startswith("c.toml:7: stores.a.saga.state.pattern: ")


def test_row_04_an_unknown_shape_is_told_in_its_line_with_the_nearest(tmp_path: Path) -> None:
    text = f'{FULL}state = "state"\n[stores.a.steps]\ncolumn = "steps"\nshape = "json_lst"\n'
    assert said(tmp_path, text) == [
        "c.toml:10: stores.a.steps.shape: one of json_list, json_object, child_table, op_table, lo"
        'g_table, columns, counters, arrays, cursor_only, none is wanted, not the text "json_lst"; '
        "did you mean `json_list`?"
    ]


def test_what_is_not_built_is_told_in_its_line_and_never_offered(tmp_path: Path) -> None:
    text = (
        f'{FULL}state = "state"\n[stores.a.steps]\nshape = "none"\n[stores.a.writer]\n[stores.a.reply]\n'
        f'[stores.b]\nplugin = "sql"\nurl = "sqlite:////srv/b.db"\nsaga = {{ table = "t", id = "i", state = "s" }}\n'
        'steps = { shape = "none", directon = "x" }\n'
    )
    second, third, fourth = said(tmp_path, text)
    assert second == "c.toml:10: stores.a.writer: is not supported yet; take it out"
    assert third == "c.toml:11: stores.a.reply: unknown key; did you mean `replies`?"
    assert fourth == "c.toml:16: stores.b.steps.directon: unknown key; did you mean `direction`?"


def test_a_table_whose_model_is_made_late_is_told_like_any_other(tmp_path: Path) -> None:
    text = (
        f'{FULL}state = "state"\n[stores.a.locks]\ntable = "l"\ntargt = "t"\nholder = "h"\n'
        'waiters = { table = "w", target = "t", sga = "s" }\n[stores.a.received]\n'
    )
    assert said(tmp_path, text) == [
        "c.toml:8: stores.a.locks.target: is missing",
        "c.toml:10: stores.a.locks.targt: unknown key; did you mean `target`?",
        "c.toml:12: stores.a.locks.waiters.saga: is missing",
        "c.toml:12: stores.a.locks.waiters.sga: unknown key; did you mean `saga`?",
        "c.toml:13: stores.a.received.message: is missing",
        "c.toml:13: stores.a.received.table: is missing",
    ]


def test_failed_means_beside_words_that_it_is_not_asked_of_is_warned_of(tmp_path: Path) -> None:
    state = 'state = { column = "s", failed_means = "by_steps", values = { ABORTED = "failed" } }\n'
    (warning,) = load(written(tmp_path, FULL + state), plugin_of=store_plugin, installed=names).warnings
    assert warning.line == 7
    assert warning.key == "stores.a.saga.state.failed_means"
    assert "not asked of ABORTED" in warning.message


def test_what_a_preset_says_failed_means_is_not_doubted(tmp_path: Path) -> None:
    text = f'{HEAD}preset = "saga-template"\nsaga.state.values.CRASHED = "failed"\n'
    assert load(written(tmp_path, text), plugin_of=store_plugin, installed=names).warnings == ()


def test_row_16_an_unknown_word_on_the_right_of_values_lists_the_states(tmp_path: Path) -> None:
    text = f'{FULL}[stores.a.saga.state]\ncolumn = "state"\nvalues = {{ A = "started", B = "finshed" }}\n'
    (problem,) = said(tmp_path, text)
    assert problem.startswith("c.toml:9: stores.a.saga.state.values.B: ")
    assert "completed" in problem


def test_row_19_the_url_of_a_database_names_a_known_kind(tmp_path: Path) -> None:
    (problem,) = said(tmp_path, FULL.replace("sqlite:////srv/a.db", "oracle://db/x") + 'state = "s"\n')
    assert problem.startswith("c.toml:3: stores.a.url: ")


def test_row_04_a_shape_of_steps_knows_its_own_keys(tmp_path: Path) -> None:
    text = (
        f'{FULL}state = "state"\n[stores.a.steps]\nshape = "json_list"\ncolumn = "steps"\nfeilds = {{ name = "n" }}\n'
    )
    assert said(tmp_path, text) == [
        "c.toml:8: stores.a.steps.fields: is missing",
        "c.toml:11: stores.a.steps.feilds: unknown key; did you mean `fields`?",
    ]


def test_an_unknown_preset_names_the_nearest(tmp_path: Path) -> None:
    (problem,) = said(tmp_path, f'{HEAD}preset = "saga-templat"\n')
    assert problem.startswith("c.toml:4: stores.a.preset: ")
    assert "saga-template" in problem
