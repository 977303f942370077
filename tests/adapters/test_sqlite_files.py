"""A SQLite database in WAL mode is read as it is, and nothing is left beside it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.sql.sqlite_files import _held, hold, let_go
from sagadoctor.api.v1 import BackendError, ConfigError, Lost, Unreachable
from sagadoctor.api.v1.sql import Session

from .opening import open_store
from .sheet import Sheet, fetch, later, read

PRESET = {"preset": "saga-template"}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A folder of its own with one database in WAL mode that was closed."""
    return made(tmp_path / "app")


def made(folder: Path) -> Path:
    folder.mkdir()
    path = folder / "x.db"
    sheet = Sheet(f"sqlite:///{path}")
    sheet.add(sheet.good())
    sheet.run("pragma journal_mode = wal")
    assert files(path) == ["x.db"]
    return path


def files(path: Path) -> list[str]:
    return sorted(os.listdir(path.parent))


def opened(path: Path) -> SqlStore:
    return open_store(f"sqlite:///{path}", PRESET)


def ids(path: Path) -> list[str]:
    return sorted(saga.saga_id for saga in read(opened(path)))


def add(connection: sqlite3.Connection, saga_id: str) -> None:
    others = "saga_type, state, current_step, data, steps, created_at, updated_at"
    connection.execute(f"insert into sagas select ?, {others} from sagas limit 1", (saga_id,))
    connection.commit()


@pytest.fixture
def writer(database: Path) -> Iterator[sqlite3.Connection]:
    """Somebody who has the database open and has written to its log."""
    connection = sqlite3.connect(database)
    connection.execute("pragma wal_autocheckpoint = 0")
    add(connection, "s-2")
    yield connection
    connection.close()


def test_a_database_at_rest_is_left_as_it_was(database: Path) -> None:
    before = database.stat()
    assert ids(database) == ["s-1"]
    assert asyncio.run(_checked(opened(database)))
    assert files(database) == ["x.db"]
    assert (database.stat().st_mtime_ns, database.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_what_stands_only_in_the_log_is_read(database: Path, writer: sqlite3.Connection) -> None:
    assert ids(database) == ["s-1", "s-2"]
    assert files(database) == ["x.db", "x.db-shm", "x.db-wal"]
    writer.close()
    assert files(database) == ["x.db"]
    assert ids(database) == ["s-1", "s-2"]
    assert files(database) == ["x.db"]


def test_an_empty_log_that_others_left_is_no_hindrance(database: Path) -> None:
    database.with_name("x.db-wal").touch()
    assert ids(database) == ["s-1"]
    assert files(database) == ["x.db", "x.db-wal"]


def test_whoever_writes_while_we_read_makes_us_read_again(database: Path) -> None:
    store = opened(database)
    writer: list[sqlite3.Connection] = []
    counts: list[int] = []

    def work(session: Session) -> int:
        found = int(session.ask("select count(*) from sagas")[0][0])
        if not writer:
            writer.append(sqlite3.connect(database, check_same_thread=False))
            add(writer[0], "s-2")
        counts.append(found)
        return found

    async def ask() -> int:
        try:
            return await store._guest.run(work, later())
        finally:
            await store.close()

    assert asyncio.run(ask()) == 2
    assert counts == [1, 2], "the first answer was not to be trusted"
    writer[0].close()


def test_whoever_wrote_between_two_questions_is_noticed(database: Path) -> None:
    store = opened(database)

    async def ask() -> list[int]:
        told = []
        for saga_id in ("s-2", "s-3", "s-4"):
            told.append(len(await store.fetch(["s-1", "s-2", "s-3", "s-4"], later())))
            connection = sqlite3.connect(database)
            add(connection, saga_id)
            connection.close()
        await store.close()
        return told

    assert asyncio.run(ask()) == [1, 2, 3]
    assert files(database) == ["x.db"]


def test_an_error_from_half_a_change_is_no_verdict(database: Path) -> None:
    store = opened(database)
    tries: list[int] = []

    def work(session: Session) -> str:
        tries.append(1)
        session.ask("select 1")
        if len(tries) == 1:
            os.utime(database)
            raise sqlite3.DatabaseError("database disk image is malformed")
        return "read"

    async def ask() -> str:
        try:
            return await store._guest.run(work, later())
        finally:
            await store.close()

    assert asyncio.run(ask()) == "read"


def test_who_never_stops_writing_is_told_of(database: Path) -> None:
    store = opened(database)

    def work(session: Session) -> None:
        session.ask("select 1")
        os.utime(database, ns=(0, time.monotonic_ns()))

    async def ask() -> None:
        try:
            await store._guest.run(work, later(1.0))
        finally:
            await store.close()

    with pytest.raises(Lost, match="written while it was read"):
        asyncio.run(ask())


def test_a_log_that_nobody_has_open_is_not_made_readable_by_us(database: Path, writer: sqlite3.Connection) -> None:
    copy = database.parent / "copy"
    copy.mkdir()
    for name in ("x.db", "x.db-wal"):
        (copy / name).write_bytes((database.parent / name).read_bytes())
    store = open_store(f"sqlite:///{copy}/x.db", {**PRESET, "lock_timeout": "100ms"})
    with pytest.raises(Unreachable, match=r"x\.db-wal holds changes") as refused:
        fetch(store, "s-1")
    assert "wal_checkpoint" in refused.value.hint
    assert sorted(os.listdir(copy)) == ["x.db", "x.db-wal"]


AS_NOBODY = """
import os, sys
from tests.adapters.test_sqlite_files import ids, Path
path, other = map(Path, sys.argv[1:])
assert ids(other) == ["s-1"]  # so that everything is loaded before we lose the right to load it
if os.geteuid() == 0:
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
assert not os.access(path.parent, os.W_OK, effective_ids=True)
print(*ids(path))
"""


@pytest.mark.parametrize("is_open", [False, True])
def test_an_ordinary_user_reads_where_it_may_not_write(tmp_path: Path, is_open: bool) -> None:
    with tempfile.TemporaryDirectory() as top:  # others may not enter pytest's own
        Path(top).chmod(0o755)
        path = made(Path(top) / "app")
        connection = sqlite3.connect(path)
        add(connection, "s-2")
        if not is_open:
            connection.close()
        wanted = files(path)
        path.parent.chmod(0o555)
        told = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(path), str(made(tmp_path / "other"))],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        path.parent.chmod(0o755)
        assert files(path) == wanted
        connection.close()
    assert told.stdout.split() == ["s-1", "s-2"], told.stderr[-1500:]


def test_a_file_is_looked_into_only_by_who_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(bytes(18) + b"\2\2" + bytes(80))
    first = hold(str(path))
    path.write_bytes(bytes(100))
    second = hold(str(path))
    assert first.is_wal
    assert second.is_wal, "to look again would give up the locks of the first one"
    let_go(first)
    let_go(second)
    third = hold(str(path))
    assert not third.is_wal
    let_go(third)
    let_go(third)
    with pytest.raises(OSError, match="No such file"):
        hold(str(tmp_path / "none"))


def test_no_file_stays_open(database: Path) -> None:
    assert ids(database) == ["s-1"]
    held = [os.path.realpath(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")]
    assert str(database) not in held
    assert not _held


def test_a_relative_path_is_beside_the_configuration(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    store = open_store("sqlite:///app/x.db", PRESET, folder=str(database.parents[1]))
    assert [saga.saga_id for saga in read(store)] == ["s-1"]
    monkeypatch.chdir(database.parents[1])
    with pytest.raises(ConfigError, match="a relative path is beside a configuration"):
        open_store("sqlite:///app/x.db", PRESET)


async def _checked(store: SqlStore) -> bool:
    try:
        return bool(await store.check(later()))
    finally:
        await store.close()


@pytest.mark.parametrize("name", ["a folder", "a pipe"])
def test_what_is_no_database_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    _make(path)
    with pytest.raises(BackendError, match=name):
        fetch(open_store(f"sqlite:///{path}", PRESET), "s-1")


def _make(path: Path) -> Any:
    return path.mkdir() if path.name == "a folder" else os.mkfifo(path)
