"""Starts, stops, hangs and kills real servers, as an ordinary user, on 127.0.0.1, in a temp folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.real import provide

HOST = "127.0.0.1"
READY_SECONDS = 60.0
STOP_SECONDS = 15.0


class ServerError(Exception):
    """A server that does not do what it was told. The text ends with what the server logged."""


# --- processes ------------------------------------------------------------------------------------------------


def server_user() -> dict[str, Any]:
    """subprocess arguments that give up root: PostgreSQL and MariaDB refuse to run as root."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def give_to_server_user(path: Path) -> None:
    if os.geteuid() == 0:
        entry = pwd.getpwnam("nobody")
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _parents() -> dict[int, int]:
    """Every process that is not a zombie, and its parent."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    found[int(entry.name)] = int(parent)
    return found


def family(pid: int) -> list[int]:
    """A process and everything it started, the oldest first."""
    parents = _parents()
    found = [pid] if pid in parents else []
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def wait_gone(pids: list[int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(pid in _parents() for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def release_shared_memory(folder: Path) -> None:
    """Removes the segments of PostgreSQL servers below `folder` that were killed: the kernel keeps those."""
    for pid_file in folder.glob("**/data/postmaster.pid"):
        with contextlib.suppress(OSError, IndexError):
            number = pid_file.read_text().splitlines()[6].split()[1]
            subprocess.run(["ipcrm", "-m", number], stderr=subprocess.DEVNULL, check=False)


def free_port() -> int:
    """A free port below the range that outgoing connections take theirs from, so that a restart finds it free."""
    for port in random.sample(range(20000, 32000), 200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise ServerError("no free port between 20000 and 32000 on 127.0.0.1")


# --- servers --------------------------------------------------------------------------------------------------


class Server(ABC):
    """A server process with a data folder below `run_dir`. `.pid` is None while it does not run."""

    service: str
    stop_signal = signal.SIGTERM
    host = HOST

    def __init__(self, run_dir: Path, preexec: Callable[[], None] | None = None) -> None:
        self.found = provide.find(self.service)
        self.run_dir = run_dir
        self.home = run_dir / f"{self.service}-{uuid.uuid4().hex[:8]}"
        self.data = self.home / "data"
        self.log = self.home / "server.log"
        self.port = 0
        self._preexec = preexec
        self._process: subprocess.Popen[bytes] | None = None

    # what a kind of server must say

    @abstractmethod
    def _prepare(self, data: Path) -> None:
        """Makes an empty data folder; done once per run and then copied."""

    @abstractmethod
    def _command(self) -> list[str | Path]:
        """The program and its arguments."""

    @abstractmethod
    def _probe(self) -> None:
        """Raises while the server does not answer."""

    # what tests call

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Starts the server, on the port it had before, and returns when it answers."""
        if self.pid:
            return
        if not self.data.exists():
            self.home.mkdir(mode=0o755)
            give_to_server_user(self.home)
            self._run(["cp", "-a", "--reflink=auto", self._template(), self.data])
        choose = self.port == 0  # after a crash it must be the same port: clients come back to it
        for attempt in (1, 2, 3):
            if choose:
                self.port = free_port()
            try:
                self._start_once()
            except ServerError:
                if not choose or attempt == 3 or not self._port_was_taken():
                    raise
            else:
                return

    def stop(self) -> None:
        """Stops the server in good order."""
        if self._process is None:
            return
        pids = family(self._process.pid)
        send(pids, signal.SIGCONT)
        send(pids[:1], self.stop_signal)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        wait_gone(pids, STOP_SECONDS)

    def kill(self) -> None:
        """Ends all its processes at once, as a crash does. `start` then recovers."""
        if self._process is None:
            return
        pids = family(self._process.pid)
        send(pids, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)
        wait_gone(pids, STOP_SECONDS)

    def pause(self) -> None:
        """Hangs the server: connections stay open and new ones are accepted by the kernel, nothing answers."""
        assert self._process is not None
        stopped: list[int] = []
        # Its parent first, then whatever that had started in the meantime.
        while fresh := [pid for pid in family(self._process.pid) if pid not in stopped]:
            send(fresh, signal.SIGSTOP)
            stopped += fresh

    def resume(self) -> None:
        assert self._process is not None
        send(family(self._process.pid)[::-1], signal.SIGCONT)

    def remove(self) -> None:
        """Stops the server and deletes its data."""
        self.stop()
        release_shared_memory(self.home)
        shutil.rmtree(self.home, ignore_errors=True)

    # how

    def _environment(self) -> dict[str, str]:
        # Nothing of the caller's: PG* and MYSQL* variables would change what the programs do.
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "GMT", "HOME": str(self.run_dir)}

    def _run(self, command: list[str | Path], timeout: float = 60) -> None:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment(),
            cwd=self.run_dir,
            timeout=timeout,
            check=False,
            **server_user(),
        )
        if done.returncode:
            raise ServerError(f"{command[0]} failed: {done.stdout.decode(errors='replace')[-2000:]}")

    def _template(self) -> Path:
        """An empty data folder, made once per run: copying it is much quicker than making one."""
        folder = self.run_dir / f"{self.service}-template"
        with (self.run_dir / f"{self.service}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "ready").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(mode=0o755)
                give_to_server_user(folder)
                self._prepare(folder / "data")
                (folder / "ready").touch()
        return folder / "data"

    def _start_once(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                cwd=self.home,
                start_new_session=True,  # Ctrl-C in the terminal must reach pytest only
                preexec_fn=self._preexec,  # noqa: PLW1509  (given only by the keeper, which has one thread)
                **server_user(),
            )
        deadline = time.monotonic() + READY_SECONDS
        while True:
            ended = self._process.poll() is not None
            try:
                if not ended:
                    self._probe()
                    ended = self._process.poll() is not None  # else another server answers on that port
                    if not ended:
                        return
            except Exception as error:  # noqa: BLE001  (any driver's idea of "not yet")
                problem = f"does not answer: {error}"
            if ended:
                raise ServerError(f"{self.service} ended at start: {self._log_end()}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServerError(f"{self.service} {problem}: {self._log_end()}")
            time.sleep(0.02)

    def _port_was_taken(self) -> bool:
        return self.log.exists() and b"address already in use" in self.log.read_bytes().lower()

    def _log_end(self) -> str:
        """What the log says is wrong, or else its last lines."""
        lines = self.log.read_text(errors="replace").splitlines()[-30:] if self.log.exists() else ["(no log)"]
        wrong = [line for line in lines if re.search("error|fatal|panic", line, re.IGNORECASE)]
        return " / ".join(wrong or lines[-5:])


class SqlServer(Server):
    """A server with databases; `database_url` makes a fresh one in a few hundredths of a second."""

    user = "sd"
    password = "sd"

    @abstractmethod
    def connect(self, database: str = "") -> Any:
        """A driver connection in autocommit mode."""

    @abstractmethod
    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""

    @abstractmethod
    def drop(self, database: str) -> None:
        """Drops a database even when it is in use."""

    create = "create database {}"

    def _probe(self) -> None:
        self.connect().close()

    def execute(self, *statements: str, database: str = "") -> None:
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()

    def fresh_database(self) -> str:
        name = f"t_{uuid.uuid4().hex[:12]}"
        self.execute(self.create.format(name))
        return name

    def database_url(self) -> str:
        """The URL of a new, empty database."""
        return self.url(self.fresh_database())


class PostgresServer(SqlServer):
    service = "postgresql"
    stop_signal = signal.SIGINT  # "fast": does not wait for clients

    def _prepare(self, data: Path) -> None:
        options = ["-U", self.user, "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8"]
        self._run([self.found.programs["initdb"], "-D", data, *options])

    def _command(self) -> list[str | Path]:
        settings = {
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            # No fsync: only a crash of the machine may lose data. But what was committed has been written when a
            # test kills the server, hence synchronous_commit stays on.
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "16MB",
            "jit": "off",
            "max_connections": "100",
            "max_wal_size": "64MB",
            "min_wal_size": "32MB",
            "dynamic_shared_memory_type": "mmap",  # in the data folder: nothing is left in /dev/shm after a kill
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [self.found.programs["postgres"], "-D", self.data, "-p", str(self.port), *options]

    def connect(self, database: str = "") -> Any:
        import psycopg

        return psycopg.connect(
            host=HOST,
            port=self.port,
            user=self.user,
            dbname=database or "postgres",
            connect_timeout=5,
            autocommit=True,
        )

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{self.user}@{HOST}:{self.port}/{database}"

    def drop(self, database: str) -> None:
        self.execute(f"drop database if exists {database} with (force)")


class MariaDBServer(SqlServer):
    service = "mariadb"
    create = "create database {} character set utf8mb4"

    def _prepare(self, data: Path) -> None:
        self._run(
            [
                self.found.programs["mariadb-install-db"],
                "--no-defaults",
                f"--basedir={self._base()}",
                f"--datadir={data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--innodb-log-file-size=8M",
                "--innodb-flush-method=nosync",
            ]
        )
        init = data.parent / "init.sql"
        init.write_text(
            f"create user if not exists '{self.user}'@'%' identified by '{self.password}';\n"
            f"grant all on *.* to '{self.user}'@'%' with grant option;\n"
        )
        init.chmod(0o644)

    def _base(self) -> Path:
        return self.found.programs["mariadbd"].parent.parent

    def _command(self) -> list[str | Path]:
        options = (
            f"--basedir={self._base()}",
            f"--datadir={self.data}",
            f"--bind-address={HOST}",
            f"--port={self.port}",
            f"--socket={self.home}/s",
            f"--pid-file={self.home}/pid",
            f"--init-file={self._template().parent}/init.sql",
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=16M",
            "--innodb-log-file-size=8M",
            "--innodb-flush-method=nosync",
            "--innodb-flush-log-at-trx-commit=2",  # written at each commit, so that a killed server has it
            "--innodb-doublewrite=0",
            "--performance-schema=OFF",
            "--character-set-server=utf8mb4",
            "--skip-ssl",
        )
        return [self.found.programs["mariadbd"], "--no-defaults", *options]

    def connect(self, database: str = "") -> Any:
        import pymysql

        return pymysql.connect(
            host=HOST,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database or None,
            charset="utf8mb4",
            connect_timeout=5,
            autocommit=True,
        )

    def url(self, database: str) -> str:
        login = f"{self.user}:{self.password}"
        return f"mysql+pymysql://{login}@{HOST}:{self.port}/{database}?charset=utf8mb4"

    def drop(self, database: str) -> None:
        # A metadata lock of a forgotten connection would block the drop: end the others first.
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute("select id from information_schema.processlist where db = %s", (database,))
                for (number,) in cursor.fetchall():
                    with contextlib.suppress(Exception):
                        cursor.execute(f"kill {number}")
                cursor.execute(f"drop database if exists {database}")
        finally:
            connection.close()


KINDS: dict[str, type[Server]] = {kind.service: kind for kind in (PostgresServer, MariaDBServer)}
