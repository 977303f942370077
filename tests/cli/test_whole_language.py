"""What a mapping can say of a saga's course, from a real table through `scan` and `show` to the report."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from .running import Home
from .stores import ago

TABLES: Final = """
CREATE TABLE runs (id TEXT PRIMARY KEY, word TEXT, at TEXT, began TEXT, worker TEXT, mended_by TEXT, mail TEXT,
                   book TEXT, pay TEXT, voucher TEXT, survey TEXT, ship TEXT);
CREATE TABLE went (run TEXT, seq INTEGER, name TEXT, output TEXT, error TEXT, at TEXT, word TEXT,
                   PRIMARY KEY (run, seq));
CREATE TABLE workers (id TEXT PRIMARY KEY, beat TEXT);
"""
SAGA: Final = """
[stores.trips.saga]
table = "runs"
id = "id"
type = { const = "Trip" }
state = { column = "word", failed_means = "by_steps" }
created_at = "began"
updated_at = "at"
repaired_by = "mended_by"
owner = { column = "worker", alive = { table = "workers", id = "id", heartbeat = "beat", within = "5m" } }
"""
ROWS: Final = """
[stores.trips.steps]
shape = "child_table"
table = "went"
foreign_key = "run"
order_by = "seq"
direction = "by_name"
status = { failed_if_set = "error", otherwise = "completed" }
ignore = ["sys.*"]
fields = { name = "name", error = "error", result = "output", executed_at = "at" }
"""
FLAGS: Final = """
[stores.trips.steps]
shape = "columns"
steps = [
  { name = "book", done_at = "book" },
  { name = "pay", done_at = "pay" },
  { name = "voucher", done_at = "voucher" },
  { name = "survey", done_at = "survey" },
  { name = "ship", done_at = "ship" },
]
"""
WORDS: Final = """
[stores.trips.steps]
shape = "child_table"
table = "went"
foreign_key = "run"
waiting = ["wait.*"]
fields = { name = "name", status = "word", started_at = "at" }
"""
TYPE: Final = """
[sagas.Trip]
steps = [
  { name = "book", compensation = "unbook" },
  { name = "pay", compensation = "refund", timeout = "10m" },
  { name = "voucher", compensation = "refund_voucher", alternative_of = "pay", timeout = "10m" },
  { name = "survey", optional = true, compensable = false },
  { name = "ship", compensable = false, timeout = "10m" },
]
"""


class Trips:
    """A company's tables, and a home whose configuration looks at them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with sqlite3.connect(folder / "trips.db") as connection:
            connection.executescript(TABLES)
        connection.close()

    def add(self, table: str, *rows: Mapping[str, Any]) -> None:
        connection = sqlite3.connect(self.folder / "trips.db")
        with connection:
            for row in rows:
                places = ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))
        connection.close()

    def went(self, run: str, *steps: tuple[str, str | None], minutes: float = 60) -> None:
        """Rows of steps with their errors, a minute apart."""
        rows = [
            {"run": run, "seq": at, "name": name, "error": error, "at": ago(minutes=minutes - at), "word": "done"}
            for at, (name, error) in enumerate(steps)
        ]
        self.add("went", *rows)

    def home(self, *parts: str) -> Home:
        url = f'[stores.trips]\nplugin = "sql"\nurl = "sqlite:///{self.folder}/trips.db"\n'
        config = self.folder / "config.toml"
        config.write_text("".join((url, *parts)), encoding="utf-8")
        return Home(self.folder, config)


@pytest.fixture
def trips(tmp_path: Path) -> Trips:
    return Trips(tmp_path)


def run(name: str, word: str, minutes: float = 60, **columns: Any) -> dict[str, Any]:
    return {"id": name, "word": word, "at": ago(minutes=minutes), "began": ago(minutes=minutes + 5), **columns}


def rules(home: Home, *words: str) -> dict[str, str]:
    """The primary finding of each saga."""
    told: Iterable[dict[str, Any]] = home.call("scan", "--since", "7d", "-o", "ndjson", *words).documents[:-1]
    return {each["saga_id"]: each["rule"] for each in told if each.get("primary")}


def states(home: Home, saga_id: str) -> tuple[str, dict[str, str]]:
    """A saga's state and its steps' statuses as `show` tells them."""
    (case,) = home.call("show", "-o", "json", "--", saga_id).document["cases"]
    return case["state"], {step["name"]: step["status"] for step in case["steps"]}


def test_failed_means_by_steps_and_a_status_by_a_set_error(trips: Trips) -> None:
    trips.add("runs", *(run(name, "FAILED") for name in ("undone", "left", "refused", "nothing")))
    trips.went("undone", ("sys.log", None), ("book", None), ("pay", "no money"), ("unbook", None))
    trips.went("left", ("book", None), ("pay", "no money"))
    trips.went("refused", ("book", None), ("pay", "no money"), ("unbook", "no such booking"))
    trips.went("nothing", ("survey", None), ("book", "full"))
    home = trips.home(SAGA, ROWS, TYPE)
    assert states(home, "undone") == ("compensated", {"book": "compensated", "pay": "failed"})
    assert states(home, "left") == ("failed", {"book": "completed", "pay": "failed"})
    assert states(home, "refused") == ("failed", {"book": "compensation_failed", "pay": "failed"})
    assert states(home, "nothing") == ("compensated", {"survey": "completed", "book": "failed"})
    told = rules(home)
    assert told["left"] == "half-compensated"
    assert told["refused"] == "compensation-failed"
    assert not {"undone", "nothing"} & set(told)


def test_a_saga_that_another_one_repaired_is_left_alone_once_that_has_ended_well(trips: Trips) -> None:
    trips.add("runs", *(run(f"left-{at}", "FAILED", mended_by=by) for at, by in enumerate(("fix-1", "fix-2", None))))
    trips.add("runs", run("fix-1", "completed"), run("fix-2", "running", 1))
    for at in range(3):
        trips.went(f"left-{at}", ("book", None), ("pay", "no money"))
    told = rules(trips.home(SAGA, ROWS, TYPE))
    assert "left-0" not in told
    assert told["left-1"] == told["left-2"] == "half-compensated"
    shown = trips.home(SAGA, ROWS, TYPE).call("show", "--", "left-1").text
    assert "fix-2" in shown


def test_alternatives_and_optional_steps_are_passed_by(trips: Trips) -> None:
    done = ago(minutes=61)
    trips.add("runs", run("other-way", "running", book=done, voucher=done))
    trips.add("runs", run("left-out", "running", book=done, pay=done, survey=None, ship=None))
    trips.add("runs", run("behind", "completed", book=done, voucher=done, ship=done))
    home = trips.home(SAGA, FLAGS, TYPE)
    assert states(home, "other-way")[1] == {
        "book": "completed",
        "pay": "pending",
        "voucher": "completed",
        "survey": "executing",
        "ship": "pending",
    }
    assert states(home, "left-out")[1]["voucher"] == "pending"
    assert "behind" not in rules(home)


def test_a_step_without_an_undo_owes_none(trips: Trips) -> None:
    trips.add("runs", run("shipped", "FAILED", ship=ago(minutes=61)), run("paid", "FAILED", pay=ago(minutes=61)))
    home = trips.home(SAGA, FLAGS, TYPE)
    assert states(home, "shipped")[0] == "compensated"
    assert states(home, "paid")[0] == "failed"
    assert rules(home) == {"paid": "half-compensated"}


def test_an_owner_is_alive_by_its_heartbeat_in_another_table(trips: Trips) -> None:
    trips.add("runs", *(run(f"of-{who}", "running", 2, worker=who) for who in ("w1", "w2", "w3")))
    trips.add("workers", {"id": "w1", "beat": ago(seconds=5)}, {"id": "w2", "beat": ago(minutes=30)})
    for who in ("w1", "w2", "w3"):
        trips.went(f"of-{who}", ("book", None), minutes=2)
    home = trips.home(SAGA, ROWS, TYPE)
    told = rules(home)
    assert "of-w1" not in told
    assert told["of-w2"] == told["of-w3"] == "owner-gone"
    assert "w2 last gave a heartbeat 30m" in " ".join(home.call("show", "--", "of-w2").text.split())


def test_steps_that_are_waits_make_the_saga_rest(trips: Trips) -> None:
    trips.add("runs", run("rests", "running"), run("works", "running"))
    rows = [("rests", "wait.approval", "executing"), ("works", "pay", "executing")]
    at = ago(minutes=60)
    trips.add("went", *({"run": who, "seq": 1, "name": name, "word": word, "at": at} for who, name, word in rows))
    told = rules(trips.home(SAGA, WORDS, TYPE))
    assert told == {"rests": "waiting", "works": "step-timed-out"}
    told = rules(trips.home(SAGA, WORDS.replace("wait.*", "rest.*"), TYPE))
    assert told["rests"] != "waiting"


def test_a_path_that_finds_nothing_and_a_missing_column_are_told_by_check(trips: Trips) -> None:
    trips.add("runs", run("a", "running", mail='{"to": "x"}'))
    odd = 'payload = "mail"\nbusiness_key = "$.nope"\ncorrelation_id = { column = "mail", pattern = "id=(.*)" }\n'
    told = " ".join(trips.home(SAGA, odd, ROWS).call("check").text.split())
    assert "saga.business_key is told by none of 1 rows: its path $.nope finds nothing in the payload" in told
    assert "saga.correlation_id is told by none of 1 rows: its pattern id=(.*) finds nothing in mail" in told
    home = trips.home(SAGA.replace('"at"', '"att"'), 'where = { wrd = "running" }\n', ROWS)
    done = home.call("scan")
    text = " ".join(done.text.split())
    assert done.code == 3
    assert f"runs has no column 'att' ({home.config}:11: saga.updated_at), did you mean 'at'?" in text
    assert "saga.where.wrd), did you mean 'word'? (it has id, word, at, began," in text


def test_a_query_in_the_place_of_each_table_gives_the_same_report(trips: Trips) -> None:
    trips.add("runs", *(run(name, "FAILED") for name in ("undone", "left")), run("of-w", "running", 2, worker="w"))
    trips.went("undone", ("book", None), ("pay", "no money"), ("unbook", None))
    trips.went("left", ("book", None), ("pay", "no money"))
    trips.went("of-w", ("book", None), minutes=2)
    plain = rules(trips.home(SAGA, ROWS, TYPE))
    queried = SAGA.replace('"runs"', '{ query = "select * from runs;", key = "id" }')
    queried = queried.replace('table = "workers"', 'table = { query = "select * from workers", key = "id" }')
    rows = ROWS.replace('"went"', '{ query = "select * from went where name <> \':x\'", key = ["run", "seq"] }')
    home = trips.home(queried, rows, TYPE)
    assert rules(home) == plain == {"left": "half-compensated", "of-w": "owner-gone"}
    checked = home.call("check")
    assert checked.code == 0
    assert "saga.table.query" in checked.text
    assert home.call("config", "validate").code == 0
    assert "select * from runs;" in home.call("config", "show").text
