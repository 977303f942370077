"""`python -m benchmarks [PART …]`: prints a table of ratios; SCALE is the number of sagas."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import sagas
from benchmarks.around import conversation, tables
from benchmarks.measure import HEADER, LIVE, ROUNDS, SCALE, STUCK, Row, bare_import, interleaved, process, say
from benchmarks.runs import decoded, milliseconds, postgres, program, psql, scan
from benchmarks.unmapped import init
from tests.real import servers


def postgresql(folder: Path) -> list[Row]:
    """Scan beside psql COPY, at 10,000 and at 100,000 live sagas."""
    rows: list[Row] = []
    memory: dict[int, float] = {}
    with postgres(folder) as server:
        database = server.fresh_database()
        copying = psql(server, database)
        for live in (STUCK, *LIVE):
            table = f"sagas_{live}"
            say(f"making {table}: {max(SCALE, live)} sagas, {live} live, {min(STUCK, live)} stuck")
            total, stuck = max(SCALE, live), min(STUCK, live)
            rows_of = sagas.postgres_statements(table, total=total, live=live, stuck=stuck)
            server.execute(*rows_of, database=database)
            config = folder / f"{table}.toml"
            config.write_text(sagas.configuration(server.url(database), table, folder / f"{table}-ledger.db"))
            if live == STUCK:
                memory[live] = interleaved(3, scan=lambda config=config: scan(config))["scan"].memory
                server.execute(f"drop table {table}", database=database)
                continue
            copy = (
                "copy (select saga_id, saga_type, state, current_step, data->>'order_id', steps, created_at, "
                f"updated_at from {table} where state in ('started', 'pending', 'compensating')) to stdout"
            )
            got = interleaved(
                ROUNDS,
                bare=lambda: process(bare_import()),
                copy=lambda copy=copy: process([*copying, "-c", copy]),
                scan=lambda config=config: scan(config),
                decode=lambda config=config: decoded(config),
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
                    f"scan {milliseconds(got['scan'])}, bare import {milliseconds(got['bare'])}, "
                    f"COPY {milliseconds(got['copy'])}",
                )
            )
            rows.append(
                Row(
                    f"PostgreSQL, {live:,} live: query and decoding into facts / psql COPY",
                    got["decode"].median / got["copy"].median,
                    1.5,
                    milliseconds(got["decode"]),
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
    say(f"making a SQLite file of {total} sagas, {LIVE[0]} live")
    sagas.sqlite_file(path, total=total, live=LIVE[0], stuck=STUCK)
    config = folder / "sqlite.toml"
    config.write_text(sagas.configuration(f"sqlite:///{path}", "sagas", folder / "sqlite-ledger.db"))
    got = interleaved(ROUNDS, bare=lambda: process(bare_import()), scan=lambda: scan(config))
    return [
        Row(
            f"SQLite, {LIVE[0]:,} live of {total:,}: whole `scan -o ndjson` / bare import",
            got["scan"].median / got["bare"].median,
            3.0,
            f"scan {milliseconds(got['scan'])}, bare import {milliseconds(got['bare'])}",
        )
    ]


def gentle(folder: Path) -> list[Row]:
    """A full scan without an index, beside pgbench: what it takes from the application."""
    with postgres(folder) as server:
        database = server.fresh_database()
        say(f"making sagas without an index: {SCALE} sagas, {LIVE[0]} live")
        server.execute(
            *sagas.postgres_statements("sagas", total=SCALE, live=LIVE[0], stuck=STUCK, index=False),
            database=database,
        )
        config = folder / "gentle.toml"
        config.write_text(sagas.configuration(server.url(database), "sagas", folder / "gentle-ledger.db"))
        bench = [program(server, "pgbench"), "-h", server.host, "-p", str(server.port), "-U", server.user]
        subprocess.run([*bench, "-i", "-q", "-s", "20", database], check=True, capture_output=True)
        alone, beside, longest = [], [], 0.0
        for number in range(7):
            alone.append(_transactions(bench, database))
            tps, statement = _beside(bench, database, config, server)
            beside.append(tps)
            longest = max(longest, statement)
            say(f"pair {number + 1}: {alone[-1]:.0f} tps alone, {tps:.0f} beside, longest statement {statement:.0f} ms")
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


PARTS = {
    "postgresql": postgresql,
    "sqlite": sqlite,
    "gentle": gentle,
    "tables": tables,
    "conversation": conversation,
    "init": init,
}


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
