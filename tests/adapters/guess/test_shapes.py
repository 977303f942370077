"""Tables as people make them, in every shape, and what is concluded of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .looking import one, proposed, rows

AT = "2026-01-01 10:00:00"


def test_a_log_of_events_whose_words_tell_the_direction(tmp_path: Path) -> None:
    """As Oxide's steno keeps it: a graph, its nodes' events, and an owner."""
    table, draft = one(
        tmp_path,
        "create table saga (id text primary key, creator text, time_created timestamp, name text, saga_dag text, "
        "saga_state text, current_sec text, adopt_generation integer)",
        "create table saga_node_event (saga_id text, node_id integer, event_type text, event_time timestamp, "
        "creator text, primary key (saga_id, node_id, event_type))",
        rows(
            "saga",
            *((f"s{n}", "c", AT, "vpc", "{}", word, "x", 1) for n, word in enumerate(("running", "unwinding", "done"))),
        ),
        rows(
            "saga_node_event",
            *(
                ("s1", n, word, AT, "c")
                for n in (1, 2)
                for word in ("started", "succeeded", "undo_started", "undo_finished")
            ),
        ),
    )
    assert table["saga"]["state"]["column"] == "saga_state"
    assert table["saga"]["created_at"] == "time_created"
    steps = table["steps"]
    assert (steps["shape"], steps["foreign_key"]) == ("log_table", "saga_id")
    assert steps["fields"]["at"] == "event_time"
    assert steps["fields"]["status"] == {
        "column": "event_type",
        "values": {"undo_started": "compensating", "undo_finished": "compensated"},
    }
    assert steps["fields"]["name"] == "node_id"
    assert draft.name == "saga"


def test_rows_that_come_again_are_events_whatever_their_table_is_called(tmp_path: Path) -> None:
    table, _ = one(
        tmp_path,
        "create table saga (id integer primary key, status text)",
        "create table saga_activity (id integer primary key, saga_id integer references saga, step_name text, "
        "status text, created_at timestamp)",
        rows("saga", (1, "COMPENSATING")),
        rows(
            "saga_activity", (1, 1, "pay", "STARTED", AT), (2, 1, "pay", "COMPLETED", AT), (3, 1, "ship", "STARTED", AT)
        ),
    )
    assert (table["steps"]["shape"], table["steps"]["order_by"]) == ("log_table", "id")
    assert table["steps"]["fields"]["at"] == "created_at"


def test_a_table_of_rows_that_belong_to_sagas_holds_none_itself(tmp_path: Path) -> None:
    table, _ = one(
        tmp_path,
        "create table sagas (id integer primary key, status text)",
        "create table saga_steps (id integer primary key, saga_id integer references sagas, status text)",
        rows("sagas", (1, "COMPENSATING")),
        rows("saga_steps", (1, 1, "COMPENSATED"), (2, 1, "COMPENSATING")),
    )
    assert table["saga"]["table"] == "sagas"


def test_words_of_steps_by_name_in_json(tmp_path: Path) -> None:
    table, draft = one(
        tmp_path,
        "create table process_instance (id integer primary key, kind text, state text, progress text)",
        rows(
            "process_instance",
            (1, "Trip", "RUNNING", json.dumps({"car": "DONE", "hotel": "STARTED"})),
            (2, "Trip", "ROLLING_BACK", json.dumps({"car": "ROLLED_BACK", "hotel": "FAILED"})),
        ),
    )
    assert table["steps"] == {"shape": "json_object", "column": "progress"}
    (section,) = [each for each in draft.sections if each.outside]
    assert section.path == ("sagas", "Trip")
    assert [each["name"] for each in section.settings[0].value] == ["car", "hotel"]
    assert section.said


def test_steps_deep_in_the_payload(tmp_path: Path) -> None:
    document = {"orderId": 7, "steps": [{"step": "pay", "state": "OK"}, {"step": "ship", "state": "SENT"}]}
    table, _ = one(
        tmp_path,
        "create table order_saga (id text primary key, status text, context text)",
        rows("order_saga", *((f"s{n}", "COMPENSATING", json.dumps({**document, "orderId": n})) for n in range(3))),
    )
    assert table["steps"]["path"] == "$.steps"
    assert table["steps"]["fields"] == {"name": "step", "status": "state"}
    assert table["saga"]["business_key"] == "$.orderId"


def test_flags_of_each_step_in_the_row(tmp_path: Path) -> None:
    table, draft = one(
        tmp_path,
        "create table booking_saga (id integer primary key, status text, hotel_done boolean, hotel_undone boolean, "
        "flight_completed_at timestamp, flight_compensated_at timestamp, note text)",
        rows("booking_saga", (1, "COMPENSATING", 1, 0, AT, None, "x")),
    )
    assert table["steps"] == {
        "shape": "columns",
        "steps": [
            {"name": "hotel", "done": "hotel_done", "undone": "hotel_undone"},
            {"name": "flight", "done_at": "flight_completed_at", "undone_at": "flight_compensated_at"},
        ],
    }
    assert any(each.outside and each.said for each in draft.sections)


def test_words_of_each_step_in_the_row(tmp_path: Path) -> None:
    table, _ = one(
        tmp_path,
        "create table booking_saga (id integer primary key, status text, hotel_status text, flight_status text)",
        rows("booking_saga", (1, "COMPENSATING", "DONE", "FAILED"), (2, "COMPENSATING", "PENDING", "PENDING")),
    )
    first = table["steps"]["steps"][0]
    assert first == {
        "name": "hotel",
        "done": {"column": "hotel_status", "values": {"DONE": "completed", "PENDING": "pending"}},
    }


def test_counters(tmp_path: Path) -> None:
    table, draft = one(
        tmp_path,
        "create table saga_run (id integer primary key, status text, total_steps int, completed_steps int, "
        "compensated_steps int, failed_step int)",
        rows("saga_run", (1, "COMPENSATING", 3, 2, 1, 2)),
    )
    assert table["steps"] == {
        "shape": "counters",
        "done": "completed_steps",
        "undone": "compensated_steps",
        "total": "total_steps",
        "failed": "failed_step",
    }
    assert any("name the steps of saga_run" in todo for todo in draft.todo)


def test_lists_of_names(tmp_path: Path) -> None:
    table, _ = one(
        tmp_path,
        "create table saga_run (id integer primary key, status text, completed_steps text, compensated_steps text)",
        rows("saga_run", (1, "COMPENSATING", '["a", "b"]', '["b"]')),
    )
    assert table["steps"] == {"shape": "arrays", "done": "completed_steps", "compensated": "compensated_steps"}


def test_a_row_a_step_and_direction(tmp_path: Path) -> None:
    table, draft = one(
        tmp_path,
        "create table global_transaction (xid text primary key, status text, created_at timestamp)",
        "create table branch (id integer primary key, xid text references global_transaction (xid), branch_name text, "
        "op text, state text, unique (xid, branch_name, op))",
        rows("global_transaction", ("x1", "ABORTING", AT), ("x2", "SUCCEED", AT)),
        rows(
            "branch",
            (1, "x1", "pay", "do", "SUCCEED"),
            (2, "x1", "pay", "undo", "PENDING"),
            (3, "x2", "pay", "do", "SUCCEED"),
        ),
    )
    steps = table["steps"]
    assert (steps["shape"], steps["order_by"]) == ("op_table", "id")
    assert (steps["forward"], steps["undo"]) == ({"match": {"op": "do"}}, {"match": {"op": "undo"}})
    assert draft.why


def test_flags_say_the_state(tmp_path: Path) -> None:
    table, draft = one(
        tmp_path,
        "create table saga_instance (saga_id text primary key, end_state boolean, compensating boolean, "
        "failed boolean, currently_executing integer)",
        rows("saga_instance", ("a", 0, 1, 0, 1), ("b", 1, 0, 0, 2)),
    )
    assert table["saga"]["state"] == {
        "when": [
            {"if": {"failed": True}, "is": "failed"},
            {"if": {"end_state": True, "compensating": True}, "is": "compensated"},
            {"if": {"end_state": True}, "is": "completed"},
            {"if": {"compensating": True}, "is": "compensating"},
            {"if": {"end_state": False}, "is": "pending"},
        ]
    }
    assert table["saga"]["current_step"]["column"] == "currently_executing"
    assert any("failed is read as" in todo for todo in draft.todo)


def test_step_and_state_in_one_column(tmp_path: Path) -> None:
    words = ("authorize_card.running", "ship.completed", "authorize_card.compensating", "ship.failed")
    table, draft = one(
        tmp_path,
        "create table order_saga (id integer primary key, state text, created_at timestamp)",
        rows("order_saga", *((n, word, AT) for n, word in enumerate(words))),
    )
    assert table["saga"]["state"] == {"column": "state", "pattern": "[.]([^.]*)$", "failed_means": "unknown"}
    assert table["saga"]["current_step"] == {"column": "state", "pattern": "^(.*)[.]", "by": "name"}
    assert [question.key for question in draft.questions] == [("state", "failed_means")]


def test_times_as_numbers_get_their_unit(tmp_path: Path) -> None:
    table, draft = one(
        tmp_path,
        "create table saga (id integer primary key, status text, created_at bigint, updated_at bigint, expires_at int, "
        "steps text)",
        rows("saga", (1, "COMPENSATING", 1767261600, 1767261600000, None, "[]")),
    )
    assert table["saga"]["created_at"] == {"column": "created_at", "format": "epoch_s"}
    assert table["saga"]["updated_at"] == {"column": "updated_at", "format": "epoch_ms"}
    assert "deadline" not in table["saga"]
    assert any("unit of expires_at" in todo for todo in draft.todo)


def test_numbers_as_states_are_for_a_person_to_say(tmp_path: Path) -> None:
    table, draft = one(
        tmp_path,
        "create table saga_instance (id integer primary key, state int, current_step text)",
        rows("saga_instance", *((n, n % 4, "pay") for n in range(20))),
    )
    assert table["saga"]["state"] == {"column": "state"}
    assert any("what these states mean: 0, 1, 2, 3" in todo for todo in draft.todo)


def test_a_state_by_its_words_in_a_language_that_nobody_here_speaks(tmp_path: Path) -> None:
    table, _ = one(
        tmp_path,
        "create table vorgang (nummer integer primary key, lage text, schritte text)",
        rows(
            "vorgang",
            *(
                (n, word, json.dumps([{"name": "a", "status": "completed"}]))
                for n, word in enumerate(("RUNNING", "COMPENSATING", "COMPLETED"))
            ),
        ),
        tables=("vorgang",),
    )
    assert table["saga"]["state"]["column"] == "lage"
    assert table["steps"]["column"] == "schritte"


def test_bytes_as_ids(tmp_path: Path) -> None:
    v4, v1 = "6ba7b8109dad41d180b400c04fd430c8", "11d19dad6ba7b81080b400c04fd430c8"
    for value, wanted in ((v4, "uuid_bytes"), (v1, "uuid_bytes_swapped")):
        folder = tmp_path / wanted
        folder.mkdir()
        table, _ = one(
            folder,
            "create table saga (id binary(16) primary key, status text, steps text)",
            f"insert into saga values (x'{value}', 'COMPENSATING', '[]')",
        )
        assert table["saga"]["id"] == {"column": "id", "format": wanted}


def test_what_was_put_aside_is_a_question(tmp_path: Path) -> None:
    table, draft = one(
        tmp_path,
        "create table sagas (id integer primary key, status text, deleted_at timestamp)",
        rows("sagas", (1, "COMPENSATING", None)),
    )
    assert "where" not in table["saga"]
    (saga,) = [section for section in draft.sections if section.path == ("saga",)]
    assert [each.value for each in saga.settings if not each.said] == [{"deleted_at": "null"}]


def test_what_would_leave_a_saga_in_peace_is_for_a_person_to_say(tmp_path: Path) -> None:
    table, draft = one(
        tmp_path,
        "create table sagas (id integer primary key, status text, waiting_for text)",
        rows("sagas", (1, "COMPENSATING", "reply")),
    )
    assert "waiting_for" not in table["saga"]
    (saga,) = [section for section in draft.sections if section.path == ("saga",)]
    assert [each.key for each in saga.settings if not each.said] == ["waiting_for"]


def test_times_ahead_of_the_clock_are_of_another_zone(tmp_path: Path) -> None:
    _, draft = one(
        tmp_path,
        "create table sagas (id integer primary key, status text, created_at timestamp)",
        rows("sagas", (1, "COMPENSATING", "2999-01-01 00:00:00")),
    )
    assert any("ahead of the server's clock" in todo for todo in draft.todo)


def test_types_of_their_own_steps(tmp_path: Path) -> None:
    _, draft = one(
        tmp_path,
        "create table sagas (id integer primary key, type text, status text)",
        "create table saga_steps (id integer primary key, saga_id integer references sagas, name text, status text)",
        rows("sagas", (1, "Order", "COMPENSATING"), (2, "Trip", "COMPENSATING")),
        rows("saga_steps", (1, 1, "pay", "COMPENSATED"), (2, 1, "ship", "FAILED"), (3, 2, "fly", "COMPENSATED")),
    )
    sections = {each.path[1]: each.settings[0].value for each in draft.sections if each.outside}
    assert {kind: [step["name"] for step in steps] for kind, steps in sections.items()} == {
        "Order": ["pay", "ship"],
        "Trip": ["fly"],
    }


def nothing_in(folder: Path, *statements: str) -> Any:
    proposal = proposed(folder, *statements)
    assert proposal.drafts == ()
    return proposal


def test_jobs_orders_and_outboxes_are_no_sagas(tmp_path: Path) -> None:
    proposal = nothing_in(
        tmp_path,
        "create table jobs (id integer primary key, status text, attempts int, locked_by text, created_at timestamp, "
        "updated_at timestamp, payload text)",
        rows("jobs", *((n, w, 0, "w", AT, AT, "{}") for n, w in enumerate(("pending", "running", "done", "failed")))),
        "create table orders (id integer primary key, status text, created_at timestamp)",
        "create table order_items (id integer primary key, order_id integer references orders, name text, status text)",
        rows("orders", *((n, w, AT) for n, w in enumerate(("new", "paid", "cancelled")))),
        rows("order_items", *((n, n % 3, "x", "shipped") for n in range(9))),
        "create table outbox (id integer primary key, topic text, payload text, sent boolean)",
        "create table users (id integer primary key, status text)",
    )
    assert {miss.place for miss in proposal.nearest} >= {"jobs", "orders"}
    assert all(miss.lacks for miss in proposal.nearest)


def test_a_schema_that_is_not_there_is_told(tmp_path: Path) -> None:
    made = ("create table sagas (id integer primary key, status text)", rows("sagas", (1, "COMPENSATING")))
    assert len(proposed(tmp_path, *made, schema="MAIN").drafts) == 1
    other = tmp_path / "other"
    other.mkdir()
    wrong = proposed(other, *made, schema="shop")
    assert wrong.drafts == ()
    assert wrong.notes == ("no table of a schema 'shop' is here",)


def test_an_empty_database(tmp_path: Path) -> None:
    proposal = nothing_in(tmp_path, "select 1")
    assert (proposal.tables, proposal.nearest) == (0, ())


def test_events_without_a_saga_row(tmp_path: Path) -> None:
    """As servicecomb-pack: nothing but a log, which this language has no row for."""
    proposal = nothing_in(
        tmp_path,
        "create table TxEvent (surrogateId integer primary key, globalTxId text, localTxId text, type text, "
        "creationTime timestamp)",
        rows("TxEvent", *((n, "g", f"l{n}", w, AT) for n, w in enumerate(("SagaStartedEvent", "TxEndedEvent")))),
    )
    assert proposal.nearest == () or proposal.nearest[0].lacks
