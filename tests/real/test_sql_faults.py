"""A real server that is killed, hung and started again under the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from sagadoctor.api.v1 import BackendError, DeadlineExceeded, Look, Lost, Page, Unreachable
from tests.adapters.sheet import Sheet, later

from .servers import MariaDBServer, PostgresServer, SqlServer

ROWS = 16_000


@pytest.fixture(params=["private_postgres", "private_mariadb"])
def server(request: pytest.FixtureRequest) -> SqlServer:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, SqlServer)
    return found


def filled(server: SqlServer) -> Sheet:
    sheet = Sheet(server.database_url())
    many = {
        PostgresServer: f"generate_series(1, {ROWS}) n",
        MariaDBServer: f"(select seq as n from seq_1_to_{ROWS}) as numbers",
    }
    values = "n, 'Order', 'pending', 0, '{}', '[]', '2026-01-01 00:00:00', '2026-01-01 00:00:00'"
    sheet.run(
        f"insert into sagas select {values} from {many[type(server)]}",
        "create index by_state on sagas (state, updated_at)",
    )
    return sheet


def test_row_79_a_server_that_hangs_is_left_in_time(server: SqlServer) -> None:
    sheet = filled(server)
    store = sheet.open()

    async def work() -> float:
        try:
            await store.fetch(["1"], later())
            server.pause()
            began = time.monotonic()
            with pytest.raises(DeadlineExceeded):
                await store.fetch(["1"], later(1.0))
            with pytest.raises(BackendError):
                await store.now(later(1.0))
            return time.monotonic() - began
        finally:
            await store.close()

    began = time.monotonic()
    try:
        took = asyncio.run(work())
        whole = time.monotonic() - began
    finally:
        server.resume()
    assert took < 4
    assert whole < 8


def test_row_80_a_server_that_comes_back_is_read_to_the_end(server: SqlServer) -> None:
    sheet = filled(server)
    store = sheet.open()

    async def work() -> list[str]:
        told: list[str] = []
        restarted = False
        try:
            async for page in store.read(Look(later(60))):
                told.extend(saga.saga_id for saga in page.sagas)
                if not restarted:
                    server.kill()
                    server.start()
                    restarted = True
        finally:
            await store.close()
        return told

    told = asyncio.run(work())
    assert len(told) == len(set(told)) == ROWS


async def _to_the_end(pages: AsyncIterator[Page]) -> None:
    async for _ in pages:
        pass


def test_a_server_that_is_gone_is_lost(server: SqlServer) -> None:
    sheet = filled(server)
    store = sheet.open()

    async def work() -> float:
        pages = store.read(Look(later(30)))
        try:
            await anext(pages)
            server.kill()
            began = time.monotonic()
            with pytest.raises((Lost, Unreachable)):
                await _to_the_end(pages)
            return time.monotonic() - began
        finally:
            await store.close()

    assert asyncio.run(work()) < 10


def test_row_81_a_server_that_is_full_is_not_stormed(private_postgres: PostgresServer) -> None:
    from sagadoctor.api.v1 import TooManyConnections

    sheet = filled(private_postgres)
    role = "guest"
    sheet.run(f"create role {role} login connection limit 0", f"grant select on sagas to {role}")
    store = Sheet(sheet.url.replace("//sd@", f"//{role}@"), columns={}).open()

    async def work() -> float:
        began = time.monotonic()
        try:
            with pytest.raises(TooManyConnections):
                await store.fetch(["1"], later())
            return time.monotonic() - began
        finally:
            await store.close()

    assert asyncio.run(work()) < 2
