"""The SQLite file: private, ours, and clear about what is wrong with it."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from sagadoctor.clock import StillClock
from sagadoctor.errors import LedgerError
from sagadoctor.ledger import Shelf, SqlLedger, open_ledger, sqlite
from sagadoctor.ledger.private_file import is_on_network
from sagadoctor.ledger.sqlite import SqliteConnection, SqliteFile

from .build import LEASE, NOW, after, finding, scan, using

NOBODY = 65534


def refusal(path: Path) -> str:
    """Return what a ledger at `path` says instead of working."""
    with pytest.raises(LedgerError) as caught:
        using(lambda: open_ledger(path, None, StillClock(NOW)), lambda ledger: ledger.has_observed("orders"))
    assert str(path) in str(caught.value)
    return str(caught.value)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Be an ordinary user for a while."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that belongs to the ordinary user."""
    folder = Path(tempfile.mkdtemp(prefix="ledger-"))
    if not os.geteuid():
        os.chown(folder, NOBODY, -1)
    yield folder
    folder.chmod(0o700)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def test_all_files_are_for_their_owner_alone_whatever_the_umask_is(tmp_path: Path) -> None:
    path = tmp_path / "a" / "state" / "ledger.db"
    before = os.umask(0)
    try:

        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, "f-1", 0)
            modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
            assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

        using(lambda: open_ledger(path, None, StillClock(NOW)), use)
    finally:
        os.umask(before)


def test_files_that_others_may_read_are_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    using(lambda: open_ledger(path, None, StillClock(NOW)), lambda ledger: scan(ledger, "f-1", 0))
    path.chmod(0o664)
    tmp_path.chmod(0o755)
    using(lambda: open_ledger(path, None, StillClock(NOW)), lambda ledger: ledger.has_observed("orders"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755  # not made by us: not ours to change


def test_it_survives_a_crash_of_the_machine(tmp_path: Path) -> None:
    connection = SqliteFile(tmp_path / "ledger.db").connect()
    assert connection.rows("PRAGMA journal_mode") == [("wal",)]
    assert connection.rows("PRAGMA synchronous") == [(2,)]
    connection.close()


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
def test_a_symbolic_link_is_refused(tmp_path: Path, ending: str) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("precious")
    (tmp_path / f"ledger.db{ending}").symlink_to(target)
    assert "is a symbolic link" in refusal(tmp_path / "ledger.db")
    assert target.read_text() == "precious"


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert f"belongs to another user (number {owner}, you are {owner + 1})" in refusal(path)


def test_a_pipe_or_a_folder_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not a file" in refusal(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    assert "is not a file" in refusal(tmp_path / "folder")


def test_where_no_folder_can_be_made_the_reason_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "can't be used" in refusal(tmp_path / "file" / "ledger.db")
    assert "can't be used" in refusal(tmp_path / ("x" * 300))


def test_a_path_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="can't be used"):
        using(lambda: open_ledger(f"{tmp_path}/a\x00b", None, StillClock(NOW)), lambda one: one.has_observed("orders"))


def test_a_folder_that_may_not_be_written_is_said(open_folder: Path) -> None:
    with without_privileges():
        open_folder.chmod(0o500)
        assert "you may not write there" in refusal(open_folder / "ledger.db")
        open_folder.chmod(0o700)
        path = open_folder / "ledger.db"
        using(lambda: open_ledger(path, None, StillClock(NOW)), lambda ledger: scan(ledger, "f-1", 0))
        open_folder.chmod(0o500)
        assert "write" in refusal(path)


@pytest.mark.parametrize(
    "content", [b"precious notes\n" * 100, b"SQLite format 3\x00" + b"\xff" * 5000, b"\x00" * 4096]
)
def test_what_is_no_database_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    assert "damaged or no SQLite database" in refusal(path)
    assert path.read_bytes() == content


def test_the_database_of_another_program_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as shop:
        shop.execute("CREATE TABLE sagas (id TEXT)")
    assert "is the database of another program" in refusal(path)
    with closing(sqlite3.connect(path)) as shop:
        assert shop.execute("SELECT name FROM sqlite_master").fetchall() == [("sagas",)]


def test_a_damaged_ledger_is_an_error_never_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    many = [finding(f"f-{number}") for number in range(3000)]
    using(lambda: open_ledger(path, None, StillClock(NOW)), lambda ledger: scan(ledger, many, 0))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xa5" * (size - 4096 * 2))
    with pytest.raises(LedgerError, match=r"is damaged .*: move it away"):
        using(lambda: open_ledger(path, None, StillClock(NOW)), lambda ledger: scan(ledger, many, 60))


def test_a_ledger_that_lost_a_table_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    using(lambda: open_ledger(path, None, StillClock(NOW)), lambda ledger: scan(ledger, "f-1", 0))
    with closing(sqlite3.connect(path)) as changed:
        changed.execute("DROP TABLE sagadoctor_observations")
    assert "no such table" in refusal(path)


def broken(monkeypatch: pytest.MonkeyPatch, path: Path, setting: str) -> str:
    """Return what the ledger says when the file behaves as `setting` makes it."""
    using(lambda: open_ledger(path, None, StillClock(NOW)), lambda ledger: scan(ledger, "f-1", 0))
    prepare = SqliteConnection.prepare

    def limited(connection: SqliteConnection, shelf: Shelf) -> None:
        prepare(connection, shelf)
        connection.rows(setting)

    monkeypatch.setattr(SqliteConnection, "prepare", limited)
    many = [(f"s-{number}", "x" * 100) for number in range(3000)]
    with pytest.raises(LedgerError) as caught:
        using(lambda: open_ledger(path, None, StillClock(NOW)), lambda ledger: ledger.observe("orders", many, NOW))
    return str(caught.value)


def test_row_71_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the disk is full" in broken(monkeypatch, tmp_path / "ledger.db", "PRAGMA max_page_count = 1")


def test_a_file_system_that_is_read_only_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "mounted read-only" in broken(monkeypatch, tmp_path / "ledger.db", "PRAGMA query_only = ON")


def test_row_71_a_write_that_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    using(lambda: open_ledger(path, None, StillClock(NOW)), lambda ledger: scan(ledger, "f-1", 0))
    program = f"""
import resource
from sagadoctor.clock import StillClock
from sagadoctor.errors import LedgerError
from sagadoctor.ledger import open_ledger
from tests.ledger.build import NOW, finding, scan, using
resource.setrlimit(resource.RLIMIT_FSIZE, ({path.stat().st_size + 65536}, resource.RLIM_INFINITY))
many = [finding(f"f-{{number}}") for number in range(5000)]
try:
    using(lambda: open_ledger({str(path)!r}, None, StillClock(NOW)), lambda ledger: scan(ledger, many, 60))
except LedgerError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "can't be" in done.stdout, done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    again = using(lambda: open_ledger(path, None, StillClock(NOW)), lambda ledger: scan(ledger, "f-1", 120))
    assert again == ({"f-1": "ongoing"}, ())


def test_a_file_held_by_another_process_is_an_error_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.db"
    monkeypatch.setattr(sqlite, "_BUSY_SECONDS", 0.01)
    using(lambda: open_ledger(path, None, StillClock(NOW)), lambda ledger: scan(ledger, "f-1", 0))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "is held by another process" in refusal(path)


def test_a_file_held_for_a_moment_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.db"
    monkeypatch.setattr(sqlite, "_BUSY_SECONDS", 0.0)

    async def use(ledger: SqlLedger) -> None:
        ticket = await ledger.begin("cron", NOW, LEASE)
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            monkeypatch.setattr(
                "sagadoctor.ledger.line.time.sleep", lambda _: other.in_transaction and other.rollback()
            )
            standings = await ledger.compare(ticket, [finding("f-1")], after(1))
        assert list(standings) == ["f-1"]

    using(lambda: open_ledger(path, None, StillClock(NOW)), use)


def test_no_shared_memory_on_a_file_system_of_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "is_on_network", lambda path: True)
    connection = SqliteFile(tmp_path / "ledger.db").connect()
    assert connection.rows("PRAGMA journal_mode") == [("delete",)]
    connection.close()


def test_the_file_system_of_the_longest_mount_point_counts(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/vda / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n/dev/vdb /home/local\\040disk ext4 rw 0 0\nodd\n"
    )
    assert is_on_network(Path("/home/ann/.local/state/ledger.db"), mounts)
    assert not is_on_network(Path("/home/local disk/ledger.db"), mounts)
    assert not is_on_network(Path("/homes/ledger.db"), mounts)
    assert not is_on_network(Path("/var/ledger.db"), tmp_path / "none")
