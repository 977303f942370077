"""Canaries: no secret of the configuration, of a row or of an error text leaves by any way out."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Opened
from .running import Done, Home
from .stores import ago, row, step, stuck

PASSWORD = "pw-canary-7f3kq"
TOKEN = "tok-canary-81kdq"
CARD = "4111 1111 1111 1111"
MAIL = "canary@example.org"
ERROR = (
    f"https://app:{PASSWORD}@pay.example/?token={TOKEN}: card {CARD}, {MAIL}, "
    f"Authorization: Bearer {TOKEN}, password='{PASSWORD}'"
)
CANARIES = (PASSWORD, TOKEN, CARD, CARD.replace(" ", ""), MAIL, "canary")


def assert_silent(*texts: str | bytes) -> None:
    for text in texts:
        whole = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        for canary in CANARIES:
            assert canary not in whole, canary


@pytest.fixture
def home(opened: Opened) -> Home:
    """A store whose error texts, times, steps and payloads are full of secrets."""
    data = json.dumps({"reference": "A-1", "password": PASSWORD, "note": ERROR, "card": CARD, "email": MAIL})
    failed = [
        step("pay", "compensating", error=ERROR, executed_at=ago(minutes=61)),
        step("ship", "failed", error=ERROR),
    ]
    return opened(
        stuck("s", steps=failed, data=data),
        row("time", "compensating", updated_at=ERROR, data=data),
        row("steps", "compensating", steps=ERROR, data=data),
    )


@pytest.mark.parametrize("output", ["table", "json", "ndjson", "csv", "markdown", "nagios"])
def test_secrets_in_rows_leave_in_no_format(home: Home, output: str) -> None:
    log = home.folder / "log"
    done = home.call("scan", "-o", output, "-v", "--log-file", str(log))
    assert done.code in (1, 2)
    assert_silent(done.out, done.err, log.read_bytes())
    if output == "json":
        assert "«redacted»" in json.dumps(done.document, ensure_ascii=False)


def test_secrets_in_rows_are_not_shown(home: Home) -> None:
    for saga_id in ("s", "time", "steps"):
        for words in (("--payload",), ("--payload", "-o", "json")):
            done = home.call("show", saga_id, *words)
            assert done.code == 0
            assert_silent(done.out, done.err)


def test_secrets_in_rows_are_not_remembered(home: Home) -> None:
    home.call("scan")
    home.call("scan", "--by-group")
    kept = [path.read_bytes() for path in home.ledger.parent.iterdir()]
    assert kept
    assert_silent(*kept)


def test_a_check_tells_no_secret(home: Home) -> None:
    assert_silent(home.call("check").out, home.call("check", "-o", "json").out)


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def postgres(folder: Path, port: int, password: str) -> Home:
    config = folder / "pg.toml"
    config.write_text(
        "config_version = 1\n[stores.far]\nplugin = 'sql'\npreset = 'saga-template'\n"
        f"url = 'postgresql+psycopg://app@127.0.0.1:{port}/orders'\npassword = {password}\n"
    )
    return Home(folder, config, {"SAGA_PW": PASSWORD})


def all_ways(home: Home) -> list[Done]:
    log = home.folder / "log"
    runs = [
        ("scan", "-o", "json", "-v", "--timeout", "2s", "--log-file", str(log)),
        ("check", "--timeout", "2s"),
        ("show", "x", "--timeout", "2s"),
        ("config", "show"),
        ("config", "show", "-o", "json"),
        ("config", "validate"),
    ]
    done = [home.call(*words) for words in runs]
    assert_silent(log.read_bytes(), *(part for each in done for part in (each.out, each.err)))
    return done


@pytest.mark.parametrize("password", ["{ env = 'SAGA_PW' }", "{ file = 'pw' }", "{ cmd = ['cat', 'pw'] }"])
def test_a_password_of_the_configuration_leaves_by_no_way(tmp_path: Path, closed_port: int, password: str) -> None:
    secret = tmp_path / "pw"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    home = postgres(tmp_path, closed_port, password.replace("'pw'", f"'{secret}'"))
    (tmp_path / "pg.toml").chmod(0o600)
    scan, check, show, *rest = all_ways(home)
    assert (scan.code, check.code, show.code) == (3, 3, 3), scan.said
    assert [each.code for each in rest] == [0, 0, 0], rest
    assert "127.0.0.1" in scan.text


def test_a_password_in_a_url_is_refused_without_being_repeated(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(
        "config_version = 1\n[stores.far]\nplugin = 'sql'\npreset = 'saga-template'\n"
        f"url = 'postgresql+psycopg://app:{PASSWORD}@127.0.0.1/orders'\n[ledger]\nurl = 'postgresql://l:{TOKEN}@h/l'\n"
    )
    for words in (["scan"], ["config", "show"], ["config", "validate"]):
        done = Home(tmp_path, config).call(*words)
        assert done.code == 2
        assert "stores.far.url" in done.said
        assert_silent(done.out, done.err)


def test_a_literal_password_is_refused_without_being_repeated(tmp_path: Path, closed_port: int) -> None:
    done = postgres(tmp_path, closed_port, f"'{PASSWORD}'").call("config", "validate")
    assert done.code == 2
    assert_silent(done.out, done.err)


def test_a_missing_secret_is_named_by_its_place(tmp_path: Path, closed_port: int) -> None:
    done = postgres(tmp_path, closed_port, "{ env = 'NOT_SET' }").call("scan")
    assert done.code == 2
    assert "NOT_SET" in done.said
    assert_silent(done.out, done.err)


@pytest.mark.slow
def test_no_process_shows_a_secret_while_it_runs(tmp_path: Path, silent_server: int) -> None:
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("no /proc here")
    process = postgres(tmp_path, silent_server, "{ env = 'SAGA_PW' }").begin("scan", "--timeout", "1s")
    seen: set[bytes] = set()
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        seen |= {_line(each) for each in (process.pid, *_children(process.pid))}
        time.sleep(0.05)
    out, err = process.communicate(timeout=30)
    assert any(b"scan" in line for line in seen)
    assert_silent(*seen, out, err)
    assert process.returncode == 3


def _line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _children(pid: int) -> list[int]:
    try:
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(each) for each in told.split()]


def test_the_canaries_would_be_seen(home: Home) -> None:
    """Guard the guard: what is held back here is really in the store."""
    held = subprocess.run(["cat", str(home.folder / "orders.db")], capture_output=True, check=True).stdout
    with pytest.raises(AssertionError):
        assert_silent(held)
