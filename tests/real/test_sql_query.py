"""A query in the place of a table: read, paged, looked up and refused as a table would be, on every database."""

from __future__ import annotations

from typing import Any, Final

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from sagadoctor.api.v1 import AccessDenied, Look, SagaState, SchemaMismatch, StepStatus
from tests.adapters.sheet import Sheet, doubts, fetch, later, pages, read
from tests.real.test_sql_every_format import ID
from tests.real.test_sql_every_format import sheet as every_kind
from tests.real.test_sql_roads import ask, read_until_refused

RUNS: Final = {
    "run_no": "int",
    "kind": "text",
    "status_id": "int",
    "changed": "moment",
    "doc": "document",
    "order_no": "text",
}
STATES: Final = {"id": "int", "word": "text"}
QUERY: Final = """
    select r.run_no as id, r.kind as type, s.word as state, r.changed as updated_at, r.doc, order_no
    from runs r join run_states s on s.id = r.status_id  -- it's a join; of two (2) tables
    where r.kind <> ':x %s % 100%% ?' ;
"""
SAGA: Final = {
    "table": {"query": QUERY, "key": "id"},
    "id": "id",
    "type": "type",
    "state": "state",
    "updated_at": "updated_at",
    "payload": "doc",
    "business_key": "order_no",
}
AT: Final = "2026-11-20 10:00:00"


def runs(url: str, count: int = 0) -> Sheet:
    """Runs 1 to `count`, every fourth of them done, and their words in a table of their own."""
    sheet = Sheet(url, "runs", RUNS)
    words = Sheet(url, "run_states", STATES)
    words.add({"id": 1, "word": "running"}, {"id": 2, "word": "completed"}, {"id": 3, "word": "odd one"})
    sheet.run("create unique index runs_no on runs (run_no)", "create unique index words_id on run_states (id)")
    every = [
        {
            "run_no": at,
            "kind": "Order",
            "status_id": 2 if at % 4 == 0 else 1,
            "changed": AT,
            "doc": f'{{"order": "A-{at}"}}',
            "order_no": f"A-{at}",
        }
        for at in range(1, count + 1)
    ]
    if every:
        table = sa.table("runs", *(sa.column(name) for name in RUNS))
        with sheet.engine.begin() as connection:
            connection.execute(table.insert(), every)
    return sheet


def said(**saga: Any) -> dict[str, Any]:
    return {"saga": {**SAGA, **saga}}


def test_a_query_is_read_like_a_table(store_url: str) -> None:
    sheet = runs(store_url, 9)
    sheet.add({"run_no": 10, "kind": "Order", "status_id": 3, "changed": AT, "doc": "{}"})
    found = sorted(read(sheet.open(said())), key=lambda saga: int(saga.saga_id))
    assert [saga.saga_id for saga in found] == ["1", "2", "3", "5", "6", "7", "9", "10"]
    assert {saga.saga_type for saga in found} == {"Order"}
    assert [saga.state for saga in found[:2]] == [SagaState.PENDING] * 2
    assert found[0].business_key == "A-1"
    assert found[0].updated_at is not None
    assert found[0].source == "orders.saga.table.query"
    assert doubts(found[-1]) == {"state": "a word that the mapping doesn't know"}
    assert len(read(sheet.open(said()), all_ended=True)) == 10
    (shown,) = fetch(sheet.open(said()), " 4", detail=True)
    assert (shown.saga_id, shown.state) == ("4", SagaState.COMPLETED)
    assert b"A-4" in (shown.payload or b"")


def test_what_a_cap_leaves_of_a_page_is_never_too_little_to_go_on(store_url: str) -> None:
    sheet = runs(store_url, 9)
    sheet.run("update runs set order_no = 'A-1', status_id = 1")
    keyed = said(table={"query": QUERY, "key": "order_no"})
    found = pages(sheet.open(keyed), live_cap=1)
    assert any(page.truncated for page in found)
    assert sum(len(page.sagas) for page in found) == 1
    assert len(read(sheet.open(keyed), live_cap=4)) == 4


def test_rows_of_one_key_and_rows_without_one_are_read_and_told(store_url: str) -> None:
    sheet = runs(store_url, 9001)
    sheet.run(
        "update runs set order_no = 'A-1' where run_no > 1000", "update runs set order_no = null where run_no < 9"
    )
    keyed = said(table={"query": QUERY, "key": "order_no"})
    found = pages(sheet.open(keyed), all_ended=True)
    ids = [saga.saga_id for page in found for saga in page.sagas]
    assert sorted(map(int, ids)) == list(range(1, 9002))
    notes = [note for page in found for note in page.notes]
    assert (
        "saga.table.query: its key (order_no) does not tell its rows apart; all rows of one key were read together"
        in notes
    )
    assert "saga.table.query: 8 rows have NULL in its key (order_no)" in notes
    sheet.run("update runs set order_no = null where run_no < 2000", "update runs set status_id = 1")
    found = pages(sheet.open(keyed))
    assert any(page.truncated for page in found)
    assert any("only 1,000 of them were read" in note for page in found for note in page.notes)


def test_a_query_is_paged_by_its_key_each_page_a_statement_of_its_own(store_url: str) -> None:
    sheet = runs(store_url, 9001)
    for key in ("id", ["type", "id"]):
        found = pages(sheet.open(said(table={"query": QUERY, "key": key})), all_ended=True)
        assert len(found) > 2
        assert sorted(int(saga.saga_id) for page in found for saga in page.sagas) == list(range(1, 9002))
        assert not any(page.notes or page.truncated for page in found)


TYPED: Final = (
    ("created_at", "t_zoned", None),
    ("updated_at", "t_plain", None),
    ("deadline", "t_ticks", "dotnet_ticks"),
    ("next_attempt_at", "t_v7b", "uuid_v7"),
)
BIG: Final = {"big_table": 1000}
NEEDED: Final = "select run_no as id, kind as type, word, changed as updated_at from runs where kind = 'Order'"
STATED: Final[dict[str, Any]] = {
    "table": {"query": NEEDED, "key": "id"},
    "id": "id",
    "type": "type",
    "state": "word",
    "updated_at": "updated_at",
}


def one_table(url: str, count: int, *indexes: str) -> Sheet:
    """Many runs, some of them live, with the word in the row."""
    sheet = Sheet(url, "runs", {**RUNS, "word": "text", "part_of": "int"})
    table = sa.table(
        "runs", *(sa.column(name) for name in ("run_no", "kind", "word", "changed", "order_no", "part_of"))
    )
    rows = [
        {
            "run_no": at,
            "kind": "Order",
            "word": "running" if at % 50 == 0 else "completed",
            "changed": AT,
            "order_no": f"A-{at}",
            "part_of": at // 2,
        }
        for at in range(1, count + 1)
    ]
    with sheet.engine.begin() as connection:
        connection.execute(table.insert(), rows)
    sheet.run(*indexes, "analyze table runs" if sheet.kind == "mysql" else "analyze runs")
    return sheet


def test_a_query_that_reads_all_of_a_big_table_is_refused_with_what_to_do(store_url: str) -> None:
    sheet = one_table(store_url, 4000)
    told, refused = read_until_refused(sheet.open({"saga": STATED}, **BIG))
    assert told == []
    assert "live sagas can't be found without reading all of saga.table.query (about 4,0" in refused.reason.replace(
        "3,9", "4,0"
    )
    assert "let saga.table.query itself keep only what can be live, by an indexed column" in refused.hint
    assert "--allow-full-scan" in refused.hint


def test_a_query_is_found_in_by_the_index_below_it(store_url: str) -> None:
    sheet = one_table(
        store_url, 4000, "create index by_word on runs (word)", "create unique index by_no on runs (run_no)"
    )
    assert len(read(sheet.open({"saga": STATED}, **BIG))) == 80
    joined = {**STATED, "table": {"query": NEEDED.replace("from runs", "from runs as r"), "key": "id"}}
    assert len(read(sheet.open({"saga": joined}, **BIG))) == 80


def test_a_query_that_holds_its_own_condition_needs_no_more(store_url: str) -> None:
    sheet = one_table(store_url, 4000, "create index by_no on runs (run_no)")
    narrow = {**STATED, "table": {"query": f"{NEEDED} and run_no between 100 and 200", "key": "id"}}
    assert len(read(sheet.open({"saga": narrow}, **BIG))) == 3


def test_a_full_scan_of_a_query_goes_by_ranges_of_its_key(store_url: str) -> None:
    sheet = one_table(store_url, 4000, "create unique index by_no on runs (run_no)")
    assert len(read(sheet.open({"saga": STATED}, **BIG), allow_full_scan=True)) == 80


def test_a_full_scan_of_a_query_reads_rows_without_a_key_and_says_when_not_all(store_url: str) -> None:
    sheet = one_table(store_url, 4000, "create unique index by_no on runs (run_no)")
    sheet.run(
        "update runs set run_no = null where part_of >= 1900", "update runs set order_no = 'A' where order_no = ''"
    )
    keyed = {
        **STATED,
        "table": {"query": f"{NEEDED.replace('run_no as id', 'order_no as id, run_no')}", "key": "run_no"},
    }
    assert len(read(sheet.open({"saga": keyed}, **BIG), allow_full_scan=True)) == 80
    sheet.run("update runs set run_no = null where part_of >= 100", "update runs set word = 'running'")
    told, refused = read_until_refused(sheet.open({"saga": keyed}, **BIG), allow_full_scan=True)
    assert len(told) == 1000 + 199
    assert "only 1,000 of them were read" in refused.reason


def test_a_query_that_can_only_be_worked_out_as_a_whole_is_not_read_bite_by_bite(store_url: str) -> None:
    sheet = one_table(store_url, 4000)
    grouped = "select max(run_no) as id, word, order_no from runs group by word, order_no"
    store = sheet.open({"saga": {"table": {"query": grouped, "key": "id"}, "id": "id", "state": "word"}}, **BIG)
    _, refused = read_until_refused(store, allow_full_scan=True)
    assert "saga.table.query can't be read gently" in refused.reason
    assert "without GROUP BY, DISTINCT and UNION" in refused.hint


STEPS: Final = {"run": "int", "no": "int", "what": "text", "went": "text", "left_at": "moment"}
TOLD: Final = "select run as saga_id, no, what as name, went as status from steps_of_runs where went <> 'noise'"


def test_steps_by_a_query(store_url: str) -> None:
    sheet = runs(store_url, 3)
    steps = Sheet(store_url, "steps_of_runs", STEPS)
    steps.add(
        {"run": 1, "no": 2, "what": "pay", "went": "executing"},
        {"run": 1, "no": 1, "what": "book", "went": "completed"},
        {"run": 1, "no": 3, "what": "x", "went": "noise"},
        {"run": 9, "no": 1, "what": "book", "went": "completed"},
    )
    rows = {"shape": "child_table", "table": {"query": TOLD, "key": "no"}, "foreign_key": "saga_id"}
    mapping = {**said(), "steps": {**rows, "fields": {"name": "name", "status": "status"}}}
    first, *_ = sorted(read(sheet.open(mapping)), key=lambda saga: saga.saga_id)
    assert [(step.name, step.status) for step in first.steps or ()] == [
        ("book", StepStatus.COMPLETED),
        ("pay", StepStatus.EXECUTING),
    ]
    told = ask(sheet.open(mapping), lambda store: store.survey(Look(later())))
    assert (told.orphans.source, told.orphans.count, told.orphans.saga_ids) == ("orders.steps.table.query", 1, ("9",))


def test_steps_by_a_query_of_a_big_table_want_an_index_below(store_url: str) -> None:
    sheet = runs(store_url, 3)
    steps = Sheet(store_url, "steps_of_runs", STEPS)
    table = sa.table("steps_of_runs", *(sa.column(name) for name in ("run", "no", "what", "went")))
    with steps.engine.begin() as connection:
        connection.execute(
            table.insert(), [{"run": at, "no": at, "what": "pay", "went": "completed"} for at in range(2000)]
        )
    analyse = "analyze table steps_of_runs" if sheet.kind == "mysql" else "analyze steps_of_runs"
    steps.run(analyse)
    rows = {"shape": "child_table", "table": {"query": TOLD, "key": "no"}, "foreign_key": "saga_id"}
    mapping = {**said(), "steps": {**rows, "fields": {"name": "name", "status": "status"}}}
    told, refused = read_until_refused(sheet.open(mapping, **BIG))
    assert told == []
    assert "every page would read all of a big table" in refused.reason
    assert "saga_id of it is made of" in refused.hint
    steps.run("create index by_run on steps_of_runs (run)", analyse)
    assert {len(saga.steps or ()) for saga in read(sheet.open(mapping, **BIG))} == {1}


def test_all_that_lies_around_a_saga_by_queries(store_url: str) -> None:
    sheet = Sheet(store_url, "runs", {"id": "id", "state": "text", "msg": "text", "at": "moment", "worker": "text"})
    sheet.add({"id": "s/1", "state": "running", "msg": "m-1", "at": AT, "worker": "w-1"})
    Sheet(store_url, "mails", {"id": "id", "sent": "flag", "body": "text"}).run(
        "insert into mails values ('m-1', '1', ':x')"
    )
    Sheet(store_url, "taken", {"msg": "text", "who": "text"}).add({"msg": "m-1", "who": "till"})
    Sheet(store_url, "answers", {"id": "id", "to_msg": "text", "how": "text"}).add(
        {"id": "r-1", "to_msg": "m-1", "how": "OK"}
    )
    Sheet(store_url, "locked", {"target": "text", "by_run": "text"}).add({"target": "t", "by_run": "s/2"})
    Sheet(store_url, "queue", {"target": "text", "run": "text"}).add({"target": "t", "run": "s/1"})
    Sheet(store_url, "workers", {"id": "id", "beat": "moment"}).add({"id": "w-1", "beat": AT})

    def by(text: str, key: str = "id") -> dict[str, str]:
        return {"query": text, "key": key}

    mapping = {
        "saga": {
            "table": "runs",
            "id": "id",
            "state": "state",
            "updated_at": "at",
            "owner": {
                "column": "worker",
                "alive": {"table": by("select * from workers"), "id": "id", "heartbeat": "beat", "within": "1m"},
            },
        },
        "outbox": {
            "table": by("select id, sent from mails where body = ':x'"),
            "id": "id",
            "saga": "msg",
            "sent": "sent",
        },
        "received": {"table": by("select msg, who from taken", "msg"), "message": "msg", "consumer": "who"},
        "replies": {
            "table": by("select * from answers"),
            "id": "id",
            "answers": "to_msg",
            "outcome": {"column": "how", "values": {"OK": "done"}},
        },
        "locks": {
            "table": by("select * from locked", "target"),
            "target": "target",
            "holder": "by_run",
            "waiters": {"table": by("select * from queue", "run"), "target": "target", "saga": "run"},
        },
    }
    (saga,) = read(sheet.open(mapping))
    assert [(entry.entry_id, entry.sent, entry.source) for entry in saga.outbox] == [
        ("m-1", True, "orders.outbox.table.query")
    ]
    assert [(receipt.consumer, receipt.source) for receipt in saga.received] == [
        ("till", "orders.received.table.query")
    ]
    assert [reply.reply_id for reply in saga.replies] == ["r-1"]
    assert [(wait.target, wait.holder_id) for wait in saga.waits_on] == [("t", "s/2")]
    assert saga.owner is not None
    assert saga.owner.alive is False


def trouble(sheet: Sheet, query: str, key: Any = "id", **saga: Any) -> str:
    """What is said against a query by the first scan."""
    store = sheet.open(said(**{"table": {"query": query, "key": key}, **saga}))
    with pytest.raises(SchemaMismatch) as mismatch:
        read(store)
    return f"{mismatch.value.reason} ({mismatch.value.hint})"


def test_what_a_database_says_against_a_query_is_told_with_its_place(store_url: str) -> None:
    sheet = runs(store_url, 1)
    assert trouble(sheet, "select selec from").startswith("saga.table.query: the database refuses this query: ")
    assert trouble(sheet, "select * from rnus").startswith("saga.table.query: ")
    assert "its key 'idd' is no column of it, did you mean 'id'? (it has id, word)" in trouble(
        sheet, "select 1 as id, word from run_states", "idd"
    )
    twice = trouble(sheet, "select r.run_no as id, r.kind, s.word as kind from runs r join run_states s on s.id = 1")
    assert "kind" in twice
    missing = trouble(sheet, "select run_no as id, kind, doc, changed as updated_at, order_no from runs", type="kind")
    assert missing.startswith("saga.table.query has no column 'state'")
    assert "(it has id, kind, doc, updated_at, order_no)" in missing


def test_a_query_that_writes_is_refused_by_the_session_too(postgres_url: str) -> None:
    sheet = runs(postgres_url, 3)
    sheet.run("create sequence s", "create function f() returns int language sql as 'delete from runs; select 1'")
    for writes in ("r.run_no + 0 * f() as id", "nextval('s') as id"):
        table = {"query": QUERY.replace("r.run_no as id", writes), "key": "id"}
        with pytest.raises(AccessDenied, match="we are read-only"):
            read(sheet.open(said(table=table)))
    assert len(read(sheet.open(said()))) == 3


def test_a_query_of_all_columns_tells_what_the_table_tells(store_url: str) -> None:
    sheet = every_kind(store_url)
    times = {name: {"column": column, "format": form} for name, column, form in TYPED}
    saga = {
        "table": "sagas",
        "id": {"column": "uuid_bytes", "format": "uuid_bytes"},
        "state": "word",
        "type": {"column": "flag", "values": {"true": "yes"}},
        "parent": {"column": "uuid_swapped", "format": "uuid_bytes_swapped"},
        "business_key": {"column": "other_doc", "path": "$.n.name"},
        "version": "number",
        "payload": "doc",
        **times,
    }
    (plain,) = fetch(sheet.open({"saga": saga}), str(ID), detail=True)
    queried = {**saga, "table": {"query": "select * from sagas", "key": "uuid_bytes"}}
    (told,) = fetch(sheet.open({"saga": queried}), str(ID), detail=True)
    assert told == replace(plain, source="orders.saga.table.query")
    assert plain.doubts == ()
    assert [each.saga_id for each in read(sheet.open({"saga": queried}))] == [str(ID)]


def test_odd_names_in_a_query(store_url: str) -> None:
    sheet = Sheet(store_url, "odd", {"id": "id", "a % b": "text", "state:x": "text"})
    sheet.add({"id": "1", "a % b": "50 %", "state:x": "running"})
    quoted = sheet.quoted
    query = (
        f"select id, {quoted('a % b')} as {quoted('The % (s) key')}, {quoted('state:x')} from odd where id <> '%(x)s'"
    )
    saga = {"table": {"query": query, "key": "ID"}, "id": "id", "state": "state:x", "business_key": "The % (s) key"}
    (found,) = read(sheet.open({"saga": saga}))
    assert (found.saga_id, found.business_key, found.state) == ("1", "50 %", SagaState.PENDING)


def test_words_that_a_database_takes_for_one_are_told_apart_in_a_query_too(store_url: str) -> None:
    sheet = Sheet(store_url, "sagas", {"id": "id", "state": "text"})
    if sheet.kind == "sqlite":
        sheet.run("drop table sagas", "create table sagas (id text primary key, state text collate nocase)")
    sheet.add({"id": "1", "state": "done"}, {"id": "2", "state": "DONE"}, {"id": "3", "state": "Done"})
    words = {"column": "state", "values": {"done": "completed", "DONE": "pending", "Done": "compensating"}}
    said = {"table": {"query": "select id, state from sagas", "key": "id"}, "id": "id", "state": words}
    live = read(sheet.open({"saga": said}))
    assert {saga.saga_id: saga.state for saga in live if saga.is_live} == {
        "2": SagaState.PENDING,
        "3": SagaState.COMPENSATING,
    }
    assert [saga.saga_id for saga in fetch(sheet.open({"saga": said}), "1")] == ["1"]
