"""Servers that aren't there, aren't what they should be, or never come to an end: an error of ours, and in time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sagadoctor.api.v1 import BackendError, Deadline, DeadlineExceeded, SystemClock, Unreachable, WrongService

from .opening import open_store

pytestmark = pytest.mark.slow

ENGINES = ("postgresql+psycopg", "mariadb+pymysql")
SECRET = "S3cret-word"


class Impostor:
    """Listens, and does with each connection what it was told."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._quietly, args=(connection,), daemon=True).start()

    def _quietly(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._serve(connection)

    def close(self) -> None:
        for each in (self._socket, *self._open):
            each.close()


def silent(connection: socket.socket) -> None:
    """Accept, and never say anything."""
    while connection.recv(4096):
        pass


def web(connection: socket.socket) -> None:
    """A web server that was asked something strange."""
    connection.settimeout(0.3)
    with contextlib.suppress(TimeoutError):
        connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>Bad Request</html>")
    connection.close()


def secure_shell(connection: socket.socket) -> None:
    """A server that speaks first, and of something else."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    time.sleep(0.2)
    connection.close()


def drip(connection: socket.socket) -> None:
    """A packet that never ends, a byte at a time."""
    start = b"\xff\xff\x00\x00\x0a5.5.5-10.11" if connection.getsockname()[1] else b""
    for byte in start + b"N" * 10_000:
        connection.sendall(bytes([byte]))
        time.sleep(0.1)


def hang_up(connection: socket.socket) -> None:
    """Accept, and close at once."""
    connection.close()


@pytest.fixture
def impostor(request: pytest.FixtureRequest) -> Iterator[Impostor]:
    made = Impostor(request.param)
    yield made
    made.close()


def ask(url: str, seconds: float = 1.0) -> tuple[BackendError, float]:
    """The error that a question ends with, and how long that took with all that belongs to the event loop."""
    store = open_store(url, {"preset": "saga-template"})

    async def work() -> BackendError:
        try:
            await store.fetch(["s-1"], Deadline.after(SystemClock(), seconds))
        except BackendError as error:
            return error
        finally:
            await store.close()
        raise AssertionError("it was answered")

    began = time.monotonic()
    error = asyncio.run(work())
    took = time.monotonic() - began
    assert error.source == "orders"
    assert SECRET not in f"{error} {error.__cause__!r} {error.__context__!r}"
    return error, took


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@pytest.mark.parametrize("engine", ENGINES)
def test_row_77_a_refused_connection(engine: str) -> None:
    error, took = ask(f"{engine}://sd:{SECRET}@127.0.0.1:{free_port()}/shop", 10)
    assert type(error) is Unreachable
    assert "refused" in error.reason
    assert took < 3


@pytest.mark.parametrize("engine", ENGINES)
def test_row_77_a_name_that_does_not_resolve(engine: str) -> None:
    error, _ = ask(f"{engine}://sd:{SECRET}@no-such-host.invalid/shop", 10)
    assert type(error) in (Unreachable, DeadlineExceeded)
    assert "no-such-host.invalid" in error.reason or type(error) is DeadlineExceeded


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("impostor", [silent], indirect=True)
def test_row_79_a_server_that_says_nothing(engine: str, impostor: Impostor) -> None:
    error, took = ask(f"{engine}://sd:{SECRET}@127.0.0.1:{impostor.port}/shop", 0.7)
    assert type(error) is DeadlineExceeded
    assert took < 2.5


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("impostor", [drip], indirect=True)
def test_row_82_a_byte_at_a_time(engine: str, impostor: Impostor) -> None:
    error, took = ask(f"{engine}://sd:{SECRET}@127.0.0.1:{impostor.port}/shop", 1.0)
    assert type(error) in (DeadlineExceeded, WrongService)
    assert took < 3


@pytest.mark.parametrize("impostor", [web, secure_shell], indirect=True)
def test_row_83_something_else_than_postgresql(impostor: Impostor) -> None:
    error, _ = ask(f"postgresql+psycopg://sd:{SECRET}@127.0.0.1:{impostor.port}/shop", 10)
    assert type(error) is WrongService
    assert error.reason == f"127.0.0.1:{impostor.port} answers, but it is not PostgreSQL"


@pytest.mark.parametrize("impostor", [web, secure_shell], indirect=True)
def test_row_83_something_else_than_mariadb(impostor: Impostor) -> None:
    error, _ = ask(f"mariadb+pymysql://sd:{SECRET}@127.0.0.1:{impostor.port}/shop", 10)
    assert type(error) is WrongService
    assert error.reason == f"127.0.0.1:{impostor.port} answers, but it is not MariaDB or MySQL"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("impostor", [hang_up], indirect=True)
def test_row_78_a_server_that_hangs_up(engine: str, impostor: Impostor) -> None:
    error, took = ask(f"{engine}://sd:{SECRET}@127.0.0.1:{impostor.port}/shop", 10)
    assert isinstance(error, BackendError)
    assert took < 8


def test_row_77_a_file_that_is_not_there(tmp_path: object) -> None:
    error, _ = ask(f"sqlite:///{tmp_path}/nothing.db")
    assert type(error) is Unreachable
    assert f"{tmp_path}/nothing.db" in error.reason
    from pathlib import Path

    assert not Path(f"{tmp_path}/nothing.db").exists()


def test_row_83_a_file_that_is_no_database(tmp_path: object) -> None:
    from pathlib import Path

    Path(f"{tmp_path}/text.db").write_text("not a database at all\n" * 100)
    error, _ = ask(f"sqlite:///{tmp_path}/text.db")
    assert type(error) is WrongService
