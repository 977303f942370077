"""A database that nobody has mapped: hundreds of ordinary tables, and among them sagas whose table no preset knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import ROUNDS, SCALE, Row, interleaved, process, say
from benchmarks.runs import PROGRAM, milliseconds, postgres
from tests.real import servers

TABLES = 500
LARGEST = "fulfilment_saga"
_WORDS = ("order", "customer", "invoice", "item", "shipment", "price", "stock", "address", "rate", "report")
_SAGAS = f"""
create unlogged table {LARGEST} (
  id bigint primary key, kind text not null, phase text not null, retries int not null, context jsonb not null,
  started timestamptz not null, last_change timestamptz not null
)"""
_STEPS = f"""
create unlogged table {LARGEST}_step (
  id bigint primary key, fulfilment_saga_id bigint not null, seq int not null, activity text not null,
  outcome text not null, began timestamptz, finished timestamptz
)"""


def statements(rows: int) -> Iterator[str]:
    """Yield what makes the tables; the largest has `rows` rows, and no index on its states."""
    for number in range(TABLES - 2):
        word = _WORDS[number % len(_WORDS)]
        yield (
            f"create table {word}_{number} (id serial primary key, name text, status text, {word}_type text, "
            "amount numeric, note text, created_at timestamptz default now(), updated_at timestamptz)"
        )
    for number in range(0, TABLES - 2, 5):
        word = _WORDS[number % len(_WORDS)]
        yield (
            f"insert into {word}_{number} (name, status, amount) select 'n' || n, "
            "(array['open', 'paid', 'shipped'])[1 + n % 3], n from generate_series(1, 500) n"
        )
    yield _SAGAS
    yield (
        f"insert into {LARGEST} select n, 'Fulfilment', case when n % 100000 = 7 then 'ROLLING_BACK' "
        "when n % 20000 = 3 then 'RUNNING' else 'DONE' end, 0, "
        "jsonb_build_object('order_id', n, 'note', repeat('x', 200)), "
        f"now() - interval '3 days', now() - interval '2 days' from generate_series(1, {rows}) n"
    )
    yield _STEPS
    yield (
        f"insert into {LARGEST}_step select n, (n + 1) / 2, 1 + n % 2, (array['reserve', 'charge'])[1 + n % 2], "
        "case when ((n + 1) / 2) % 100000 = 7 then 'UNDONE' else 'DONE' end, now() - interval '3 days', "
        f"now() - interval '2 days' from generate_series(1, {2 * min(rows, 1_000_000)}) n"
    )
    yield f"create index on {LARGEST}_step (fulfilment_saga_id)"
    yield "vacuum analyze"


def init(folder: Path) -> list[Row]:
    """A look at a database that nobody has mapped: 500 tables, the largest of them big, no index on its states."""
    with postgres(folder) as server:
        database = server.fresh_database()
        say(f"making {TABLES} tables, the largest of {SCALE} rows")
        server.execute(*statements(SCALE), database=database)
        before = _rows_read(server, database)
        written = folder / "init.toml"
        command = [*PROGRAM, "init", server.url(database), "--no-questions", "--force", "--out", written]
        home = {"XDG_STATE_HOME": str(folder)}
        rounds = max(1, ROUNDS // 2)
        look = interleaved(rounds, look=lambda: process([*command, "--no-scan"], home))["look"]
        found = written.read_text("utf-8")
        if f'table = "{LARGEST}"' not in found or "ROLLING_BACK" not in found:
            raise RuntimeError(f"the sagas were not found:\n{found}")
        rows = (_rows_read(server, database) - before) / (rounds + 1)
        server.execute(f"create index on {LARGEST} (phase, last_change)", database=database)
        whole = interleaved(rounds, whole=lambda: process(command, home))["whole"]
    about = f"PostgreSQL, {TABLES} tables, the largest of {SCALE:,} rows"
    return [
        Row(f"{about}: seconds of `init --no-scan` / 10", look.median / 10, 1.0, milliseconds(look)),
        Row(f"{about}: seconds of `init` with its first diagnosis / 10", whole.median / 10, 1.0, milliseconds(whole)),
        Row(f"{about}: rows read by one `init` / rows there", rows / (3 * SCALE), 0.05, f"{rows:,.0f} rows"),
    ]


def _rows_read(server: servers.PostgresServer, database: str) -> int:
    """Return how many rows of tables the server has read, by scans of all kinds."""
    connection = server.connect(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute("select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables")
            return int(cursor.fetchone()[0])
    finally:
        connection.close()
