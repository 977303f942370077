"""`python -m benchmarks [postgresql] [sqlite] [gentle] [init]`: prints a table of ratios; SCALE is how many sagas."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import sagas, unmapped
from benchmarks.measure import HEADER, Figures, Row, bare_import, interleaved, process
from tests.real import servers

SCALE = int(os.environ.get("SCALE", "500000"))
ROUNDS = int(os.environ.get("ROUNDS", "7"))
LIVE = (10_000, 100_000)
STUCK = 2_000
_SCAN = [str(Path(sys.executable).with_name("sagadoctor"))]
"""The console script, as cron calls it."""


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


@contextmanager
def _postgres(folder: Path) -> Iterator[servers.PostgresServer]:
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


def _program(server: servers.PostgresServer, name: str) -> str:
    beside = Path(server.found.programs["postgres"]).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is needed beside postgres ({beside.parent}) or on PATH")
    return found


def _ms(figures: Figures) -> str:
    return f"{figures.median * 1000:.0f} ms ({figures.spread})"


def _scan(config: Path, *options: str) -> Figures:
    return process([*_SCAN, "--config", config, "--timeout", "10m", "scan", "-o", "ndjson", *options], codes=(0, 1))


def _decoded(config: Path) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.decode", str(config), "1"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return [float(line.split()[0]) for line in done.stdout.splitlines()]


def postgresql(folder: Path) -> list[Row]:
    """Scan beside psql COPY, at 10,000 and at 100,000 live sagas."""
    rows: list[Row] = []
    memory: dict[int, float] = {}
    with _postgres(folder) as server:
        database = server.fresh_database()
        psql = [
            _program(server, "psql"),
            "-X",
            "-q",
            "-h",
            server.host,
            "-p",
            str(server.port),
            "-U",
            server.user,
            database,
        ]
        for live in (STUCK, *LIVE):
            table = f"sagas_{live}"
            _say(f"making {table}: {max(SCALE, live)} sagas, {live} live, {min(STUCK, live)} stuck")
            total, stuck = max(SCALE, live), min(STUCK, live)
            rows_of = sagas.postgres_statements(table, total=total, live=live, stuck=stuck)
            server.execute(*rows_of, database=database)
            config = folder / f"{table}.toml"
            config.write_text(sagas.configuration(server.url(database), table, folder / f"{table}-ledger.db"))
            if live == STUCK:
                memory[live] = interleaved(3, scan=lambda config=config: _scan(config))["scan"].memory
                server.execute(f"drop table {table}", database=database)
                continue
            copy = (
                "copy (select saga_id, saga_type, state, current_step, data->>'order_id', steps, created_at, "
                f"updated_at from {table} where state in ('started', 'pending', 'compensating')) to stdout"
            )
            got = interleaved(
                ROUNDS,
                bare=lambda: process(bare_import()),
                copy=lambda copy=copy: process([*psql, "-c", copy]),
                scan=lambda config=config: _scan(config),
                decode=lambda config=config: Figures(_decoded(config), [0.0]),
            )
            server.execute(f"drop table {table}", database=database)
            memory[live] = got["scan"].memory
            allowed = got["bare"].median + 3 * got["copy"].median
            rows.append(
                Row(
                    f"PostgreSQL, {live:,} live of {max(SCALE, live):,}: "
                    "whole `scan -o ndjson` / (bare import + 3 x psql COPY)",
                    got["scan"].median / allowed,
                    1.0,
                    f"scan {_ms(got['scan'])}, bare import {_ms(got['bare'])}, COPY {_ms(got['copy'])}",
                )
            )
            rows.append(
                Row(
                    f"PostgreSQL, {live:,} live: query and decoding into facts / psql COPY",
                    got["decode"].median / got["copy"].median,
                    1.5,
                    _ms(got["decode"]),
                )
            )
    rows.append(
        Row(
            f"PostgreSQL: peak memory at {LIVE[1]:,} live / at {STUCK:,} live",
            memory[LIVE[1]] / memory[STUCK],
            1.5,
            ", ".join(f"{count:,}: {memory[count]:.0f} MiB" for count in sorted(memory)),
        )
    )
    return rows


def sqlite(folder: Path) -> list[Row]:
    """Scan of a SQLite file beside a bare import."""
    total = max(min(2 * SCALE, 1_000_000), 20_000)
    path = folder / "sagas.db"
    _say(f"making a SQLite file of {total} sagas, {LIVE[0]} live")
    sagas.sqlite_file(path, total=total, live=LIVE[0], stuck=STUCK)
    config = folder / "sqlite.toml"
    config.write_text(sagas.configuration(f"sqlite:///{path}", "sagas", folder / "sqlite-ledger.db"))
    got = interleaved(ROUNDS, bare=lambda: process(bare_import()), scan=lambda: _scan(config))
    return [
        Row(
            f"SQLite, {LIVE[0]:,} live of {total:,}: whole `scan -o ndjson` / bare import",
            got["scan"].median / got["bare"].median,
            3.0,
            f"scan {_ms(got['scan'])}, bare import {_ms(got['bare'])}",
        )
    ]


def gentle(folder: Path) -> list[Row]:
    """A full scan without an index, beside pgbench: what it takes from the application."""
    with _postgres(folder) as server:
        database = server.fresh_database()
        _say(f"making sagas without an index: {SCALE} sagas, {LIVE[0]} live")
        server.execute(
            *sagas.postgres_statements("sagas", total=SCALE, live=LIVE[0], stuck=STUCK, index=False),
            database=database,
        )
        config = folder / "gentle.toml"
        config.write_text(sagas.configuration(server.url(database), "sagas", folder / "gentle-ledger.db"))
        bench = [_program(server, "pgbench"), "-h", server.host, "-p", str(server.port), "-U", server.user]
        subprocess.run([*bench, "-i", "-q", "-s", "20", database], check=True, capture_output=True)
        alone, beside, longest = [], [], 0.0
        for number in range(7):
            alone.append(_transactions(bench, database))
            tps, statement = _beside(bench, database, config, server)
            beside.append(tps)
            longest = max(longest, statement)
            _say(
                f"pair {number + 1}: {alone[-1]:.0f} tps alone, {tps:.0f} beside, longest statement {statement:.0f} ms"
            )
    lost = statistics.median(1 - with_scan / without for without, with_scan in zip(alone, beside, strict=True))
    return [
        Row(
            f"PostgreSQL without an index, `--allow-full-scan` of {SCALE:,}: share of pgbench's throughput lost",
            max(0.0, lost),
            0.10,
            f"median of 7 pairs; alone {statistics.median(alone):.0f} tps, beside {statistics.median(beside):.0f} tps",
        ),
        Row("PostgreSQL without an index: longest statement in seconds", longest / 1000, 0.5, f"{longest:.0f} ms"),
    ]


def _transactions(bench: list[str], database: str, seconds: int = 9) -> float:
    done = subprocess.run(
        [*bench, "-N", "-c", "4", "-T", str(seconds), database], check=True, capture_output=True, text=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    return float(line.split()[2])


def _beside(bench: list[str], database: str, config: Path, server: servers.PostgresServer) -> tuple[float, float]:
    """Run pgbench while scans go round and round; return its tps and the longest statement seen, in milliseconds."""
    loop = (
        "import subprocess, sys\n"
        "scan = [sys.executable, '-m', 'sagadoctor', '--config', sys.argv[1], '--timeout', '10m', 'scan', '-ondjson']\n"
        "quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "while True: subprocess.run([*scan, '--allow-full-scan'], **quiet)\n"
    )
    scans = subprocess.Popen([sys.executable, "-c", loop, str(config)], start_new_session=True)
    longest = 0.0
    try:
        watcher = server.connect(database)
        pgbench = subprocess.Popen(
            [*bench, "-N", "-c", "4", "-T", "9", database], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        with watcher.cursor() as cursor:
            while pgbench.poll() is None:
                time.sleep(0.02)  # whoever watches must not be what costs
                cursor.execute(
                    "select coalesce(max(extract(epoch from clock_timestamp() - query_start) * 1000), 0) from "
                    "pg_stat_activity "
                    "where application_name like 'sagadoctor%%' and state = 'active'"
                )
                longest = max(longest, float(cursor.fetchone()[0]))
        watcher.close()
        assert pgbench.stdout is not None
        line = next(line for line in pgbench.stdout.read().splitlines() if line.startswith("tps"))
        return float(line.split()[2]), longest
    finally:
        os.killpg(scans.pid, 15)
        scans.wait()


def init(folder: Path) -> list[Row]:
    """A look at a database that nobody has mapped: 500 tables, the largest of them big, no index on its states."""
    with _postgres(folder) as server:
        database = server.fresh_database()
        _say(f"making {unmapped.TABLES} tables, the largest of {SCALE} rows")
        server.execute(*unmapped.statements(SCALE), database=database)
        before = _rows_read(server, database)
        written = folder / "init.toml"
        command = [*_SCAN, "init", server.url(database), "--no-questions", "--force", "--out", written]
        home = {"XDG_STATE_HOME": str(folder)}
        rounds = max(1, ROUNDS // 2)
        look = interleaved(rounds, look=lambda: process([*command, "--no-scan"], home))["look"]
        found = written.read_text("utf-8")
        if f'table = "{unmapped.LARGEST}"' not in found or "ROLLING_BACK" not in found:
            raise RuntimeError(f"the sagas were not found:\n{found}")
        rows = (_rows_read(server, database) - before) / (rounds + 1)
        server.execute(f"create index on {unmapped.LARGEST} (phase, last_change)", database=database)
        whole = interleaved(rounds, whole=lambda: process(command, home))["whole"]
    about = f"PostgreSQL, {unmapped.TABLES} tables, the largest of {SCALE:,} rows"
    return [
        Row(f"{about}: seconds of `init --no-scan` / 10", look.median / 10, 1.0, _ms(look)),
        Row(f"{about}: seconds of `init` with its first diagnosis / 10", whole.median / 10, 1.0, _ms(whole)),
        Row(f"{about}: rows read by one `init` / rows there", rows / (3 * SCALE), 0.05, f"{rows:,.0f} rows"),
    ]


def _rows_read(server: servers.PostgresServer, database: str) -> int:
    """Return how many rows of tables the server has read, by scans of all kinds."""
    connection = server.connect(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute("select pg_stat_clear_snapshot()")
            cursor.execute("select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables")
            return int(cursor.fetchone()[0])
    finally:
        connection.close()


PARTS = {"postgresql": postgresql, "sqlite": sqlite, "gentle": gentle, "init": init}


def main(wanted: list[str]) -> None:
    """Run the wanted parts and print their table."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        raise SystemExit(f"no part {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    rows: list[Row] = []
    for name in wanted or list(PARTS):
        folder = Path(tempfile.mkdtemp(prefix="sagadoctor-bench-"))
        folder.chmod(0o755)
        try:
            rows += PARTS[name](folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"SCALE={SCALE} ROUNDS={ROUNDS}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
    print(HEADER)
    for row in rows:
        print(row)


if __name__ == "__main__":
    main(sys.argv[1:])
