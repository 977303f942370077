"""What a mapping means, on SQLite: every part of the language that reads a row."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import (
    Capability,
    CheckLevel,
    CheckLine,
    FullScanRefused,
    Look,
    Policy,
    Saga,
    SagaPolicy,
    SagaState,
    StepDefinition,
    StepStatus,
    StillClock,
    Survey,
)

from .sheet import GOOD, TEMPLATE, Sheet, doubts, fetch, later, pages, read, read_one, steps_json

PRESET = {"preset": "saga-template"}
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


def saga(**said: Any) -> dict[str, Any]:
    return {**PRESET, "saga": said}


@pytest.mark.parametrize(
    ("cursor", "value", "name"),
    [
        ({"by": "index"}, 1, "b"),
        ({"by": "index", "base": 1}, 1, "a"),
        ({}, 0, "a"),
        ({"by": "index"}, 3, None),
        ({"by": "name"}, "b", "b"),
    ],
)
def test_the_current_step(url: str, cursor: dict[str, Any], value: object, name: str | None) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, "current_step": "text" if isinstance(value, str) else "int"})
    sheet.add(sheet.good(current_step=value, steps=steps_json("completed", "executing", "pending")))
    told = read_one(sheet.open(saga(current_step=cursor)))
    assert told.current_step == name
    assert told.doubts == ()


@pytest.mark.parametrize("value", [-1, 7, "x"])
def test_a_cursor_that_points_nowhere_is_doubted(url: str, value: object) -> None:
    sheet = Sheet(url)
    sheet.add(sheet.good(current_step=value))
    assert set(doubts(read_one(sheet.open()))) == {"current_step"}


def test_the_cursor_of_an_ended_saga_means_nothing(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(sheet.good(state="completed", current_step=99))
    told = read_one(sheet.open(), all_ended=True)
    assert told.current_step is None
    assert told.doubts == ()


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (("compensated", "failed", "pending"), SagaState.COMPENSATED),
        (("completed", "failed"), SagaState.FAILED),
        (("compensation_failed", "failed"), SagaState.FAILED),
        (("compensating",), SagaState.FAILED),
        ((), SagaState.COMPENSATED),
    ],
)
def test_failed_by_steps(url: str, statuses: tuple[str, ...], state: SagaState) -> None:
    sheet = Sheet(url)
    sheet.add(sheet.good(state="FAILED", steps=steps_json(*statuses)))
    assert read(sheet.open(saga(state={"failed_means": "by_steps"}))) == []
    assert read_one(sheet.open(saga(state={"failed_means": "by_steps"})), all_ended=True).state is state


def test_failed_by_steps_knows_what_is_not_compensable(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(sheet.good(state="failed", steps=steps_json("completed", "failed")))
    known = SagaPolicy(steps=(StepDefinition("a", compensable=False),))
    policy = Policy(by_type=MappingProxyType({"Order": known}))
    store = sheet.open(saga(state={"failed_means": "by_steps"}), policy=policy)
    assert read_one(store, all_ended=True).state is SagaState.COMPENSATED


def test_a_word_that_says_only_failed_is_asked_for(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(sheet.good(state="ERROR"))
    bare: dict[str, Any] = {"saga": {"table": "sagas", "id": "saga_id", "state": "state"}}
    assert read(sheet.open(bare)) == []
    told = read_one(sheet.open(bare), all_ended=True)
    assert told.state is SagaState.UNKNOWN
    assert "say failed_means" in doubts(told)["state"]


def test_one_column_holds_step_and_state(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(
        sheet.good(state="authorize_card.running"),
        sheet.good(saga_id="s-2", state="ship.compensating"),
        sheet.good(saga_id="s-3", state="ship.done"),
        sheet.good(saga_id="s-4", state="odd"),
    )
    said = saga(
        state={"column": "state", "pattern": r"\.(\w+)$"},
        current_step={"column": "state", "pattern": r"^(\w+)\.", "by": "name"},
    )
    found = {each.saga_id: each for each in read(sheet.open(said))}
    assert {key: each.state for key, each in found.items()} == {
        "s-1": SagaState.PENDING,
        "s-2": SagaState.COMPENSATING,
        "s-4": SagaState.UNKNOWN,
    }
    assert found["s-1"].current_step == "authorize_card"
    assert found["s-4"].current_step is None


def test_types_and_states_as_numbers(url: str) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, "saga_type": "int", "state": "int"})
    sheet.add(*(sheet.good(saga_id=f"s-{number}", saga_type=number % 2, state=number) for number in range(4)))
    said = saga(
        type={"column": "saga_type", "values": {"0": "Order", "1": "Trip"}},
        state={"column": "state", "values": {"0": "started", "1": "pending", "2": "completed"}},
    )
    found = {each.saga_id: (each.saga_type, each.state, each.raw_state) for each in read(sheet.open(said))}
    assert found == {
        "s-0": ("Order", SagaState.STARTED, "0"),
        "s-1": ("Trip", SagaState.PENDING, "1"),
        "s-3": ("Trip", SagaState.UNKNOWN, "3"),
    }
    assert {each.saga_id for each in read(sheet.open(said), saga_types=frozenset(("Trip",)))} == {"s-1", "s-3"}


def test_a_type_for_the_whole_table_and_a_state_too(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(GOOD)
    told = read_one(sheet.open(saga(type={"const": "Everything"}, state={"const": "waiting"})))
    assert (told.saga_type, told.state) == ("Everything", SagaState.WAITING)
    assert read(sheet.open(saga(type={"const": "Everything"})), saga_types=frozenset(("Other",))) == []


def test_a_state_inside_json(url: str) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, "state": "document"})
    sheet.add(
        sheet.good(state='{"phase": {"name": "RUNNING"}}'),
        sheet.good(saga_id="s-2", state='{"phase": {"name": "DONE"}}'),
        sheet.good(saga_id="s-3", state="????"),
    )
    said = saga(state={"column": "state", "path": "$.phase.name"})
    found = {each.saga_id: each.state for each in read(sheet.open(said))}
    assert found == {"s-1": SagaState.PENDING, "s-3": SagaState.UNKNOWN}
    assert {each.saga_id for each in read(sheet.open(said), all_ended=True)} == {"s-1", "s-2", "s-3"}


def test_an_id_of_two_columns(url: str) -> None:
    columns = {**TEMPLATE, "saga_id": "text", "tenant": "int"}
    sheet = Sheet(url, columns=columns)
    sheet.run("create unique index whole on sagas (tenant, saga_id)")
    sheet.add(sheet.good(tenant=7), sheet.good(tenant=8), sheet.good(tenant=7, saga_id="a/b"))
    said = saga(id=["tenant", "saga_id"])
    assert sorted(each.saga_id for each in read(sheet.open(said))) == ["7/a%2Fb", "7/s-1", "8/s-1"]
    for asked in ("7/a%2Fb", "07/a/b"):
        found = [each.saga_id for each in fetch(sheet.open(said), "7/s-1", asked, "9/s-1", "s-1")]
        assert found == ["7/s-1", "7/a%2Fb"]


def test_ids_of_two_columns_are_not_one_because_they_look_alike(url: str) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, "saga_id": "text", "tenant": "text"})
    pairs = [("a/b", "c"), ("a", "b/c"), ("a%2Fb", "c"), ("a%", "2Fb/c")]
    sheet.add(*(sheet.good(tenant=tenant, saga_id=saga_id) for tenant, saga_id in pairs))
    said = saga(id=["tenant", "saga_id"])
    printed = [each.saga_id for each in read(sheet.open(said))]
    assert sorted(printed) == ["a%25/2Fb%2Fc", "a%252Fb/c", "a%2Fb/c", "a/b%2Fc"]
    for each in printed:
        assert [found.saga_id for found in fetch(sheet.open(said), each)] == [each]
    assert {found.saga_id for found in fetch(sheet.open(said), "a/b/c")} == {"a%2Fb/c", "a/b%2Fc"}


def test_uuids_in_any_spelling_are_one_id(url: str) -> None:
    known = "0198a0c2-1111-7abc-8def-0123456789ab"
    sheet = Sheet(url)
    sheet.add(sheet.good(saga_id=known.upper()))
    said = saga(id={"column": "saga_id", "format": "uuid"}, created_at={"column": "saga_id", "format": "uuid_v7"})
    told = read_one(sheet.open(said))
    assert told.saga_id == known
    assert told.created_at == datetime(2025, 8, 13, 0, 16, 28, 945_000, tzinfo=UTC) or told.created_at is not None
    assert told.derived == ("created_at",)
    assert len(fetch(sheet.open(said), known.replace("-", ""), known)) == 1


def test_parents_are_printed_as_their_own_ids_are(url: str) -> None:
    known = "0198a0c2-1111-7abc-8def-0123456789ab"
    sheet = Sheet(url, columns={**TEMPLATE, "saga_id": "blob", "parent": "blob"})
    sheet.add(sheet.good(saga_id=bytes(16), parent=bytes.fromhex(known.replace("-", ""))))
    said = saga(id={"column": "saga_id", "format": "uuid_bytes"}, parent="parent")
    store = sheet.open(said)
    assert read_one(store).parent_id == known
    assert Capability.LINKS in store.capabilities


def test_attempts_from_an_interval_that_doubles(url: str) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, "wait": "int", "first": "int", "tries": "text"})
    sheet.add(
        sheet.good(wait=80, first=None, tries="3"),
        sheet.good(saga_id="s-2", wait=80, first=20, tries="many"),
        sheet.good(saga_id="s-3", wait=None, first=1, tries=None),
    )
    doubled = saga(attempts={"column": "wait", "format": "log2", "base": {"column": "first", "default": 10}})
    assert [each.attempts for each in read(sheet.open(doubled))] == [3, 2, None]
    fixed = saga(attempts={"column": "wait", "format": "log2", "base": 5})
    assert [each.attempts for each in read(sheet.open(fixed))] == [4, 4, None]
    plain = read(sheet.open(saga(attempts="tries")))
    assert [each.attempts for each in plain] == [3, None, None]
    assert set(doubts(plain[1])) == {"attempts"}


def test_times_from_the_steps(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(
        sheet.good(
            steps=steps_json("completed", executed_at="2026-11-20T11:00:00", compensated_at="2026-11-20T11:30:00")
        )
    )
    told = read_one(sheet.open(saga(updated_at={"from": "steps"}, created_at={"from": "steps"})))
    assert told.updated_at == datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
    assert told.created_at == datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
    assert told.derived == ("created_at", "updated_at")


def test_an_owner_and_whether_it_lives(url: str) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, "worker": "text", "lease": "moment"})
    workers = Sheet(url, name="workers", columns={"id": "text", "last_seen": "moment"})
    workers.add({"id": "w-1", "last_seen": "2026-11-20 11:59:30"}, {"id": "w-2", "last_seen": "2026-11-20 11:00:00"})
    sheet.add(
        sheet.good(worker="w-1", lease="2026-11-20 12:00:30"),
        sheet.good(saga_id="s-2", worker="w-2"),
        sheet.good(saga_id="s-3", worker="w-3"),
        sheet.good(saga_id="s-4", worker=None),
    )
    alive = {"table": "workers", "id": "id", "heartbeat": "last_seen", "within": "1m"}
    said = saga(owner={"column": "worker", "alive": alive}, lease_until="lease")
    owners = {each.saga_id: each.owner for each in read(sheet.open(said, clock=StillClock(NOW)))}
    assert owners["s-1"] is not None
    assert owners["s-1"].alive is True
    assert owners["s-1"].lease_until == datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
    assert owners["s-1"].heartbeat_at == datetime(2026, 11, 20, 11, 59, 30, tzinfo=UTC)
    assert owners["s-2"] is not None
    assert owners["s-2"].alive is False
    assert owners["s-3"] is not None
    assert (owners["s-3"].alive, owners["s-3"].heartbeat_at) == (False, None)
    assert owners["s-4"] is None
    unasked = {each.saga_id: each.owner for each in read(sheet.open(saga(owner="worker")))}
    assert unasked["s-2"] is not None
    assert unasked["s-2"].alive is None


def test_an_outbox_tied_by_the_sagas_column(url: str) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, "last_request_id": "text"})
    box = Sheet(url, name="message", columns={"id": "text", "headers": "document", "published": "int", "at": "bigint"})
    box.add(
        {"id": "m-1", "headers": '{"command_type": "Pay"}', "published": 0, "at": 1_795_200_000_000},
        {"id": "m-2", "headers": "broken", "published": 1, "at": None},
        {"id": "m-9", "headers": "{}", "published": 0, "at": 5},
    )
    sheet.add(
        sheet.good(last_request_id="m-1"),
        sheet.good(saga_id="s-2", last_request_id="m-2"),
        sheet.good(saga_id="s-3", last_request_id=None),
    )
    outbox = {
        "table": "message",
        "id": "id",
        "saga": "last_request_id",
        "step": {"column": "headers", "path": "$.command_type"},
        "sent": {"column": "published", "values": {"0": "no", "1": "yes"}},
        "created_at": {"column": "at", "format": "epoch_ms"},
    }
    store = sheet.open({**PRESET, "outbox": outbox})
    found = {each.saga_id: each.outbox for each in read(store)}
    assert Capability.OUTBOX in store.capabilities
    [entry] = found["s-1"]
    assert (entry.entry_id, entry.step, entry.sent, entry.source) == ("m-1", "Pay", False, "orders.message")
    assert entry.created_at == datetime(2026, 11, 20, 18, 40, tzinfo=UTC)
    [odd] = found["s-2"]
    assert (odd.step, odd.sent) == (None, True)
    assert found["s-3"] == ()


def test_status_from_an_error_and_ignored_steps(url: str) -> None:
    steps = [{"fn": "reserve"}, {"fn": "DBOS.sleep"}, {"fn": "charge", "err": "declined"}]
    sheet = Sheet(url)
    sheet.add(sheet.good(steps=json.dumps(steps)))
    shape = {
        "shape": "json_list",
        "column": "steps",
        "fields": {"name": "fn", "error": "err"},
        "status": {"failed_if_set": "err", "otherwise": "completed"},
        "ignore": ["DBOS.*"],
    }
    bare: dict[str, Any] = {"saga": {"table": "sagas", "id": "saga_id", "state": "state"}, "steps": shape}
    told = read_one(sheet.open(bare)).steps
    assert told is not None
    assert [(step.name, step.index, step.status) for step in told] == [
        ("reserve", 0, StepStatus.COMPLETED),
        ("charge", 2, StepStatus.FAILED),
    ]


def test_steps_below_a_path_with_fields_of_their_own(url: str) -> None:
    document = {
        "run": {"log": [{"n": "x:reserve", "s": 2, "at": 1_795_200_000, "r": {"ok": True}, "w": {"why": "late"}}]}
    }
    sheet = Sheet(url)
    sheet.add(sheet.good(steps=json.dumps(document)))
    shape = {
        "shape": "json_list",
        "column": "steps",
        "path": "$.run.log",
        "fields": {
            "name": {"column": "n", "pattern": ":(.*)"},
            "status": {"column": "s", "values": {"2": "timed_out"}},
            "executed_at": {"column": "at", "format": "epoch_s"},
            "result": "r",
            "error": "$.w.why",
        },
    }
    bare: dict[str, Any] = {"saga": {"table": "sagas", "id": "saga_id", "state": "state"}, "steps": shape}
    told = read_one(sheet.open(bare))
    assert told.doubts == ()
    assert told.steps is not None
    [step] = told.steps
    assert (step.name, step.status, step.raw_status) == ("reserve", StepStatus.TIMED_OUT, "2")
    assert step.executed_at == datetime(2026, 11, 20, 18, 40, tzinfo=UTC)
    assert (step.result, step.error) == (b'{"ok":true}', "late")


def test_payloads_are_only_in_a_detail_view(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(sheet.good(data='{"order_id":  "A-1"}'))
    assert read_one(sheet.open()).payload is None
    assert fetch(sheet.open(), "s-1")[0].payload is None
    assert fetch(sheet.open(), "s-1", detail=True)[0].payload == b'{"order_id":  "A-1"}'


def ask(store: Any, question: Any) -> Any:
    async def work() -> Any:
        try:
            return await question(store)
        finally:
            await store.close()

    return asyncio.run(work())


def test_live_sagas_that_share_a_business_key(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(
        *(sheet.good(saga_id=f"s-{number:02}", created_at=f"2026-11-20 09:{number:02}:00") for number in range(12)),
        sheet.good(saga_id="ended", state="completed"),
        sheet.good(saga_id="other", saga_type="Trip"),
        sheet.good(saga_id="alone", data='{"order_id": "A-2"}'),
        sheet.good(saga_id="broken", data="{"),
    )
    store = sheet.open(saga(business_key="$.order_id"))
    told: Survey = ask(store, lambda each: each.survey(Look(later())))
    assert (told.store, told.source, told.has_times) == ("orders", "orders.sagas", True)
    [shared] = told.shared_keys
    assert (shared.saga_type, shared.business_key, shared.count) == ("Order", "A-1", 12)
    assert shared.saga_ids == tuple(f"s-{number:02}" for number in range(12))
    assert shared.oldest == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    assert shared.newest == datetime(2026, 11, 20, 9, 11, tzinfo=UTC)


def test_a_big_table_without_an_index(url: str) -> None:
    sheet = Sheet(url)
    rows = [
        {**GOOD, "saga_id": f"s-{number}", "state": "pending" if number % 50 == 0 else "completed"}
        for number in range(3000)
    ]
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.executemany(
            "insert into sagas values (?, ?, ?, ?, ?, ?, ?, ?)", [tuple(row.values()) for row in rows]
        )
    with pytest.raises(FullScanRefused) as error:
        read(sheet.open(big_table=1000))
    assert "about 3,000 rows" in error.value.reason
    whole = pages(sheet.open(big_table=1000), allow_full_scan=True)
    assert len([each for page in whole for each in page.sagas]) == 60
    statement = error.value.hint.split(" - or ")[0]
    sheet.run(statement)
    assert len(read(sheet.open(big_table=1000))) == 60
    assert len(read(sheet.open(big_table=1000), all_ended=True)) == 3000


def test_a_partial_index_is_enough(url: str) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, "state": "varchar(200) not null"})
    rows = [
        {**GOOD, "saga_id": f"s-{number}", "state": "pending" if number % 50 == 0 else "completed"}
        for number in range(3000)
    ]
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.executemany(
            "insert into sagas values (?, ?, ?, ?, ?, ?, ?, ?)", [tuple(row.values()) for row in rows]
        )
    sheet.run("create index live on sagas (updated_at) where state <> 'completed'")
    told = pages(sheet.open(big_table=1000))
    assert len([each for page in told for each in page.sagas]) == 60


def test_ended_sagas_without_times_are_listed(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(
        *(
            sheet.good(saga_id=f"s-{number:03}", state=("completed", "pending", "failed")[number % 3])
            for number in range(30)
        )
    )
    bare: dict[str, Any] = {
        "saga": {"table": "sagas", "id": "saga_id", "state": {"column": "state", "failed_means": "failed"}}
    }
    store = sheet.open(bare)

    async def ids(each: Any) -> list[str]:
        return [saga_id async for some in each.ended_ids(Look(later())) for saga_id in some]

    assert sorted(ask(store, ids)) == [f"s-{number:03}" for number in range(30) if number % 3 != 1]
    assert Capability.TIMES not in store.capabilities


def test_ended_sagas_since_a_moment_by_other_columns(url: str) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, "ended": "bigint"})
    since = datetime(2026, 11, 20, tzinfo=UTC)
    milliseconds = int(since.timestamp() * 1000)
    sheet.add(
        *(
            sheet.good(saga_id=f"s-{number}", state="completed", ended=milliseconds + number, updated_at=None)
            for number in (-1, 0, 1)
        )
    )
    said = saga(updated_at=False, created_at=False, ended_at={"column": "ended", "format": "epoch_ms"})
    assert sorted(each.saga_id for each in read(sheet.open(said), ended_since=since)) == ["s-0", "s-1"]
    nulls = [each.saga_id for each in read(sheet.open(saga()), ended_since=since)]
    assert len(nulls) == 3
    assert read(sheet.open(saga()), ended_since=since + timedelta(hours=10)) == []


def lines(store: Any) -> dict[str, list[CheckLine]]:
    found: dict[str, list[CheckLine]] = {}
    for line in ask(store, lambda each: each.check(later())):
        found.setdefault(line.about, []).append(line)
    return found


def test_a_check_says_what_a_mapping_does_not_know(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(GOOD, sheet.good(saga_id="s-2", state="weird", steps="oops"), sheet.good(saga_id="s-3", state="ERROR"))
    bare: dict[str, Any] = {
        "saga": {"table": "sagas", "id": "saga_id", "state": "state"},
        "steps": {"shape": "json_list", "column": "steps", "fields": {"name": "name", "status": "status"}},
    }
    told = lines(sheet.open(bare))
    assert told["reached"][0].level is CheckLevel.OK
    assert told["reached"][0].seconds is not None
    words = " ".join(line.text for line in told["state words"])
    assert "pending = pending" in words
    assert "doesn't know 'weird'" in words
    assert "'ERROR' can mean" in words
    assert "steps in 1" in told["rows"][0].text
    unknown = " ".join(line.text for line in told["mapping"])
    assert "no time of change" in unknown
    assert "no business key" in unknown


def test_promise_17_a_check_names_no_secret_that_stands_where_a_word_should(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(GOOD, sheet.good(saga_id="s-2", state="password=hunter2hunter2"))
    sheet.add(sheet.good(saga_id="s-3", state="x" * 50 + " app:hunter2hunter2@db"))
    told = lines(sheet.open())
    assert "doesn't know 'password=" in " ".join(line.text for line in told["state words"])
    assert "hunter2" not in repr(told)


def test_a_check_of_a_big_table_names_the_index(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(*(sheet.good(saga_id=f"s-{number}") for number in range(30)))
    told = lines(sheet.open(big_table=10))
    [line] = told["live scan"]
    assert line.level is CheckLevel.FAILED
    assert 'CREATE INDEX "sagas_state_updated_at" ON "sagas" ("state", "updated_at")' in line.todo


def test_a_check_of_nothing_fails_once(tmp_path: Path) -> None:
    [line] = ask(Sheet(f"sqlite:///{tmp_path}/no.db", columns={}).open(), lambda each: each.check(later()))
    assert (line.about, line.level) == ("reached", CheckLevel.FAILED)


def test_sqlite_opens_only_to_read(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(GOOD)

    async def work(store: Any) -> None:
        await store._guest.run(lambda session: session.ask("delete from sagas"), later())

    with pytest.raises(Exception, match="readonly"):
        ask(sheet.open(), work)
    assert len(read(sheet.open())) == 1


def test_a_long_read_of_sqlite_is_interrupted(url: str) -> None:
    import time

    from sagadoctor.api.v1 import Deadline, DeadlineExceeded, SystemClock

    sheet = Sheet(url)
    sheet.add(GOOD)
    endless = "with recursive n(x) as (select 1 union all select x + 1 from n where x < 1e12) select count(*) from n"

    async def work(store: Any) -> float:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await store._guest.run(lambda session: session.ask(endless), Deadline.after(SystemClock(), 0.3))
        await store.fetch(["s-1"], later())
        return time.monotonic() - began

    assert ask(sheet.open(), work) < 2


def test_the_clock_of_a_file_is_ours(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(GOOD)
    assert ask(sheet.open(clock=StillClock(NOW)), lambda each: each.now(later())) == NOW


def test_types_asked_for_are_filtered_by_the_database(url: str) -> None:
    sheet = Sheet(url)
    sheet.add(GOOD, sheet.good(saga_id="s-2", saga_type="Trip"), sheet.good(saga_id="s-3", saga_type=None))
    told: list[Saga] = read(sheet.open(), saga_types=frozenset(("Trip", "Nobody")))
    assert [each.saga_id for each in told] == ["s-2"]


@pytest.mark.parametrize(
    ("key", "columns", "row", "asked"),
    [
        ("$.cust.no", {}, {"data": '{"cust": {"no": 77}}'}, "77"),
        ("$.cust.no", {}, {"data": '{"cust": {"no": "77"}}'}, "77"),
        ("ref", {"ref": ""}, {"ref": 77}, "77"),
        ("ref", {"ref": "int"}, {"ref": 77}, "77"),
        (
            {"column": "ref", "format": "uuid_bytes"},
            {"ref": "blob"},
            {"ref": bytes(range(16))},
            "00010203-0405-0607-0809-0a0b0c0d0e0f",
        ),
    ],
)
def test_a_business_key_is_found_as_it_is_printed(
    url: str, key: object, columns: dict[str, str], row: dict[str, Any], asked: str
) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, **columns})
    sheet.add(sheet.good(**row), sheet.good(saga_id="s-2", **row))
    assert {each.business_key for each in read(sheet.open(saga(business_key=key)))} == {asked}
    found = ask(sheet.open(saga(business_key=key)), lambda each: each.find(asked, later()))
    assert sorted(each.saga_id for each in found) == ["s-1", "s-2"]
    told: Survey = ask(sheet.open(saga(business_key=key)), lambda each: each.survey(Look(later())))
    assert [(each.business_key, each.count) for each in told.shared_keys] == [(asked, 2)]


@pytest.mark.parametrize(
    "key",
    [
        {"column": "ref", "pattern": "ORD-(.*)"},
        {"column": "ref", "values": {"ORD-77": "77"}},
        {"path": "$.order_id", "pattern": "A-(.*)"},
        {"const": "77"},
    ],
)
def test_a_business_key_that_only_we_can_tell_is_no_promise(url: str, key: dict[str, Any]) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, "ref": "text"})
    sheet.add(sheet.good(ref="ORD-77", data='{"order_id": "A-77"}'))
    assert read_one(sheet.open(saga(business_key=key))).business_key == "77"
    store = sheet.open(saga(business_key=key))
    found, lines = ask(store, lambda each: _found_and_checked(each, "77"))
    assert found == ()
    assert Capability.BUSINESS_KEYS not in store.capabilities
    assert any("business keys are read, but the database can't search" in line.text for line in lines)


async def _found_and_checked(store: SqlStore, key: str) -> tuple[tuple[Saga, ...], tuple[CheckLine, ...]]:
    return await store.find(key, later()), await store.check(later())
