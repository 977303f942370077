"""What only MariaDB has: loose collations, zero dates, flags, ids as bytes, and its own way to read everything."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from sagadoctor.api.v1 import AccessDenied, Busy, DeadlineExceeded, FullScanRefused, Look, Saga, SagaState
from tests.adapters.sheet import GOOD, TEMPLATE, Sheet, doubts, fetch, later, pages, read, read_one

from .fixtures import SharedServer

PRESET = {"preset": "saga-template"}
INDEX = "create index by_state on sagas (state, updated_at)"


def numbered(count: int, **columns: str) -> str:
    """Insert so many rows whose columns are SQL expressions over seq."""
    chosen = {
        "saga_id": "concat('s-', seq)",
        "saga_type": "'Order'",
        "state": "if(seq % 10 = 0, 'pending', 'completed')",
        "current_step": "0",
        "data": "'{}'",
        "steps": "'[]'",
        "created_at": "date_add('2026-01-01', interval seq minute)",
        "updated_at": "date_add('2026-01-01', interval seq minute)",
        **columns,
    }
    names, values = ", ".join(chosen), ", ".join(chosen.values())
    return f"insert into sagas ({names}) select {values} from seq_1_to_{count}"


@pytest.fixture
def sheet(mariadb_url: str) -> Sheet:
    return Sheet(mariadb_url)


@pytest.mark.parametrize("indexed", [False, True])
def test_row_37_state_words_that_differ_by_case_only(sheet: Sheet, indexed: bool) -> None:
    if indexed:
        sheet.run(INDEX)
    words = ("PENDING", "pending", "Pending ", "completed", "COMPLETED", "ended", "Ended", "lïmbo", "limbo")
    sheet.add(*(sheet.good(saga_id=f"s-{number}", state=word) for number, word in enumerate(words)))
    said = {**PRESET, "saga": {"state": {"values": {"ended": "completed", "Ended": "compensating"}}}}
    found = {saga.raw_state: saga.state for saga in read(sheet.open(said))}
    assert found["PENDING"] is found["pending"] is SagaState.PENDING
    assert found["Ended"] is SagaState.COMPENSATING
    assert found["lïmbo"] is found["limbo"] is SagaState.UNKNOWN
    assert not {"completed", "COMPLETED", "ended"} & set(found)
    assert len(read(sheet.open(said), all_ended=True)) == len(words)


def test_row_24_zero_dates_are_no_time(sheet: Sheet) -> None:
    sheet.run(
        "set session sql_mode = ''; ".strip("; "),
    )
    with sheet.engine.begin() as connection:
        connection.exec_driver_sql("set session sql_mode = ''")
        connection.execute(sa.table("sagas", *(sa.column(name) for name in GOOD)).insert(), [GOOD])
        connection.exec_driver_sql("update sagas set updated_at = '0000-00-00 00:00:00'")
    saga = read_one(sheet.open())
    assert saga.doubts == ()
    assert saga.updated_at == saga.created_at


def test_timestamps_are_utc_whatever_the_servers_zone(mariadb_url: str) -> None:
    sheet = Sheet(mariadb_url, columns={**TEMPLATE, "updated_at": "zoned"})
    with sheet.engine.begin() as connection:
        connection.exec_driver_sql("set session time_zone = '+05:00'")
        row = sheet.good(updated_at="2026-11-20 10:00:00.25")
        connection.execute(sa.table("sagas", *(sa.column(name) for name in row)).insert(), [row])
    said = {**PRESET, "saga": {"updated_at": {"tz": "America/New_York"}}}
    assert read_one(sheet.open(said)).updated_at == datetime(2026, 11, 20, 5, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize("form", ["uuid_bytes", "uuid_bytes_swapped"])
def test_uuids_as_bytes(mariadb_url: str, form: str) -> None:
    known = uuid.UUID("0198a0c2-1111-7abc-8def-0123456789ab")
    kept = (
        known.bytes if form == "uuid_bytes" else known.bytes[6:8] + known.bytes[4:6] + known.bytes[:4] + known.bytes[8:]
    )
    sheet = Sheet(mariadb_url, columns={**TEMPLATE, "saga_id": "binary(16) primary key"})
    sheet.add(sheet.good(saga_id=kept))
    said = {**PRESET, "saga": {"id": {"column": "saga_id", "format": form}}}
    assert read_one(sheet.open(said)).saga_id == str(known)
    for spelt in (str(known), str(known).upper(), known.hex, f"{{{known}}}"):
        assert [saga.saga_id for saga in fetch(sheet.open(said), spelt)] == [str(known)]


def test_states_as_rules_over_flags(mariadb_url: str) -> None:
    columns = {**TEMPLATE, "end_state": "flag", "compensating": "flag", "failed": "bit(1)"}
    sheet = Sheet(mariadb_url, columns=columns)
    rows = [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1), (None, None, None)]
    for number, (ended, undoing, failed) in enumerate(rows):
        bit = sa.text("null" if failed is None else f"b'{failed}'")
        sheet.add(sheet.good(saga_id=f"s-{number}", end_state=ended, compensating=undoing, failed=bit))
    when = [
        {"if": {"failed": True}, "is": "failed"},
        {"if": {"end_state": True, "compensating": True}, "is": "compensated"},
        {"if": {"end_state": True}, "is": "completed"},
        {"if": {"compensating": True}, "is": "compensating"},
        {"if": {"end_state": False}, "is": "running"},
    ]
    said = {**PRESET, "saga": {"state": {"when": when}}}
    states = {saga.saga_id: saga.state for saga in read(sheet.open(said))}
    assert states == {"s-0": SagaState.PENDING, "s-1": SagaState.COMPENSATING, "s-5": SagaState.UNKNOWN}
    everything = {saga.saga_id: saga.state for saga in read(sheet.open(said), all_ended=True)}
    assert everything["s-2"] is SagaState.COMPLETED
    assert everything["s-3"] is SagaState.COMPENSATED
    assert everything["s-4"] is SagaState.FAILED


def test_a_native_enum(mariadb_url: str) -> None:
    kind = "enum('started','pending','completed','it''s odd')"
    sheet = Sheet(mariadb_url, columns={**TEMPLATE, "state": kind})
    sheet.add(sheet.good(), sheet.good(saga_id="s-2", state="it's odd"), sheet.good(saga_id="s-3", state="completed"))
    assert {saga.raw_state: saga.state for saga in read(sheet.open())} == {
        "pending": SagaState.PENDING,
        "it's odd": SagaState.UNKNOWN,
    }


def test_latin1_columns_are_read(mariadb_url: str) -> None:
    sheet = Sheet(mariadb_url, columns={**TEMPLATE, "saga_type": "varchar(50) character set latin1"})
    sheet.add(sheet.good(saga_type="café"))
    assert read_one(sheet.open()).saga_type == "café"


def test_a_big_table_without_an_index_is_refused_with_the_index_to_create(sheet: Sheet) -> None:
    sheet.run(numbered(5000), "analyze table sagas")
    with pytest.raises(FullScanRefused) as error:
        read(sheet.open(big_table=1000))
    statement = error.value.hint.split(" - or ")[0]
    assert statement.endswith("ALGORITHM=INPLACE LOCK=NONE")
    sheet.run(statement, "analyze table sagas")
    assert len(read(sheet.open(big_table=1000))) == 500
    told = read(sheet.open(big_table=1000), ended_since=datetime(2026, 1, 2, tzinfo=UTC))
    assert len([saga for saga in told if not saga.is_live]) == len([n for n in range(1, 5001) if n % 10 and n >= 1440])


def test_a_big_table_is_read_whole_when_asked_for(sheet: Sheet) -> None:
    sheet.run(numbered(5000), "analyze table sagas")
    some = pages(sheet.open(big_table=1000), allow_full_scan=True)
    assert len([saga for page in some for saga in page.sagas]) == 500
    everything = read(sheet.open(big_table=1000), allow_full_scan=True, all_ended=True)
    assert len(everything) == len({saga.saga_id for saga in everything}) == 5000


def test_row_40_times_in_whole_seconds_keep_their_pages(mariadb_url: str) -> None:
    sheet = Sheet(mariadb_url, columns={**TEMPLATE, "updated_at": "datetime"})
    sheet.run(INDEX, numbered(9000, state="'pending'", updated_at="'2026-01-01 00:00:00'"))
    assert len({saga.saga_id for saga in read(sheet.open())}) == 9000


def test_row_34_a_lock_is_not_waited_for(sheet: Sheet) -> None:
    sheet.add(GOOD)
    with sheet.engine.connect() as connection:
        connection.exec_driver_sql("lock tables sagas write")
        began = time.monotonic()
        with pytest.raises(Busy):
            fetch(sheet.open(), "s-1")
        assert time.monotonic() - began < 5
        connection.exec_driver_sql("unlock tables")


def test_a_statement_that_takes_too_long_is_ended_by_the_server(sheet: Sheet) -> None:
    sheet.add(*(sheet.good(saga_id=f"s-{number}") for number in range(30)))
    sheet.run("create view slow as select sagas.*, sleep(1) as wait from sagas")
    said = {**PRESET, "saga": {"table": "slow", "waiting_for": "wait"}, "statement_timeout": "1500ms"}
    with pytest.raises(DeadlineExceeded, match="statement_timeout"):
        read(sheet.open(said))


def test_a_deadline_ends_the_statement_on_the_server(sheet: Sheet) -> None:
    sheet.add(*(sheet.good(saga_id=f"s-{number}") for number in range(30)))
    sheet.run("create view slow as select sagas.*, sleep(1) as wait from sagas")
    store = sheet.open({**PRESET, "saga": {"table": "slow", "waiting_for": "wait"}, "statement_timeout": "60s"})

    async def work() -> float:
        await asyncio.gather(store.now(later()), store.now(later()))  # both connections are there
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await store.fetch([f"s-{number}" for number in range(30)], later(0.5))
        took = time.monotonic() - began
        await store.close()
        return took

    assert asyncio.run(work()) < 2
    text = (
        "select count(*) from information_schema.processlist"
        " where db = database() and info like '%wait%' and id <> connection_id()"
    )
    until = time.monotonic() + 5
    left = 1
    while left and time.monotonic() < until:
        with sheet.engine.connect() as connection:
            left = int(connection.execute(sa.text(text)).scalar_one())
        time.sleep(0.05)
    assert left == 0


def test_row_35_missing_privileges_say_what_to_grant(sheet: Sheet, mariadb_server: SharedServer) -> None:
    sheet.add(GOOD)
    name = f"reader{time.monotonic_ns() % 1_000_000_000}"
    database = sheet.url.rpartition("/")[2].partition("?")[0]
    mariadb_server.execute(
        f"create table {database}.other (id int)",
        f"create user {name}@'%' identified by 'S3cret-word'",
        f"grant select on {database}.other to {name}@'%'",
    )
    url = sheet.url.replace("//sd:sd@", f"//{name}:S3cret-word@")
    with pytest.raises(Exception, match="no table 'sagas'"):
        read(Sheet(url, columns={}).open())
    mariadb_server.execute(f"grant select (saga_id, state) on {database}.sagas to {name}@'%'")
    with pytest.raises(Exception, match="no column"):
        read(Sheet(url, columns={}).open())
    with pytest.raises(AccessDenied) as error:
        read(Sheet(url.replace("S3cret-word", "wrong-word"), columns={}).open())
    assert "wrong-word" not in f"{error.value} {error.value.__cause__} {error.value.__context__}"
    mariadb_server.execute(f"grant select on {database}.sagas to {name}@'%'")
    assert len(read(Sheet(url, columns={}).open())) == 1


def test_a_read_only_guest_cannot_write(sheet: Sheet) -> None:
    sheet.add(GOOD)

    async def work() -> None:
        store = sheet.open()
        try:
            await store._guest.run(lambda session: session.ask("delete from sagas"), later())
        finally:
            await store.close()

    with pytest.raises(Exception, match="READ ONLY"):
        asyncio.run(work())
    assert len(read(sheet.open())) == 1


def test_row_80_a_killed_connection_is_made_anew_and_the_scan_goes_on(sheet: Sheet) -> None:
    sheet.run(INDEX, numbered(20_000, state="'pending'"))
    store = sheet.open()

    def kill_all() -> None:
        with sheet.engine.connect() as connection:
            text = "select id from information_schema.processlist where db = database() and id <> connection_id()"
            for (number,) in connection.exec_driver_sql(text).all():
                connection.exec_driver_sql(f"kill {number}")

    async def work() -> list[str]:
        told: list[str] = []
        try:
            async for page in store.read(Look(later())):
                told.extend(saga.saga_id for saga in page.sagas)
                kill_all()
        finally:
            await store.close()
        return told

    told = asyncio.run(work())
    assert len(told) == len(set(told)) == 20_000


def test_a_business_key_comes_out_of_the_payload_by_the_database(sheet: Sheet) -> None:
    sheet.add(
        GOOD,
        sheet.good(saga_id="s-2", data='{"order_id": "a-1"}'),
        sheet.good(saga_id="s-3", data="not json"),
        sheet.good(saga_id="s-4", data='{"order_id": null}'),
        sheet.good(saga_id="s-5", data='{"order_id": 17}'),
    )
    said = {**PRESET, "saga": {"business_key": "$.order_id"}}
    keys = {saga.saga_id: saga.business_key for saga in read(sheet.open(said))}
    assert keys == {"s-1": "A-1", "s-2": "a-1", "s-3": None, "s-4": None, "s-5": "17"}

    async def work() -> tuple[Saga, ...]:
        store = sheet.open(said)
        try:
            return await store.find("A-1", later())
        finally:
            await store.close()

    assert [saga.saga_id for saga in asyncio.run(work())] == ["s-1"]


def test_the_servers_clock_is_asked(sheet: Sheet) -> None:
    async def work() -> timedelta:
        store = sheet.open()
        try:
            return abs(await store.now(later()) - datetime.now(UTC))
        finally:
            await store.close()

    assert asyncio.run(work()) < timedelta(seconds=5)


def test_doubts_name_what_is_odd(sheet: Sheet) -> None:
    sheet.add(sheet.good(steps="oops"))
    assert "steps" in doubts(read_one(sheet.open()))
