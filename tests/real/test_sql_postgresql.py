"""What only PostgreSQL has: its own types, its plans, its encodings, its ways to be refused and to break."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from sagadoctor.api.v1 import (
    AccessDenied,
    Busy,
    Deadline,
    DeadlineExceeded,
    FullScanRefused,
    Look,
    Saga,
    SagaState,
    StepStatus,
    SystemClock,
)
from tests.adapters.sheet import Sheet, doubts, fetch, later, pages, raws, read, read_one, steps_json

from .fixtures import SharedServer

OURS = "datname = current_database() and application_name like 'sagadoctor%'"
PRESET = {"preset": "saga-template"}
NATIVE = {
    "saga_id": "uuid primary key",
    "saga_type": "text",
    "state": "saga_state",
    "current_step": "int",
    "data": "jsonb",
    "steps": "jsonb",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
}
ID = "0198a0c2-1111-7abc-8def-0123456789ab"


@pytest.fixture
def native(postgres_url: str) -> Sheet:
    sheet = Sheet(postgres_url, columns={})
    sheet.run("create type saga_state as enum ('started', 'pending', 'compensating', 'completed', 'failed', 'limbo')")
    return Sheet(postgres_url, columns=NATIVE)


def native_row(**changes: Any) -> dict[str, Any]:
    row = {
        "saga_id": ID,
        "saga_type": "Order",
        "state": "pending",
        "current_step": 0,
        "data": '{"order_id": "A-1"}',
        "steps": steps_json("executing"),
        "created_at": "2026-11-20 09:00:00+02",
        "updated_at": "2026-11-20 10:00:00.123456+00",
    }
    return {**row, **changes}


def numbered(count: int, **columns: str) -> str:
    """Insert so many rows whose columns are SQL expressions over n."""
    chosen = {
        "saga_id": "gen_random_uuid()",
        "saga_type": "'Order'",
        "state": "case when n % 10 = 0 then 'pending' else 'completed' end",
        "current_step": "0",
        "data": "'{}'",
        "steps": "'[]'",
        "created_at": "timestamptz '2026-01-01' + n * interval '1 minute'",
        "updated_at": "timestamptz '2026-01-01' + n * interval '1 minute'",
        **columns,
    }
    names, values = ", ".join(chosen), ", ".join(chosen.values())
    return f"insert into sagas ({names}) select {values} from generate_series(1, {count}) n"


def test_native_types_are_read(native: Sheet) -> None:
    native.add(native_row())
    saga = read_one(native.open())
    assert saga.doubts == ()
    assert saga.saga_id == ID
    assert saga.state is SagaState.PENDING
    assert saga.created_at == datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
    assert saga.updated_at == datetime(2026, 11, 20, 10, 0, 0, 123456, tzinfo=UTC)
    assert saga.steps is not None
    assert saga.steps[0].status is StepStatus.EXECUTING


@pytest.mark.parametrize("spelt", [ID, ID.upper(), ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}"])
def test_a_uuid_is_found_by_every_spelling(native: Sheet, spelt: str) -> None:
    native.add(native_row())
    [saga] = fetch(native.open(), spelt, "no-uuid-at-all", detail=True)
    assert saga.saga_id == ID
    assert saga.payload == b'{"order_id": "A-1"}'


def test_row_20_a_label_of_a_native_enum_that_nobody_mapped(native: Sheet) -> None:
    native.add(native_row(state="limbo"), native_row(saga_id=ID[:-1] + "c", state="completed"))
    saga = read_one(native.open())
    assert saga.state is SagaState.UNKNOWN
    assert saga.raw_state == "limbo"


def test_row_24_infinity_bc_and_far_years(native: Sheet) -> None:
    far = ("infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "12000-01-01 00:00:00+00", "9999-12-31 00:00:00+00")
    native.add(*(native_row(saga_id=f"{ID[:-1]}{number}", updated_at=text) for number, text in enumerate(far)))
    found = {saga.saga_id: saga for saga in read(native.open())}
    for number, text in enumerate(far):
        saga = found[f"{ID[:-1]}{number}"]
        assert saga.updated_at is None
        assert doubts(saga) == {"updated_at": "unusable time"}
        assert raws(saga) == [text]


def test_row_24_unusable_times_never_stop_the_pages(native: Sheet) -> None:
    native.run("create index on sagas (state, updated_at)")
    native.run(
        numbered(
            9000,
            state="'pending'::saga_state",
            updated_at="(array['infinity', '-infinity', '12000-01-01', '0044-03-15 BC'])[1 + n % 4]::timestamptz",
        )
    )
    assert len({saga.saga_id for saga in read(native.open())}) == 9000


def test_a_business_key_comes_out_of_the_payload_by_the_database(native: Sheet) -> None:
    native.run("create index by_order on sagas ((data ->> 'order_id'))")
    native.add(native_row(), native_row(saga_id=ID[:-1] + "c", data='{"order_id": 17}'))
    said = {**PRESET, "saga": {"business_key": "$.order_id"}}
    assert sorted(saga.business_key or "" for saga in read(native.open(said))) == ["17", "A-1"]
    native.run(
        numbered(3000, state="'completed'::saga_state", data="jsonb_build_object('order_id', n)"), "analyze sagas"
    )

    async def work() -> tuple[Saga, ...]:
        store = native.open(said, big_table=1000)
        try:
            return await store.find("A-1", later())
        finally:
            await store.close()

    [saga] = asyncio.run(work())
    assert saga.saga_id == ID


def test_json_that_postgresql_itself_cannot_read_stops_nothing(postgres_url: str) -> None:
    sheet = Sheet(postgres_url, columns={**NATIVE, "saga_id": "text", "state": "text", "data": "json", "steps": "json"})
    sheet.add(
        native_row(data='{"order_id": "A\\u0000"}', steps='[{"name": "a\\u0000", "status": "pending"}]'),
        native_row(saga_id="s-2", data='{"order_id": "\\ud800"}'),
        native_row(saga_id="s-3", data='{"order_id": "\\ud83d\\ude00"}'),
    )
    found = {saga.saga_id: saga for saga in read(sheet.open({**PRESET, "saga": {"business_key": "$.order_id"}}))}
    assert len(found) == 3
    assert found["s-2"].business_key is None
    assert found["s-3"].business_key == "😀"


def test_row_31_a_database_without_an_encoding(postgres_server: SharedServer) -> None:
    name = f"ascii_{time.monotonic_ns()}"
    url = postgres_server.database_url()
    base = url.rpartition("/")[0]
    postgres_server.execute(
        f"create database {name} encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0"
    )
    sheet = Sheet(f"{base}/{name}?client_encoding=utf8", columns={**NATIVE, "saga_id": "text", "state": "text"})
    sheet.add(native_row(saga_id="café", saga_type="ok"))
    sheet.run(
        "insert into sagas select convert_from('\\x63e9'::bytea, 'SQL_ASCII'),"
        " convert_from('\\xff'::bytea, 'SQL_ASCII'), state, current_step, data, steps, created_at, updated_at"
        " from sagas"
    )
    sheet.url = f"{base}/{name}"
    found = {saga.saga_id: saga for saga in read(sheet.open())}
    assert set(found) == {"café", "c\\xe9"}
    assert found["c\\xe9"].saga_type == "�"
    assert set(doubts(found["c\\xe9"])) == {"id", "type"}
    assert [saga.saga_id for saga in fetch(sheet.open(), "café")] == ["café"]


def test_a_big_table_without_an_index_is_refused_with_the_index_to_create(native: Sheet) -> None:
    native.run(numbered(5000, state="(case when n % 10 = 0 then 'pending' else 'completed' end)::saga_state"))
    native.run("analyze sagas")
    with pytest.raises(FullScanRefused) as error:
        read(native.open(big_table=1000))
    assert "5,000 rows" in error.value.reason
    statement = error.value.hint.split(" - or ")[0]
    assert statement.startswith("CREATE INDEX CONCURRENTLY")
    engine = sa.create_engine(native.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
    assert len(read(native.open(big_table=1000))) == 500
    since = datetime(2026, 1, 3, tzinfo=UTC)
    told = read(native.open(big_table=1000), ended_since=since)
    ended = [saga for saga in told if saga.state is SagaState.COMPLETED]
    assert len(ended) == len([n for n in range(1, 5001) if n % 10 and n >= 2880])


def test_a_big_table_is_read_whole_when_asked_for(native: Sheet) -> None:
    native.run(numbered(5000, state="(case when n % 10 = 0 then 'pending' else 'completed' end)::saga_state"))
    native.run("analyze sagas")
    some = pages(native.open(big_table=1000), allow_full_scan=True)
    assert len([saga for page in some for saga in page.sagas]) == 500
    assert any("bite by bite" in note for page in some for note in page.notes)
    everything = read(native.open(big_table=1000), allow_full_scan=True, all_ended=True)
    assert len(everything) == len({saga.saga_id for saga in everything}) == 5000


def test_a_partial_index_is_enough(postgres_url: str) -> None:
    sheet = Sheet(postgres_url, columns={**NATIVE, "state": "varchar(200) not null"})
    sheet.run(
        "create index on sagas (updated_at) where state not in ('completed', 'failed')",
        numbered(5000, state="case when n % 100 = 0 then 'pending' when n = 7 then 'weird' else 'completed' end"),
        "analyze sagas",
    )
    told = read(sheet.open(big_table=1000))
    assert len(told) == 51
    assert {saga.raw_state for saga in told} == {"pending", "weird"}


@pytest.mark.parametrize("whole", [False, True])
def test_row_38_partitions(postgres_url: str, whole: bool) -> None:
    sheet = Sheet(postgres_url, columns={})
    body = ", ".join(f"{name} {kind}" for name, kind in {**NATIVE, "state": "text", "saga_id": "uuid"}.items())
    sheet.run(
        "create schema shop",
        f"create table shop.sagas ({body}, primary key (saga_id, created_at)) partition by range (created_at)",
        "create table shop.sagas_1 partition of shop.sagas for values from (minvalue) to ('2026-01-02')",
        "create table shop.sagas_2 partition of shop.sagas default",
        "set search_path to shop; " + numbered(5000) + "; analyze shop.sagas",
    )
    if not whole:
        sheet.run("create index on shop.sagas (state, updated_at)")
    said = {**PRESET, "saga": {"table": "shop.sagas"}}
    told = read(sheet.open(said, big_table=1000), allow_full_scan=whole)
    assert len({saga.saga_id for saga in told}) == len(told) == 500
    assert {saga.source for saga in told} == {"orders.shop.sagas"}


def test_row_35_missing_privileges_say_what_to_grant(native: Sheet, postgres_server: SharedServer) -> None:
    native.add(native_row())
    role = f"reader_{time.monotonic_ns()}"
    native.run(f"create role {role} login")
    url = native.url.replace("//sd@", f"//{role}@")
    with pytest.raises(AccessDenied) as error:
        read(Sheet(url, columns={}).open())
    assert f"GRANT SELECT ON … TO {role}" in error.value.hint
    native.run(f"grant select on sagas to {role}")
    assert len(read(Sheet(url, columns={}).open())) == 1


def test_a_view_that_writes_is_no_broken_connection(native: Sheet) -> None:
    native.add(native_row())
    native.run("create table seen (at timestamptz)")
    body = "insert into seen values (now()) returning true"
    native.run(f"create function look() returns boolean language sql volatile as $$ {body} $$")
    native.run("create view watched as select * from sagas where look()")
    began = time.monotonic()
    with pytest.raises(AccessDenied, match="the server would have to write, and we are read-only") as error:
        read(native.open({**PRESET, "saga": {"table": "watched"}}))
    assert "a view of the mapping calls a function that writes" in error.value.hint
    assert time.monotonic() - began < 2


def test_a_read_only_guest_cannot_write(native: Sheet) -> None:
    native.add(native_row())

    async def work() -> None:
        store = native.open()
        try:
            await store._guest.run(lambda session: session.ask("delete from sagas"), later())
        finally:
            await store.close()

    with pytest.raises(Exception, match="read-only"):
        asyncio.run(work())
    assert len(read(native.open())) == 1


def test_the_session_keeps_its_manners(native: Sheet) -> None:
    asked = (
        "select name, setting from pg_settings where name in ('statement_timeout', 'lock_timeout', 'jit', 'TimeZone',"
        " 'max_parallel_workers_per_gather', 'default_transaction_read_only', 'application_name')"
    )

    async def work() -> dict[str, str]:
        store = native.open()
        try:
            return dict(await store._guest.run(lambda session: session.ask(asked), later()))
        finally:
            await store.close()

    told = asyncio.run(work())
    name = told.pop("application_name")
    assert name.startswith("sagadoctor/")
    assert told == {
        "statement_timeout": "5000",
        "lock_timeout": "1000",
        "jit": "off",
        "TimeZone": "UTC",
        "max_parallel_workers_per_gather": "0",
        "default_transaction_read_only": "on",
    }


@pytest.fixture
def slow(native: Sheet) -> Sheet:
    """A view that takes seconds to answer."""
    native.add(native_row())
    native.run("create view slow as select sagas.* from sagas, lateral (select pg_sleep(20)) as wait")
    return native


def running(sheet: Sheet) -> int:
    with sheet.engine.connect() as connection:
        text = f"select count(*) from pg_stat_activity where {OURS} and state = 'active'"
        return int(connection.execute(sa.text(text)).scalar_one())


def test_a_deadline_ends_the_statement_on_the_server(slow: Sheet) -> None:
    store = slow.open({**PRESET, "saga": {"table": "slow"}})

    async def work() -> float:
        await store.now(later())
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await store.fetch([ID], later(0.5))
        took = time.monotonic() - began
        await store.close()
        return took

    assert asyncio.run(work()) < 1.5
    until = time.monotonic() + 3
    while running(slow) and time.monotonic() < until:
        time.sleep(0.05)
    assert running(slow) == 0


def test_a_statement_that_takes_too_long_is_ended_by_the_server(slow: Sheet) -> None:
    said = {**PRESET, "saga": {"table": "slow"}, "statement_timeout": "300ms"}
    with pytest.raises(DeadlineExceeded, match="statement_timeout"):
        read(slow.open(said))


def test_row_34_a_lock_is_not_waited_for(native: Sheet) -> None:
    native.add(native_row())
    with native.engine.connect() as connection:
        connection.exec_driver_sql("lock table sagas in access exclusive mode")
        began = time.monotonic()
        with pytest.raises(Busy):
            read(native.open())
        assert time.monotonic() - began < 3
    with native.engine.connect() as connection:  # a row that is being changed is read as it was
        connection.exec_driver_sql("update sagas set state = 'completed'")
        assert read_one(native.open()).state is SagaState.PENDING


def test_row_80_a_terminated_connection_is_made_anew_and_the_scan_goes_on(native: Sheet) -> None:
    native.run("create index on sagas (state, updated_at)", numbered(20_000, state="'pending'::saga_state"))
    store = native.open()

    async def work() -> list[str]:
        told: list[str] = []
        try:
            async for page in store.read(Look(later())):
                told.extend(saga.saga_id for saga in page.sagas)
                native.run(f"select pg_terminate_backend(pid) from pg_stat_activity where {OURS}")
        finally:
            await store.close()
        return told

    told = asyncio.run(work())
    assert len(told) == len(set(told)) == 20_000


def test_row_36_a_changed_schema_is_looked_at_again(native: Sheet) -> None:
    native.add(native_row())
    store = native.open()

    async def work() -> list[Saga]:
        try:
            first = await store.fetch([ID], later())
            native.run("alter table sagas rename column steps to old_steps", "alter table sagas add column steps text")
            native.run("update sagas set steps = old_steps::text")
            again = await store.fetch([ID], later())
            native.run("alter table sagas rename to elsewhere")
            with pytest.raises(Exception, match="no table 'sagas'"):
                await store.fetch([ID], later())
            native.run("alter table elsewhere rename to sagas")
            return [*first, *again, *[saga async for page in store.read(Look(later())) for saga in page.sagas]]
        finally:
            await store.close()

    told = asyncio.run(work())
    assert len(told) == 3
    assert all(saga.steps is not None and not saga.doubts for saga in told)


def test_two_stores_of_one_url_share_two_connections(native: Sheet) -> None:
    native.run("create index on sagas (state, updated_at)", numbered(5000, state="'pending'::saga_state"))
    stores = [native.open(name=f"store{number}") for number in range(4)]

    async def rows(number: int) -> int:
        asked = Look(Deadline.after(SystemClock(), 30))
        return len([saga async for page in stores[number].read(asked) for saga in page.sagas])

    async def work() -> int:
        count = asyncio.gather(*(rows(number) for number in range(4)))
        most = 0
        text = sa.text(f"select count(*) from pg_stat_activity where {OURS}")
        with native.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            while not count.done():
                most = max(most, int(connection.execute(text).scalar_one()))
                await asyncio.sleep(0.005)
        assert await count == [5000] * 4
        for store in stores:
            await store.close()
        return most

    assert 1 <= asyncio.run(work()) <= 2


def test_the_servers_clock_is_asked(native: Sheet) -> None:
    async def work() -> timedelta:
        store = native.open()
        try:
            return abs(await store.now(later()) - datetime.now(UTC))
        finally:
            await store.close()

    assert asyncio.run(work()) < timedelta(seconds=5)
