"""Every promise of a ledger, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import pytest

from sagadoctor.clock import StillClock
from sagadoctor.errors import LedgerError
from sagadoctor.ledger import SqlLedger, open_ledger, postgres
from sagadoctor.model.observation import Trial
from sagadoctor.testing.builders import PAY, changed
from sagadoctor.testing.memory import MemoryStore
from tests.ledger.behaviour import LedgerBehaviour, OddInput, Open
from tests.ledger.build import DAY, LEASE, NOW, after, connected, finding, ledger_of, old_ledger, scan, using
from tests.real.fixtures import SharedServer
from tests.real.servers import PostgresServer
from tests.services.clinic import Clinic, healthy, moved


class TestOnPostgres(LedgerBehaviour):
    """The suite on a server."""

    @pytest.fixture
    def open_here(self, postgres_url: str, clock: StillClock) -> Open:
        """Open ledgers on one new database."""
        return lambda: open_ledger(postgres_url, None, clock)


class TestOnAnotherEncoding(OddInput):
    """Text that the database's encoding lacks is kept all the same."""

    @pytest.fixture(params=["LATIN1", "SQL_ASCII"])
    def open_here(self, postgres_server: SharedServer, request: pytest.FixtureRequest) -> Iterator[Open]:
        """Open ledgers on a database that knows few characters."""
        name = f"ledger_{request.param.lower()}_{uuid.uuid4().hex[:12]}"
        postgres_server.execute(
            f"create database {name} encoding '{request.param}' template template0 lc_collate 'C' lc_ctype 'C'"
        )
        url = f"postgresql+psycopg://sagadoctor@{postgres_server.host}:{postgres_server.port}/{name}"
        yield lambda: open_ledger(url.replace("sagadoctor@", f"{PostgresServer.user}@"), None, StillClock(NOW))
        postgres_server.execute(f"drop database {name} with (force)")


def test_a_server_that_hangs_is_an_error_and_comes_back(private_postgres: PostgresServer) -> None:
    url = private_postgres.database_url()

    async def use(ledger: SqlLedger) -> None:
        await scan(ledger, "f-1", 0)
        private_postgres.pause()
        started = time.monotonic()
        with pytest.raises(LedgerError, match=r"did not answer within 0\.5 s"):
            await ledger.has_observed("orders")
        while any(thread.name == "sagadoctor-ledger" for thread in threading.enumerate()):
            assert time.monotonic() - started < 4  # the thread that hung was freed although the server still hangs
            await asyncio.sleep(0.01)
        with pytest.raises(LedgerError, match="did not answer"):
            await ledger.has_observed("orders")
        assert time.monotonic() - started < 10
        private_postgres.resume()
        assert await scan(ledger, "f-1", 60) == ({"f-1": "ongoing"}, ())
        private_postgres.pause()
        closing = time.monotonic()
        await ledger.close()
        assert time.monotonic() - closing < 5
        private_postgres.resume()

    using(lambda: open_ledger(url, None, StillClock(NOW), 0.5), use)


def test_a_server_that_was_restarted_is_reached_again(private_postgres: PostgresServer) -> None:
    url = private_postgres.database_url()

    async def use(ledger: SqlLedger) -> None:
        ticket = await ledger.begin("cron", NOW, LEASE)
        private_postgres.kill()
        with pytest.raises(LedgerError, match="can't be reached"):
            await ledger.compare(ticket, [finding("f-1")], NOW)
        private_postgres.start()
        await ledger.compare(ticket, [finding("f-1")], NOW)
        private_postgres.stop()
        private_postgres.start()
        assert await ledger.finish(ticket, NOW, ["orders"], lambda found: True) == ()
        assert await scan(ledger, "f-1", 60) == ({"f-1": "ongoing"}, ())

    using(lambda: open_ledger(url, None, StillClock(NOW)), use)


def test_a_connection_that_the_server_ends_is_made_anew(postgres_url: str, postgres_server: SharedServer) -> None:
    async def use(ledger: SqlLedger) -> None:
        await scan(ledger, "f-1", 0)
        postgres_server.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sagadoctor ledger' "
            f"and datname = '{postgres_url.rpartition('/')[2]}'"
        )
        assert await scan(ledger, "f-1", 60) == ({"f-1": "ongoing"}, ())

    using(lambda: open_ledger(postgres_url, None, StillClock(NOW)), use)


def test_what_another_holds_is_waited_for_and_then_an_error(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_BEGIN", postgres._BEGIN.replace("'2s'", "'50ms'"))

    def open_here() -> SqlLedger:
        return open_ledger(postgres_url, None, StillClock(NOW))

    async def use(ledger: SqlLedger) -> None:
        await scan(ledger, "f-1", 0)
        other = connected(open_here)
        with other.transaction():
            other.run("UPDATE sagadoctor_readers SET number = number")
            with pytest.raises(LedgerError, match="is held by another process"):
                await ledger.begin("cron", after(60), LEASE)
        other.close()
        assert (await ledger.begin("cron", after(60), LEASE)).number == 2

    using(open_here, use)


def test_a_user_without_rights_is_told_which_ones(postgres_url: str, postgres_server: SharedServer) -> None:
    name = postgres_url.rpartition("/")[2]
    role = f"guest_{name}"
    postgres_server.execute(f"create role {role} login")
    guest = f"postgresql://{role}@{postgres_server.host}:{postgres_server.port}/{name}"
    try:
        postgres_server.execute("revoke create on schema public from public", database=name)
        with pytest.raises(LedgerError, match="the user needs CREATE on the schema once"):
            using(lambda: open_ledger(guest, None, StillClock(NOW)), lambda ledger: ledger.has_observed("orders"))
        using(lambda: open_ledger(postgres_url, None, StillClock(NOW)), lambda ledger: scan(ledger, "f-1", 0))
        postgres_server.execute(
            f"grant select, insert, update, delete on all tables in schema public to {role}", database=name
        )
        again = using(lambda: open_ledger(guest, None, StillClock(NOW)), lambda ledger: scan(ledger, "", DAY * 32))
        assert again[1] == ("f-1",)
    finally:
        postgres_server.execute(f"drop owned by {role}", database=name)
        postgres_server.execute(f"drop role {role}")


def test_a_migration_takes_no_rights_away(postgres_url: str, postgres_server: SharedServer) -> None:
    name = postgres_url.rpartition("/")[2]
    role = f"guest_{name}"
    old_ledger(lambda: open_ledger(postgres_url, None, StillClock(NOW))).close()
    postgres_server.execute(f"create role {role} login")
    guest = f"postgresql://{role}@{postgres_server.host}:{postgres_server.port}/{name}"
    try:
        postgres_server.execute(
            f"grant select, insert, update, delete on all tables in schema public to {role}", database=name
        )
        with pytest.raises(LedgerError, match="the user needs"):
            using(lambda: open_ledger(guest, None, StillClock(NOW)), lambda ledger: ledger.has_observed("orders"))
        using(lambda: open_ledger(postgres_url, None, StillClock(NOW)), lambda ledger: ledger.has_observed("orders"))
        again = using(lambda: open_ledger(guest, None, StillClock(NOW)), lambda ledger: scan(ledger, "f-1", 60))
        assert again == ({"f-1": "ongoing"}, ("f-2",))
    finally:
        postgres_server.execute(f"drop owned by {role}", database=name)
        postgres_server.execute(f"drop role {role}")


def test_a_table_that_comes_later_is_for_whoever_may_use_the_others(
    postgres_url: str, postgres_server: SharedServer
) -> None:
    name = postgres_url.rpartition("/")[2]
    role = f"Guest? 5% {name}"
    ledger_of(lambda: open_ledger(postgres_url, None, StillClock(NOW)), 2).close()
    postgres_server.execute(f'create role "{role}" login')
    guest = f"postgresql://{quote(role)}@{postgres_server.host}:{postgres_server.port}/{name}"
    try:
        postgres_server.execute(
            f'grant select, insert, update, delete on all tables in schema public to "{role}"', database=name
        )
        postgres_server.execute("grant select on sagadoctor_observations to public", database=name)
        using(lambda: open_ledger(postgres_url, None, StillClock(NOW)), lambda ledger: ledger.has_observed("orders"))
        seen = using(
            lambda: open_ledger(guest, None, StillClock(NOW)),
            lambda ledger: ledger.observe_tries("orders", [Trial("s-1", "m", 2)], NOW),
        )
        assert seen["s-1"].first == 2
        database = connected(lambda: open_ledger(postgres_url, None, StillClock(NOW)))
        rights = "SELECT relacl::text FROM pg_class WHERE oid = to_regclass(?)"
        [kept], [added] = (database.rows(rights, f"sagadoctor_{table}")[0] for table in ("observations", "tries"))
        database.close()
        assert sorted(added.strip("{}").split(",")) == sorted(kept.strip("{}").split(","))
    finally:
        postgres_server.execute(f'drop owned by "{role}"', database=name)
        postgres_server.execute(f'drop role "{role}"')


def test_attempts_that_rise_from_scan_to_scan_are_a_loop(postgres_url: str) -> None:
    def failing(attempts: int) -> MemoryStore:
        row = changed(healthy("a"), PAY, attempts=attempts, error="connection refused")
        return MemoryStore("orders", [moved(row, clock.now())])

    clock = StillClock(NOW)
    for minutes, attempts, rules in ((0, 2, {}), (10, 4, {}), (6, 5, {"a": ["retry-loop"]})):
        clock.at = clock.now() + timedelta(minutes=minutes)
        ledger = open_ledger(postgres_url, None, clock)
        assert Clinic(failing(attempts), ledger=ledger, clock=clock).scan().rules == rules
        asyncio.run(ledger.close())


def test_a_value_that_is_none_is_told_with_its_column(postgres_url: str) -> None:
    def open_here() -> SqlLedger:
        return open_ledger(postgres_url, None, StillClock(NOW))

    using(open_here, lambda ledger: scan(ledger, "f-1", 0))
    database = connected(open_here)
    database.run("UPDATE sagadoctor_seen SET severity = 'grave'")
    database.close()
    with pytest.raises(
        LedgerError, match=r"is damaged: sagadoctor_seen\.severity holds 'grave': mend that row, or drop"
    ):
        using(open_here, lambda ledger: ledger.known(["f-1"]))


def test_what_is_no_server_or_no_database_is_said(postgres_url: str) -> None:
    with pytest.raises(LedgerError, match=r"can't be reached: .*database .nowhere. does not exist"):
        using(
            lambda: open_ledger(postgres_url.rpartition("/")[0] + "/nowhere", None, StillClock(NOW)),
            lambda ledger: ledger.has_observed("orders"),
        )


def test_keys_are_compared_byte_by_byte_whatever_the_locale_is(postgres_url: str) -> None:
    database = connected(lambda: open_ledger(postgres_url, None, StillClock(NOW)))
    keys = (
        "SELECT attrelid::regclass::text, attcollation::regcollation::text FROM pg_attribute JOIN pg_index "
        "ON attrelid = indexrelid WHERE indrelid::regclass::text LIKE 'sagadoctor_%' AND attcollation <> 0"
    )
    assert {collation for _, collation in database.rows(keys)} == {'"C"'}
    database.close()


def test_no_statement_lasts_for_ever(postgres_url: str) -> None:
    ledger = open_ledger(postgres_url, None, StillClock(NOW))
    database = connected(lambda: ledger)
    with database.transaction():
        limits = [
            database.rows(f"SHOW {name}")[0][0]
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        ]
    assert limits == ["8s", "2s", "10s"]
    assert database.rows("SHOW statement_timeout") == [("0",)]  # a pooled connection is given back as it was
    database.close()


def test_many_operators_at_once_lose_nothing_and_never_deadlock(postgres_url: str) -> None:
    ids = [f"s-{number:04}" for number in range(1500)]

    async def work(number: int) -> None:
        ledger = open_ledger(postgres_url, None, StillClock(NOW))
        for turn in range(6):
            rows = [(name, str(turn)) for name in ids]
            await ledger.observe("orders", rows if number % 2 else rows[::-1], after(turn))
            await ledger.judged("orders", ids if number % 2 else ids[::-1])
            found = [finding(name) for name in ids[number::7]]
            await scan(ledger, found, DAY * turn, reader=f"operator {number}")
        await ledger.close()

    async def run() -> None:
        await asyncio.gather(*(work(number) for number in range(5)))
        ledger = open_ledger(postgres_url, None, StillClock(NOW))
        assert not await ledger.unjudged("orders", ids)
        assert {one.fingerprint for one in (await ledger.observe("orders", [], after(9))).values()} == set()
        assert len(await ledger.known(ids)) == len({name for number in range(5) for name in ids[number::7]})
        await ledger.close()

    asyncio.run(run())
