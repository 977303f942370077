"""What is run and measured: a private PostgreSQL, psql, the console script, and the reading alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Figures, process
from tests.real import servers

PROGRAM = [str(Path(sys.executable).with_name("sagadoctor"))]
"""The console script, as cron calls it."""


@contextmanager
def postgres(folder: Path) -> Iterator[servers.PostgresServer]:
    """Give a server of our own, with the memory that one for sagas would have."""
    server = servers.PostgresServer(folder)
    server.start()
    try:
        server.execute(
            "alter system set shared_buffers = '512MB'",
            "alter system set max_wal_size = '4GB'",
            "alter system set work_mem = '16MB'",
        )
        server.stop()
        server.start()
        yield server
    finally:
        server.remove()


def program(server: servers.PostgresServer, name: str) -> str:
    """Return the path of a client program of this server's version."""
    beside = Path(server.found.programs["postgres"]).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is needed beside postgres ({beside.parent}) or on PATH")
    return found


def psql(server: servers.PostgresServer, database: str) -> list[str]:
    """Return the command that psql is called with, without what it shall do."""
    address = ["-h", server.host, "-p", str(server.port), "-U", server.user, database]
    return [program(server, "psql"), "-X", "-q", *address]


def milliseconds(figures: Figures) -> str:
    """Return the median and the spread, for people."""
    return f"{figures.median * 1000:.0f} ms ({figures.spread})"


def scan(config: Path, *options: str) -> Figures:
    """Run a whole scan."""
    return process([*PROGRAM, "--config", config, "--timeout", "10m", "scan", "-o", "ndjson", *options], codes=(0, 1))


def decoded(config: Path) -> Figures:
    """Read the store into facts, connection open and imports done."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.decode", str(config), "1"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return Figures([float(line.split()[0]) for line in done.stdout.splitlines()], [0.0])
