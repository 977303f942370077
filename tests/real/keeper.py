"""One process that holds the servers which a test run shares, and ends everything when the run ends.

pytest starts it (the controller, when there are xdist workers) and keeps its standard input open. A worker
that needs a server asks for it over a socket; the first one who asks makes it start. When pytest ends, in
whatever way, the standard input is closed: then the keeper stops its servers, kills every process that still
works in the run's folder (tests start private servers of their own), and deletes the folder.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.real import provide, servers

VARIABLE = "SAGADOCTOR_TEST_RUN"  # the run's folder, for workers and for pytest runs inside a test
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Address:
    """A shared server: it can be used, and must not be disturbed. Its databases are made by `attach`."""

    service: str
    host: str
    port: int
    pid: int
    version: str


# --- the side of the tests ------------------------------------------------------------------------------------


def run_dir() -> Path:
    """The folder of this test run; the first call makes it and starts the keeper."""
    if (known := os.environ.get(VARIABLE)) and Path(known).is_dir():
        return Path(known)
    folder = Path(tempfile.mkdtemp(prefix="sagadoctor-test-", dir=_reachable_temp()))
    folder.chmod(0o755)  # servers run as another user
    os.environ[VARIABLE] = str(folder)
    with (folder / "keeper.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.real.keeper", str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    atexit.register(_finish, process)
    return folder


def _reachable_temp() -> str:
    """Memory where there is plenty (a database is made four times as quickly), else the temp folder.

    Not a temp folder that the user servers run as can't enter, nor one so deep that a socket's path is too long.
    """
    memory = Path("/dev/shm")
    if "TMPDIR" not in os.environ and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4 << 30:
        return str(memory)
    folder = Path(tempfile.gettempdir()).resolve()
    closed = os.geteuid() == 0 and any(not p.stat().st_mode & 0o001 for p in (folder, *folder.parents))
    return "/tmp" if closed or len(str(folder)) > 60 else str(folder)


def _finish(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(30)


def ask(service: str) -> Address:
    """The address of a shared server. Raises ServiceMissingError or ServerError."""
    path = run_dir() / "keeper.sock"
    deadline = time.monotonic() + 20
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(120)
        while True:
            try:
                client.connect(str(path))
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    log = (path.parent / "keeper.log").read_text()[-2000:]
                    raise servers.ServerError(f"the keeper of {path.parent} does not answer: {error}; {log}") from None
                time.sleep(0.02)
        client.sendall(f"{service}\n".encode())
        with client.makefile() as answers:
            answer = json.loads(answers.readline())
    if "missing" in answer:
        raise provide.ServiceMissingError(answer["missing"])
    if "failed" in answer:
        raise servers.ServerError(answer["failed"])
    return Address(**answer)


# --- the keeper itself ----------------------------------------------------------------------------------------

_libc = ctypes.CDLL(None)


def _die_with_keeper() -> None:
    pr_set_pdeathsig = 1
    _libc.prctl(pr_set_pdeathsig, signal.SIGKILL)


class Keeper:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[str, servers.Server] = {}
        self.answers: dict[str, dict[str, object]] = {}

    def serve(self) -> None:
        """Answers until standard input is closed."""
        with selectors.DefaultSelector() as selector, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.folder / "keeper.sock"))
            listener.listen(64)
            selector.register(listener, selectors.EVENT_READ)
            selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is not listener:
                        return
                    with contextlib.suppress(OSError):
                        self._answer(listener.accept()[0])

    def _answer(self, connection: socket.socket) -> None:
        # One after the other: so a server is started once, and by the thread that lives as long as the keeper.
        with connection, connection.makefile("rw") as stream:
            service = stream.readline().strip()
            if service not in self.answers:
                self.answers[service] = self._start(service)
            stream.write(json.dumps(self.answers[service]) + "\n")

    def _start(self, service: str) -> dict[str, object]:
        try:
            server = servers.KINDS[service](self.folder, preexec=_die_with_keeper)
            version = server.found.version()
            server.start()
        except provide.ServiceMissingError as error:
            return {"missing": str(error)}
        except Exception as error:  # noqa: BLE001  (the test that asked reports it)
            return {"failed": f"{type(error).__name__}: {error}"}
        self.running[service] = server
        assert server.pid is not None
        return asdict(Address(service, server.host, server.port, server.pid, version))

    def close(self) -> None:
        with contextlib.suppress(Exception):
            for server in self.running.values():
                server.stop()
        left = _working_in(self.folder)
        servers.send(left, signal.SIGKILL)
        servers.wait_gone(left, 5)
        servers.release_shared_memory(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


def _working_in(folder: Path) -> list[int]:
    """The processes whose working folder is the run's folder or lies below it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                where = os.readlink(entry / "cwd").removesuffix(" (deleted)")
                if Path(where).is_relative_to(folder):
                    found.append(int(entry.name))
    return found


def main(folder: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    keeper = Keeper(Path(folder))
    try:
        keeper.serve()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        keeper.close()


if __name__ == "__main__":
    main(sys.argv[1])
