"""The mapping language: what may be said, every mistake at its own key, presets under what the user says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from sagadoctor.adapters.sql import plugin
from sagadoctor.adapters.sql.mapping.shapes.directed import fields_of
from sagadoctor.adapters.sql.mapping.shapes.op_table import OpTable
from sagadoctor.adapters.sql.mapping.steps import SHAPES
from sagadoctor.adapters.sql.options import SqlOptions
from sagadoctor.adapters.sql.paths import follow, parse_path, sql_path
from sagadoctor.adapters.sql.presets import expand, names
from sagadoctor.api.v1 import ConfigError

URL = "postgresql+psycopg://ro@db/orders"
FULL: dict[str, Any] = {"url": URL, "saga": {"table": "sagas", "id": "id", "state": "state"}}


def problems(table: dict[str, Any]) -> dict[tuple[Any, ...], str]:
    with pytest.raises(ValidationError) as error:
        SqlOptions.model_validate(expand(table))
    return {each["loc"]: each["msg"] for each in error.value.errors()}


def changed(**changes: Any) -> dict[str, Any]:
    saga = {**FULL["saga"], **changes.pop("saga", {})}
    return {**FULL, **changes, "saga": saga}


def test_the_least_that_can_be_said() -> None:
    options = SqlOptions.model_validate(FULL)
    assert options.steps.shape == "none"
    assert options.saga.table.parts == ("sagas",)


def test_every_mistake_is_told_at_once_and_at_its_own_key() -> None:
    told = problems(
        {
            "url": "postgresql://u:secret@db/x",
            "statement_timeout": 5,
            "tz": "Mars/Olympus",
            "saga": {
                "table": "a.b.c",
                "id": ["x", 3],
                "state": {"column": "s", "values": {"A": "bogus", "B": "completed"}},
                "updated_at": {"column": "u", "format": "epoch", "zz": 1},
                "created_at": {"const": "now"},
                "where": {"x": {"y": 1}},
                "typ": "t",
            },
            "steps": {
                "shape": "json_list",
                "colum": "steps",
                "fields": {"status": {"column": "s", "values": {"a": "nope"}}, "name": {"column": "n", "path": "x"}},
            },
            "outbox": {"table": "o", "id": "id"},
            "locks": {"table": "l", "target": "t", "holder": "h"},
        }
    )
    assert {
        ("url",),
        ("statement_timeout",),
        ("tz",),
        ("saga", "table"),
        ("saga", "state", "values", "A"),
        ("saga", "updated_at", "format"),
        ("saga", "updated_at", "zz"),
        ("saga", "created_at", "const"),
        ("saga", "typ"),
        ("steps", "column"),
        ("steps", "colum"),
        ("steps", "fields", "status", "values", "a"),
        ("steps", "fields", "name", "path"),
        ("outbox",),
        ("locks", "waiters"),
    } <= set(told)
    assert "secret" not in str(told)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg://u:pw@db/x", "no password in a URL"),
        ("postgresql://db/x?password=pw", "no password in a URL"),
        ("orders.db", "not a URL"),
        ("oracle://db/x", "unknown scheme"),
        ("sqlite:///:memory:", "a SQLite store is a file"),
        ("sqlite://orders.db", "write sqlite:///"),
        ("sqlite:///", "a SQLite store is a file"),
        ("sqlite:////srv/x.db?mode=memory", "a SQLite store is a file"),
        ("sqlite:///file:x.db?mode=ro&uri=true", "a SQLite store is a file"),
        ("sqlite:////srv/", "this path can't be one"),
        ("sqlite:////srv/x%00.db", "this path can't be one"),
        ("sqlite:////srv/x.db?immutable=1", "takes no 'immutable'"),
        ("postgresql://db:port/x", "no readable host and port"),
    ],
)
def test_row_19_urls(url: str, said: str) -> None:
    assert said in problems(changed(url=url))[("url",)]


@pytest.mark.parametrize("value", [5, "5", "0s", "-1s", "5 parsecs", "4000d", True])
def test_row_15_limits_are_durations_in_range(value: object) -> None:
    assert ("statement_timeout",) in problems(changed(statement_timeout=value))


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "a\nb", "x" * 200])
def test_row_13_names_are_names(name: str) -> None:
    told = problems(changed(saga={"table": [name], "current_step": name}))
    assert len([loc for loc in told if loc[:2] in (("saga", "table"), ("saga", "current_step"))]) >= 1


def test_row_5_numbers_are_not_texts() -> None:
    told = problems(changed(saga={"current_step": {"column": "c", "base": "1"}, "attempts": {"column": 3}}))
    assert ("saga", "current_step", "base") in told
    assert ("saga", "attempts", "column") in told


ROWS = {"table": "ops", "foreign_key": "saga", "fields": {"name": "step", "status": "status"}}


@pytest.mark.parametrize("shape", ["op_table", "log_table"])
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"undo": {}}, "say which rows are an undo"),
        ({"fields": {"status": "status"}}, "say what names a step in every row"),
        ({"fields": {"name": "step"}}, "say what tells a step's status in every row"),
        ({"fields": {"name": "step"}, "forward": {"fields": {"status": "s"}}, "undo": {"match": {"op": 1}}}, "status"),
        ({"undo": {"match": {"op": "undo"}, "values": {"x": "bogus"}}}, "bogus"),
    ],
)
def test_rows_of_two_directions_are_told_apart(shape: str, said: dict[str, Any], told: str) -> None:
    assert any(told in each for each in problems(changed(steps={"shape": shape, **ROWS, **said})).values())


def test_what_a_direction_does_not_say_is_taken_from_the_keys_beside_it() -> None:
    common = {**ROWS, "values": {"ok": "completed", "new": "executing"}}
    undo = {"match": {"op": ["undo"]}, "fields": {"error": "why"}, "values": {"new": "pending"}}
    words = SqlOptions.model_validate(changed(steps={"shape": "op_table", **common, "undo": undo})).steps
    assert isinstance(words, OpTable)
    forward, back = fields_of(words, words.forward), fields_of(words, words.undo)
    assert forward.name == back.name
    assert (forward.error, back.error.column if back.error is not None else None) == (None, "why")
    assert forward.status is not None
    assert back.status is not None
    assert forward.status.values == {"ok": "completed", "new": "executing"}
    assert back.status.values == {"ok": "completed", "new": "pending"}


@pytest.mark.parametrize("steps", [{"shape": "list"}, {}, {"shape": 3}, "steps"])
def test_steps_without_a_shape_list_the_shapes(steps: Any) -> None:
    (told,) = problems(changed(steps=steps)).items()
    assert told[0][0] == "steps"
    assert "json_list" in told[1]


@pytest.mark.parametrize("key", ["writer"])
def test_tables_that_are_not_built_say_so(key: str) -> None:
    assert "not supported yet" in problems(changed(**{key: {"table": "x"}}))[(key,)]


OUTBOX = {"table": "message", "id": "id", "saga_id": "s", "sent": "sent"}
RECEIVED = {"table": "received", "message": "m"}
REPLIES = {"table": "message", "answers": {"column": "h", "path": "$.to"}}
LOCKS = {"table": "l", "target": "t", "holder": "h", "waiters": {"table": "w", "target": "t", "saga": "s"}}


@pytest.mark.parametrize(
    ("given", "where", "said"),
    [
        ({"received": RECEIVED}, ("received",), "say outbox too"),
        ({"replies": REPLIES}, ("replies",), "say outbox too"),
        ({"outbox": OUTBOX, "replies": {**REPLIES, "table": "answers"}}, ("replies",), "say id = "),
        ({"outbox": OUTBOX, "replies": {**REPLIES, "taken_by": "me"}}, ("replies",), "say received with its consumer"),
        (
            {"outbox": OUTBOX, "received": RECEIVED, "replies": {**REPLIES, "taken_by": "me"}},
            ("replies",),
            "say received with its consumer",
        ),
        (
            {"outbox": OUTBOX, "replies": {**REPLIES, "taken_by": "{saga}-x"}},
            ("replies", "taken_by"),
            "nothing else in",
        ),
        ({"outbox": OUTBOX, "replies": {**REPLIES, "taken_by": " "}}, ("replies", "taken_by"), "not empty"),
        ({"outbox": OUTBOX, "replies": {**REPLIES, "answers": {"const": "x"}}}, ("replies",), "answers is a column"),
        ({"outbox": OUTBOX, "replies": {**REPLIES, "answers": {"path": "$.x"}}}, ("replies",), "answers is a column"),
        ({"outbox": OUTBOX, "replies": {**REPLIES, "outcome": "$.o"}}, ("replies", "outcome"), "without a column"),
        (
            {"outbox": OUTBOX, "replies": {**REPLIES, "outcome": {"column": "o", "values": {"A": "good"}}}},
            ("replies",),
            "one of done, refused",
        ),
        ({"locks": {**LOCKS, "holder": ["a", "b"]}}, ("locks",), "holder holds a saga's id"),
        (
            {"locks": {**LOCKS, "waiters": {**LOCKS["waiters"], "saga": ["a", "b"]}}},  # type: ignore[dict-item]
            ("locks",),
            "waiters.saga holds a saga's id",
        ),
    ],
)
def test_a_conversation_is_said_in_full(given: dict[str, Any], where: tuple[str, ...], said: str) -> None:
    assert said in problems(changed(**given))[where]


def test_a_conversation_as_it_is_meant() -> None:
    said = changed(outbox=OUTBOX, received={**RECEIVED, "consumer": "c"}, locks=LOCKS)
    options = SqlOptions.model_validate(expand({**said, "replies": {**REPLIES, "taken_by": "{saga_type}-consumer"}}))
    assert options.replies.answers.path == "$.to"
    assert options.locks.waiters.saga == ("s",)
    assert options.model_dump(mode="json")["received"]["consumer"] == "c"


def test_what_few_mappings_have_is_not_loaded_by_the_others() -> None:
    script = (
        "import sys; from sagadoctor.adapters.sql.options import SqlOptions; "
        "SqlOptions.model_validate({'url': 'sqlite:////x.db', 'saga': {'table': 't', 'id': 'i', 'state': 's'}}); "
        "assert 'sagadoctor.adapters.sql.mapping.conversation' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("given", ["id", ["a", "b"], {"column": "id"}, {"column": ["a", "b"], "format": "text"}])
def test_an_id_is_one_column_or_several(given: Any) -> None:
    words = SqlOptions.model_validate(changed(saga={"id": given})).saga.id
    assert words.columns in (("id",), ("a", "b"))


@pytest.mark.parametrize(
    ("state", "doubtful"),
    [
        ({"failed_means": "by_steps", "values": {"ABORTED": "failed", "OPEN": "started"}}, True),
        ({"failed_means": "compensated", "values": {"4": "failed"}}, True),
        ({"failed_means": "unknown", "values": {"4": "failed"}}, True),
        ({"failed_means": "failed", "values": {"4": "failed"}}, False),
        ({"failed_means": "by_steps", "values": {"ABORTED": "compensated"}}, False),
        ({"failed_means": "by_steps"}, False),
        ({"values": {"4": "failed"}}, False),
    ],
)
def test_it_is_doubtful_to_ask_what_failed_means_where_values_say_it(state: dict[str, Any], doubtful: bool) -> None:
    doubts = SqlOptions.model_validate(changed(saga={"state": {"column": "s", **state}})).doubts()
    assert [path for path, _ in doubts] == [("saga", "state", "failed_means")] * doubtful


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"column": "s", "const": "pending"},
        {"const": "bogus"},
        {"when": [{"if": {"a": True}, "is": "bogus"}]},
        {"column": "s", "failed_means": "perhaps"},
        {"const": "pending", "values": {"a": "failed"}},
    ],
)
def test_a_state_is_said_in_one_way(state: dict[str, Any]) -> None:
    assert any(loc[:2] == ("saga", "state") for loc in problems(changed(saga={"state": state})))


def test_a_path_needs_a_payload() -> None:
    assert any(
        "no payload is named" in said for said in problems(changed(saga={"business_key": "$.order_id"})).values()
    )


def test_a_query_may_stand_where_a_table_may() -> None:
    query = {"query": "select 1 as id;", "key": "id"}
    options = SqlOptions.model_validate(
        changed(saga={"table": query}, outbox={"table": query, "id": "id", "saga_id": "id", "sent_at": "at"})
    )
    assert options.saga.table.query == "select 1 as id"
    assert options.outbox is not None
    assert options.outbox.table.key == ("id",)


def test_there_are_presets() -> None:
    assert "saga-template" in names()
    for name in names():
        SqlOptions.model_validate(expand({"url": URL, "preset": name}))


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'saga-template'") as error:
        plugin.expand({"url": URL, "preset": "saga-templat"})
    assert error.value.problems[0].key == "preset"


def test_what_the_user_says_wins_key_by_key() -> None:
    said = {
        "url": URL,
        "preset": "saga-template",
        "saga": {
            "table": ["shop", "orders"],
            "state": {"values": {"HALTED": "paused"}},
            "updated_at": "changed_at",
            "created_at": {"tz": "Europe/Berlin"},
            "current_step": False,
            "version": "revision",
        },
        "steps": {"fields": {"timeout_at": {"format": "epoch_ms"}, "started_at": "begun"}},
    }
    options = SqlOptions.model_validate(expand(said))
    saga = options.saga
    assert saga.table.parts == ("shop", "orders")
    assert saga.state.column == "state"
    assert saga.state.values["HALTED"] == "paused"
    assert saga.state.values["started"] == "started"
    assert saga.updated_at is not None
    assert (saga.updated_at.column, saga.updated_at.tz) == ("changed_at", "UTC")
    assert saga.created_at is not None
    assert (saga.created_at.column, saga.created_at.tz) == ("created_at", "Europe/Berlin")
    assert saga.current_step is None
    fields = options.steps.fields  # type: ignore[attr-defined]
    assert (fields.timeout_at.column, fields.timeout_at.format) == ("timeout_at", "epoch_ms")
    assert fields.started_at.column == "begun"
    assert said["saga"]["state"] == {"values": {"HALTED": "paused"}}  # what was given stays as it is


def test_another_shape_replaces_the_presets_steps() -> None:
    steps = {"shape": "child_table", "table": "steps", "foreign_key": "saga", "fields": {"name": "n", "status": "s"}}
    options = SqlOptions.model_validate(expand({"url": URL, "preset": "saga-template", "steps": steps}))
    assert options.steps.shape == "child_table"


def test_rules_replace_the_presets_column() -> None:
    state = {"when": [{"if": {"done": True}, "is": "completed"}]}
    options = SqlOptions.model_validate(expand({"url": URL, "preset": "saga-template", "saga": {"state": state}}))
    assert options.saga.state.column is None


def keys_of(node: Any) -> Iterator[str]:
    """Every key that a schema offers anywhere."""
    for key, inner in node.items() if isinstance(node, dict) else enumerate(node if isinstance(node, list) else ()):
        yield from inner if key == "properties" else ()
        yield from keys_of(inner)


def test_the_schema_offers_what_is_built_and_nothing_else() -> None:
    made = SqlOptions.model_json_schema()
    for shape in SHAPES:
        assert f"'{shape}'" in str(made)
    offered = set(keys_of(made))
    assert {"outbox", "failed_means", "foreign_key", "order_by", "ignore"} <= offered
    assert {"received", "replies", "locks", "taken_by", "holder", "waiters"} <= offered
    assert "writer" not in offered


def test_the_schema_of_an_id_knows_its_column() -> None:
    assert set(SqlOptions.model_json_schema()["$defs"]["IdWords"]["properties"]) == {"column", "format"}


def test_options_can_be_written_out() -> None:
    options = SqlOptions.model_validate(expand({"url": URL, "preset": "saga-template"}))
    assert options.model_dump(mode="json")["steps"]["column"] == "steps"


def test_paths() -> None:
    path = parse_path("$.a['odd.key'][2].b-c.\"q\"")
    assert path == ("a", "odd.key", 2, "b-c", "q")
    assert follow({"a": {"odd.key": [0, 1, {"b-c": {"q": 7}}]}}, path) == 7
    assert follow({"a": []}, path) is None
    assert sql_path(("a", 2, 'q"')) == '$."a"[2]."q\\""'
    assert parse_path("$") == ()
    for wrong in ("a.b", "$.", "$..a", "$[*]", "$[-1]", "$.a b", "$['a]"):
        with pytest.raises(ValueError, match="path"):
            parse_path(wrong)
