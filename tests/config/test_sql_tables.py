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
