"""The services themselves: that they are real, that a test may hang and kill one, that nothing stays behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tests.real import keeper, servers
from tests.real.fixtures import SharedServer

VERSION = {"sqlite": "select sqlite_version()", "postgresql": "show server_version", "mysql": "select version()"}


def test_each_store_answers_and_is_what_it_says(store_url: str) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        version = str(connection.execute(text(VERSION[engine.dialect.name])).scalar_one())
        assert int(version.split(".", maxsplit=1)[0]) >= 3
        assert ("MariaDB" in version) == store_url.startswith("mysql")
        connection.execute(text("create table t (v varchar(20))"))
        connection.execute(text("insert into t values ('žluťoučký 🐎')"))
    with engine.connect() as connection:
        assert connection.execute(text("select v from t")).scalar_one() == "žluťoučký 🐎"
    engine.dispose()


@pytest.mark.parametrize("attempt", [1, 2])
def test_each_test_gets_an_empty_database(store_url: str, attempt: int) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("create table only_once (v int)"))
    engine.dispose()


def test_a_forgotten_open_transaction_does_not_block_the_next_test(store_url: str) -> None:
    connection = create_engine(store_url).connect()
    connection.execute(text("create table t (v int)"))
    connection.execute(text("select * from t"))  # left open: the database is dropped all the same


def test_shared_servers_run_as_an_ordinary_user(postgres_server: SharedServer, mariadb_server: SharedServer) -> None:
    for server in (postgres_server, mariadb_server):
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
        assert server.host == "127.0.0.1"
        assert server.version.split(".")[0].isdigit()


def _check_faults(server: servers.SqlServer, timeouts: dict[str, int]) -> None:
    engine = create_engine(server.database_url(), connect_args=timeouts, poolclass=NullPool)
    pid, port = server.pid, server.port
    with engine.begin() as connection:
        connection.execute(text("create table t (v int)"))
        connection.execute(text("insert into t values (42)"))

    server.pause()
    started = time.monotonic()
    with pytest.raises(DBAPIError):
        engine.connect()
    assert time.monotonic() - started >= 1, "a paused server must hang, not refuse"
    server.resume()
    with engine.connect() as connection:
        assert connection.execute(text("select v from t")).scalar_one() == 42

    server.kill()
    with pytest.raises(DBAPIError):
        engine.connect()
    server.start()
    assert server.port == port
    assert server.pid not in (None, pid)
    with engine.connect() as connection:
        assert connection.execute(text("select v from t")).scalar_one() == 42

    server.stop()
    with pytest.raises(DBAPIError):
        engine.connect()


def test_a_private_postgres_hangs_dies_and_comes_back(private_postgres: servers.PostgresServer) -> None:
    _check_faults(private_postgres, {"connect_timeout": 2})


def test_a_private_mariadb_hangs_dies_and_comes_back(private_mariadb: servers.MariaDBServer) -> None:
    _check_faults(private_mariadb, {"connect_timeout": 2, "read_timeout": 2})


RUN_THAT_IS_KILLED = """
import os, signal, sys
from pathlib import Path
from tests.real import keeper, servers
folder = keeper.run_dir()
private = servers.PostgresServer(folder)
private.start()
private.pause()
print(folder, keeper.ask("postgresql").pid, private.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.real("postgresql")
def test_nothing_stays_behind_when_pytest_is_killed(postgres_server: SharedServer) -> None:
    environment = {k: v for k, v in os.environ.items() if k != keeper.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", RUN_THAT_IS_KILLED],
        cwd=keeper.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout, done.stderr
    folder, *pids = done.stdout.split()
    assert servers.wait_gone([int(pid) for pid in pids], 20)
    deadline = time.monotonic() + 10
    while Path(folder).exists():
        assert time.monotonic() < deadline, f"{folder} was left behind"
        time.sleep(0.05)
