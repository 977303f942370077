"""Mappings that are wrong in every way that a file alone can show: each is told in its line, with what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagadoctor.config import load
from sagadoctor.registry import names, store_plugin

from .samples import written
from .test_sql_tables import FULL, HEAD, said

SAGA = f'{FULL}state = "state"\n'
STEPS = f'{SAGA}[stores.a.steps]\nshape = "child_table"\ntable = "t"\nforeign_key = "f"\n'
ALIVE = 'owner = { column = "w", alive = { table = "t", id = "i", heartbeat = "$.x", within = "1m" } }\n'
FLAGS = f'{SAGA}[stores.a.steps]\nshape = "columns"\n'
TABLE = '[stores.a.saga]\nid = "id"\nstate = "state"\n'


def query(table: str) -> str:
    return f"{HEAD}{TABLE}table = {table}\n"


@pytest.mark.parametrize(
    ("text", "line", "key", "why"),
    [
        pytest.param(query('{ query = "delete from t", key = "id" }'), 7, "saga.table.query", "DELETE", id="writes"),
        pytest.param(
            query('{ query = "with x as (delete from t returning id) select id from x", key = "id" }'),
            7,
            "saga.table.query",
            "a query only reads; this one holds DELETE",
            id="writes in WITH",
        ),
        pytest.param(
            query('{ query = "select 1; select 2", key = "id" }'), 7, "saga.table.query", "several", id="two statements"
        ),
        pytest.param(query('{ query = "select id from t" }'), 7, "saga.table", "a query needs its key", id="no key"),
        pytest.param(
            query('{ query = "select 1", key = [] }'), 7, "saga.table.key", "must not be empty", id="empty key"
        ),
        pytest.param(
            query('{ qery = "select 1", key = "id" }'),
            7,
            "saga.table",
            'a query is { query = "select …", key = "id" }',
            id="misspelt",
        ),
        pytest.param(query('{ query = 7, key = "id" }'), 7, "saga.table.query", "text", id="no text"),
        pytest.param(query("{}"), 7, "saga.table", '"schema.name"', id="empty table"),
        pytest.param(query("[]"), 7, "saga.table", '"schema.name"', id="empty list"),
        pytest.param(SAGA.replace('id = "id"', "id = []"), 6, "saga.id", "must not be empty", id="no id"),
        pytest.param(f"{FULL}state = {{ when = [] }}\n", 7, "saga.state", "at least one rule", id="no rules"),
        pytest.param(f"{SAGA}where = {{ kind = [] }}\n", 8, "saga.where", "fits no row", id="where of nothing"),
        pytest.param(
            f'{SAGA}business_key = {{ column = "c", pattern = "^[a-z]+$" }}\n',
            8,
            "saga.business_key.pattern",
            "group",
            id="pattern without a group",
        ),
        pytest.param(f'{SAGA}business_key = "$.a..b"\n', 8, "saga.business_key", "path", id="no path"),
        pytest.param(
            f'{SAGA}updated_at = "$.at"\n', 8, "saga.updated_at", "no payload is named", id="path without a payload"
        ),
        pytest.param(
            f'{SAGA}attempts = {{ column = "n", format = "log2", base = 0 }}\n',
            8,
            "saga.attempts",
            "above zero",
            id="log2 of zero",
        ),
        pytest.param(
            f'{SAGA}attempts = {{ column = "n", format = "log2", base = -2 }}\n',
            8,
            "saga.attempts",
            "above zero",
            id="log2 below zero",
        ),
        pytest.param(
            f'{SAGA}attempts = {{ column = "n", format = "log2", base = {{ column = "b", default = 0 }} }}\n',
            8,
            "saga.attempts",
            "above zero",
            id="a default of zero",
        ),
        pytest.param(f'{SAGA}attempts = {{ column = "n", base = 2 }}\n', 8, "saga.attempts", "log2", id="base alone"),
        pytest.param(
            f'{FULL}state = {{ column = "s", values = {{ A = "finishd" }} }}\n',
            7,
            "saga.state.values.A",
            "finish",
            id="a state that there is not",
        ),
        pytest.param(
            f'{FULL}state = {{ column = "s", const = "pending" }}\n', 7, "saga.state", "in one way", id="two states"
        ),
        pytest.param(
            f'{STEPS}fields = {{ name = "$.name" }}\n', 12, "steps.fields.name", "without a column", id="path into rows"
        ),
        pytest.param(
            f'{STEPS}fields = {{ at = {{ from = "steps" }} }}\n',
            12,
            "steps.fields.at",
            "times of the saga",
            id="times of times",
        ),
        pytest.param(
            STEPS.replace('foreign_key = "f"', 'foreign_key = ["f", "g"]') + "fields = {}\n",
            8,
            "steps",
            "as many columns as that (id)",
            id="a key too wide",
        ),
        pytest.param(
            FLAGS + 'steps = [{ name = "a", done = "x" }, { name = "a", done = "y" }]\n',
            10,
            "steps.steps",
            "two steps of one name: a",
            id="two steps of one name",
        ),
        pytest.param(f"{FLAGS}steps = []\n", 10, "steps.steps", "between 1 and", id="no steps"),
        pytest.param(
            f'{FLAGS}steps = [{{ name = "a" }}]\n', 10, "steps.steps[0]", "done", id="a step that tells nothing"
        ),
        pytest.param(
            f'{SAGA}[stores.a.outbox]\ntable = "o"\nid = "i"\nsaga_id = ["a", "b"]\nsent = "s"\n',
            8,
            "outbox",
            "as many columns as that (id)",
            id="an outbox tied too wide",
        ),
        pytest.param(
            f'{SAGA}[stores.a.outbox]\ntable = "o"\nid = "i"\nsaga_id = "a"\nsent = "$.sent"\n',
            12,
            "outbox.sent",
            "without a column",
            id="an outbox of paths",
        ),
        pytest.param(
            SAGA + ALIVE,
            8,
            "saga.owner.alive.heartbeat",
            "without a column",
            id="a heartbeat of paths",
        ),
    ],
)
def test_what_is_wrong_is_told_in_its_line(tmp_path: Path, text: str, line: int, key: str, why: str) -> None:
    told = said(tmp_path, text)
    assert len(told) == 1, told
    assert told[0].startswith(f"c.toml:{line}: stores.a.{key}: "), told
    assert why in told[0], told
    assert told[0].isprintable()


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ('{ CLOSED = "completed", closed = "failed" }', "closed"),
        ('{ "IN_PROGRESS" = "pending", "in progress" = "paused" }', '"in progress"'),
        ('{ "1" = "completed", true = "failed" }', "true"),
    ],
)
def test_a_state_word_in_two_spellings_with_two_meanings_is_warned_of(tmp_path: Path, values: str, key: str) -> None:
    text = f'{FULL}[stores.a.saga.state]\ncolumn = "s"\nvalues = {values}\n'
    (warning,) = load(written(tmp_path, text), plugin_of=store_plugin, installed=names).warnings
    assert (warning.line, warning.key) == (9, f"stores.a.saga.state.values.{key}")
    assert "one word" in warning.message


@pytest.mark.parametrize("values", ['{ "1" = "completed", "-1" = "failed" }', '{ "+" = "completed", "-" = "failed" }'])
def test_a_sign_makes_another_word(tmp_path: Path, values: str) -> None:
    text = f'{FULL}[stores.a.saga.state]\ncolumn = "s"\nvalues = {values}\n'
    assert load(written(tmp_path, text), plugin_of=store_plugin, installed=names).warnings == ()


def test_two_spellings_of_one_meaning_are_fine(tmp_path: Path) -> None:
    text = f'{FULL}[stores.a.saga.state]\ncolumn = "s"\nvalues = {{ CLOSED = "completed", closed = "completed" }}\n'
    assert load(written(tmp_path, text), plugin_of=store_plugin, installed=names).warnings == ()


def test_a_state_word_said_twice_is_told_by_its_lines(tmp_path: Path) -> None:
    text = f'{FULL}[stores.a.saga.state]\ncolumn = "s"\n[stores.a.saga.state.values]\nA = "completed"\nA = "failed"\n'
    (problem,) = said(tmp_path, text)
    assert problem.startswith("c.toml:11: ")
    assert "A" in problem
