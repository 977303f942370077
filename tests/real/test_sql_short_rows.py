"""Rows of steps are read on a short road where they are plainly right: it tells what the tolerant one tells."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagadoctor.adapters.sql.shapes import child_table, directed, log_table, op_table
from tests.adapters.sheet import read
from tests.real.test_sql_step_tables import COMMON, ROWS, Tables, stamp

ODD: Final = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
STATUS: Final = {"column": "status", "values": COMMON["values"]}
COLUMNS: Final = {**ROWS, "step": "long", "error": "long", "url": "long"}
MAPPED: Final = {
    "child_table": {key: COMMON[key] for key in ("foreign_key", "order_by")}
    | {
        "fields": {
            **COMMON["fields"],
            "status": STATUS,
            "compensation": {"column": "url", "pattern": "^http:(.*)"},
            "started_at": "at",
        }
    },
    "op_table": COMMON,
    "log_table": COMMON,
}
rows: Final = st.fixed_dictionaries(
    {
        "step": st.sampled_from(["reserve", "pay", "ship", "", "Übersicht", "n" * 4500]),
        "op": st.sampled_from(["do", "do", "undo", "revert", "think"]),
        "status": st.sampled_from(["prepared", "begun", "done", "refused", "DONE", "odd word", ""]),
        "at": st.sampled_from([None, *(stamp(minutes) for minutes in (0, 3, 9, -50_000))]),
        "error": st.sampled_from([None, "", "no stock", "é" * 5000]),
        "url": st.sampled_from([None, "http:undo", "x" * 2000]),
        "result": st.sampled_from([None, "null", '{"a": 1}']),
    }
)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["child_table", "op_table", "log_table"])
def test_both_roads_tell_the_same_of_any_rows(store_url: str, shape: str) -> None:
    tables = Tables(store_url, shape, COLUMNS)
    said: dict[str, Any] = dict(MAPPED[shape])

    def told() -> Any:
        return tables.sagas.open(tables.said({}, said))

    @ODD
    @given(st.lists(st.lists(rows, min_size=1, max_size=7), min_size=1, max_size=3))
    def same(sagas: list[list[dict[str, Any]]]) -> None:
        alike = [[{**row, "at": stamp(17 * at), "error": f"no {at}"} for at, row in enumerate(saga)] for saga in sagas]
        tables.write(*sagas, *alike)
        short = read(told())
        with pytest.MonkeyPatch.context() as patched:
            for module in (child_table, directed):
                patched.setattr(module, "short_row", lambda reader, source, fields: None)
            for module in (op_table, log_table):
                patched.setattr(module, "FEW_ROWS", -1)  # no saga is taken for another one's likeness
            patched.setattr(log_table, "_MOST_ROWS", 2)  # rows are followed one by one
            tolerant = read(told())
        assert short == tolerant

    same()


@pytest.mark.parametrize("shape", ["op_table", "log_table"])
def test_words_in_the_column_that_tells_the_moment_tell_sagas_apart(sqlite_url: str, shape: str) -> None:
    tables = Tables(sqlite_url, shape, COLUMNS)
    fields = {
        "name": {"column": "url", "pattern": r"^(\w+) "},
        "status": {"column": "status", "values": COMMON["values"]},
        "at": {"column": "url", "pattern": r"^\w+ (.+)$"},
    }
    said = {key: COMMON[key] for key in ("foreign_key", "order_by", "forward", "undo")} | {"fields": fields}
    courses = (("pay", "ship"), ("ship", "tell"))
    lines = [[f"{name} {stamp(place)}" for place, name in enumerate(names)] for names in courses]
    tables.write(*([{"op": "do", "status": "done", "step": "x", "url": line} for line in told] for told in lines))
    sagas = sorted(read(tables.sagas.open(tables.said({}, said))), key=lambda saga: saga.saga_id)
    assert [tuple(step.name for step in saga.steps or ()) for saga in sagas] == list(courses)
