"""A database that dies or hangs in the middle of a scan: what was read is told, what was not is said, and in time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .servers import MariaDBServer, PostgresServer, SqlServer

STUCK = 60_000
_TABLE = (
    "create table sagas (saga_id varchar(64) primary key, saga_type varchar(80) not null, state varchar(40) not null,"
    " current_step int not null, data {json} not null, steps {json} not null, created_at timestamp not null,"
    " updated_at timestamp not null)"
)
_STEPS = (
    '[{"name":"pay","action":"Pay","compensation":"Refund","status":"executing","timeout_at":"2026-01-01T00:00:00"}]'
)


def _fill(server: SqlServer) -> str:
    """Make a table of stuck sagas, many pages long; return the database's name."""
    database = server.fresh_database()
    if isinstance(server, PostgresServer):
        make, text, numbers = (
            _TABLE.format(json="jsonb"),
            "'s-' || lpad(n::text, 8, '0')",
            f"generate_series(1, {STUCK}) n",
        )
    else:
        make, text, numbers = (
            _TABLE.format(json="json"),
            "concat('s-', lpad(n, 8, '0'))",
            f"(select seq as n from seq_1_to_{STUCK}) s",
        )
    rows = (
        f"insert into sagas select {text}, 'Order', 'pending', 0, '{{}}', '{_STEPS}', '2026-01-01 00:00:00',"
        f" '2026-01-01 00:00:00' from {numbers}"
    )
    server.execute(make, rows, "create index by_state on sagas (state, updated_at)", database=database)
    return database


def _config(folder: Path, server: SqlServer, database: str) -> Path:
    url, secret = server.url(database), ""
    if isinstance(server, MariaDBServer):
        url = url.replace(f":{server.password}@", "@")
        secret = 'password = { env = "FAULT_PW" }\n'
    config = folder / "fault.toml"
    config.write_text(
        f'config_version = 1\n[environment]\nname = "test"\n[stores.orders]\nplugin = "sql"\nurl = "{url}"\n{secret}'
        f'preset = "saga-template"\n[ledger]\nurl = "sqlite:///{folder}/ledger.db"\n'
    )
    return config


def _scan(config: Path, *options: str, timeout: str = "20s") -> subprocess.Popen[bytes]:
    """Start a scan; its stderr goes to a file beside the configuration, so that reading line by line can't block it."""
    command = [
        sys.executable,
        "-m",
        "sagadoctor",
        "--config",
        str(config),
        "--timeout",
        timeout,
        "scan",
        "-o",
        "ndjson",
    ]
    with config.with_name("stderr").open("wb") as talk:
        return subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=talk, env={**os.environ, "FAULT_PW": "sd"}
        )


def _rest(process: subprocess.Popen[bytes], folder: Path) -> tuple[list[dict[str, Any]], str]:
    assert process.stdout is not None
    out = process.stdout.read()  # what readline() has buffered is lost to communicate()
    process.wait(timeout=60)
    return [json.loads(line) for line in out.splitlines()], (folder / "stderr").read_text()


@pytest.fixture(params=["private_postgres", "private_mariadb"])
def server(request: pytest.FixtureRequest) -> SqlServer:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, SqlServer)
    return found


def test_a_database_killed_in_mid_scan_leaves_its_findings_and_a_blind_spot(server: SqlServer, tmp_path: Path) -> None:
    config = _config(tmp_path, server, _fill(server))
    process = _scan(config)
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())  # the pipe is small: the scan waits for us in its first pages
    server.kill()
    rest, said = _rest(process, tmp_path)
    end = rest[-1]
    assert first["rule"] == "step-timed-out"
    assert process.returncode == 1, said
    assert end["complete"] is False
    assert [spot["source"] for spot in end["blind_spots"]] == ["orders"]
    assert 0 < end["scanned"]["sagas"] < STUCK
    assert end["resolved"] == []
    assert "Traceback" not in said


def test_a_database_that_is_not_there_is_incomplete_and_says_so(server: SqlServer, tmp_path: Path) -> None:
    config = _config(tmp_path, server, _fill(server))
    server.kill()
    process = _scan(config)
    lines, said = _rest(process, tmp_path)
    assert process.returncode == 3, said
    assert lines[-1]["complete"] is False
    assert lines[-1]["findings"] if "findings" in lines[-1] else len(lines) == 1
    assert "orders" in said
    assert "Traceback" not in said


def test_a_database_that_hangs_is_left_within_its_deadline(server: SqlServer, tmp_path: Path) -> None:
    config = _config(tmp_path, server, _fill(server))
    server.pause()
    try:
        started = time.monotonic()
        process = _scan(config, timeout="3s")
        lines, said = _rest(process, tmp_path)
        seconds = time.monotonic() - started
    finally:
        server.resume()
    assert process.returncode == 3, said
    assert lines[-1]["complete"] is False
    assert seconds < 15  # 3 s, the grace to let go, and a slow machine's start


def test_a_database_that_hangs_in_mid_scan_is_left_within_its_deadline(server: SqlServer, tmp_path: Path) -> None:
    config = _config(tmp_path, server, _fill(server))
    process = _scan(config, timeout="5s")
    assert process.stdout is not None
    process.stdout.readline()
    server.pause()
    try:
        started = time.monotonic()
        rest, said = _rest(process, tmp_path)
        seconds = time.monotonic() - started
    finally:
        server.resume()
    assert process.returncode == 1, said
    assert rest[-1]["complete"] is False
    assert seconds < 20
