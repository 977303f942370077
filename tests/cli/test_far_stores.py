"""Stores behind a network that fails in one way or another: each is said with its reason, and none holds us up."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .running import Home

Reply = Callable[[socket.socket], None]


@pytest.fixture
def serving() -> Iterator[Callable[[Reply], int]]:
    """Return what serves a port by one function, each connection in its turn."""
    servers: list[socket.socket] = []

    def serve(reply: Reply) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                    reply(connection)
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        return int(server.getsockname()[1])

    yield serve
    for server in servers:
        server.close()


def far(folder: Path, kind: str, port: int) -> Home:
    config = folder / "far.toml"
    url = f"{kind}://app@127.0.0.1:{port}/orders"
    config.write_text(f"config_version = 1\n[stores.far]\nplugin = 'sql'\npreset = 'saga-template'\nurl = '{url}'\n")
    return Home(folder, config)


def http(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nServer: \x1b[31mnginx\r\n\r\n")
    connection.recv(1000)
    connection.close()


def kept_waiting(connection: socket.socket, kept: list[socket.socket] = []) -> None:  # noqa: B006 - kept open on purpose
    kept.append(connection)


@pytest.mark.parametrize("kind", ["postgresql+psycopg", "mysql+pymysql"])
def test_another_service_on_the_port(tmp_path: Path, serving: Callable[[Reply], int], kind: str) -> None:
    home = far(tmp_path, kind, serving(http))
    done = home.call("scan", "-o", "json", "--timeout", "5s")
    assert done.code == 3
    assert done.document["complete"] is False
    assert done.document["summary"]["sagas"] == 0
    assert "127.0.0.1" in done.document["blind_spots"][0]["reason"]
    for words in (("scan",), ("check",), ("show", "x")):
        other = home.call(*words, "--timeout", "5s")
        assert other.code == 3
        assert "\x1b" not in other.text + other.said
        assert "Traceback" not in other.said


@pytest.mark.parametrize("kind", ["postgresql+psycopg", "mysql+pymysql"])
def test_nobody_on_the_port(tmp_path: Path, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    done = far(tmp_path, kind, port).call("scan", "--timeout", "5s")
    assert done.code == 3
    assert "NOT SEEN  far: " in done.text
    assert done.text.endswith("no saga was read; INCOMPLETE\n")


@pytest.mark.parametrize("kind", ["postgresql+psycopg", "mysql+pymysql"])
def test_a_server_that_never_answers(tmp_path: Path, serving: Callable[[Reply], int], kind: str) -> None:
    home = far(tmp_path, kind, serving(kept_waiting))
    began = time.monotonic()
    done = home.run("scan", "-o", "nagios", "--timeout", "1s")
    assert time.monotonic() - began < 20
    assert done.code == 3
    assert done.text.startswith("SAGAS UNKNOWN - 0 critical, 0 warning in 0 sagas, INCOMPLETE (far)")
