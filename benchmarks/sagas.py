"""Rows of about 1.5 kB: ended sagas, live ones that are well, and stuck ones; made by the database itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path

_STEP = (
    '{{"name":"{name}","action":"{service}.Do","compensation":"{service}.Undo","status":"{status}",'
    '"result":{result},"error":null,"executed_at":{at},"compensated_at":null,"timeout_at":{timeout}}}'
)


def _steps(*, stuck: bool, ended: bool) -> str:
    """Return a steps document with `@NOW@`, `@OLD@`, `@SOON@` and `@ID@` to be replaced by the database."""
    goods = '[{"sku":"A-1","quantity":2},{"sku":"B-7","quantity":1}]'
    result = '{"reservation_id":"r-@ID@","warehouse":"north","items":' + goods + "}"
    steps = []
    for place, (name, service) in enumerate(
        (
            ("reserve_inventory", "Inventory"),
            ("process_payment", "Payment"),
            ("create_shipment", "Shipping"),
            ("notify", "Mail"),
        )
    ):
        finished = ended or place < 2
        status = "completed" if finished else ("executing" if place == 2 else "pending")
        at = ('"@OLD@"' if stuck or ended else '"@NOW@"') if finished else "null"
        timeout = ('"@OLD@"' if stuck else '"@SOON@"') if status == "executing" else "null"
        steps.append(
            _STEP.format(
                name=name, service=service, status=status, result=result if finished else "null", at=at, timeout=timeout
            )
        )
    return "[" + ",".join(steps) + "]"


KINDS = {
    "ended": _steps(stuck=False, ended=True),
    "well": _steps(stuck=False, ended=False),
    "stuck": _steps(stuck=True, ended=False),
}

_POSTGRES_TABLE = """
create unlogged table {table} (
  saga_id text primary key, saga_type text not null, state text not null, current_step int not null,
  data jsonb not null, steps jsonb not null, created_at timestamp not null, updated_at timestamp not null
)"""

_POSTGRES_ROWS = """
insert into {table}
select gen_random_uuid()::text, 'OrderFulfillment', '{state}', {cursor},
  jsonb_build_object('order_id', 'A-' || '{tag}' || n, 'customer', 'customer ' || n, 'note', repeat('x', 260)),
  replace(replace(replace(replace($steps${steps}$steps$,
    '@ID@', n::text),
    '@NOW@', to_char(t.at, 'YYYY-MM-DD"T"HH24:MI:SS.US')),
    '@OLD@', to_char(t.at, 'YYYY-MM-DD"T"HH24:MI:SS.US')),
    '@SOON@', to_char(t.at + interval '30 minutes', 'YYYY-MM-DD"T"HH24:MI:SS.US'))::jsonb,
  t.at - interval '1 minute', t.at
from generate_series(1, {count}) n,
  lateral (select (now() at time zone 'utc') - {age} - (n % 600) * interval '{spread}' as at) t
"""


def postgres_statements(table: str, *, total: int, live: int, stuck: int, index: bool = True) -> list[str]:
    """Return the statements that make a table of `total` sagas, `live` of them live, `stuck` of these stuck."""
    kinds = (
        ("ended", "completed", 4, total - live, "interval '40 days'", "1 minute"),
        ("well", "pending", 2, live - stuck, "interval '0 minutes'", "0.3 seconds"),
        ("stuck", "pending", 2, stuck, "interval '3 hours'", "10 seconds"),
    )
    made = [_POSTGRES_TABLE.format(table=table)]
    made += [
        _POSTGRES_ROWS.format(
            table=table, state=state, cursor=cursor, steps=KINDS[kind], count=count, age=age, spread=spread, tag=kind[0]
        )
        for kind, state, cursor, count, age, spread in kinds
    ]
    if index:
        made.append(f"create index on {table} (state, updated_at)")
    made.append(f"vacuum analyze {table}")
    return made


def sqlite_file(path: Path, *, total: int, live: int, stuck: int) -> None:
    """Make a SQLite file of the same rows, with the index."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "pragma journal_mode=off; pragma synchronous=off;"
        "create table sagas (saga_id text primary key, saga_type text, state text, current_step int, data text,"
        " steps text, created_at timestamp, updated_at timestamp);"
    )
    moment = "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (? + (n % 600) * ?) || ' seconds')"
    iso = moment.replace("%d %H", "%dT%H")
    soon = iso.replace("' seconds')", "' seconds', '+30 minutes')")
    for kind, state, cursor, count, age, spread in (
        ("ended", "completed", 4, total - live, 40 * 86_400, 60),
        ("well", "pending", 2, live - stuck, 0, 0.3),
        ("stuck", "pending", 2, stuck, 3 * 3600, 10),
    ):
        connection.execute(
            "insert into sagas with recursive s(n) as (select 1 union all select n + 1 from s where n < ?)"
            " select lower(hex(randomblob(16))), 'OrderFulfillment', ?, ?,"
            " json_object('order_id', ? || n, 'note', hex(zeroblob(130))),"
            f" replace(replace(replace(replace(?, '@ID@', n), '@NOW@', {iso}), '@OLD@', {iso}), '@SOON@', {soon}),"
            f" {moment}, {moment} from s",
            (count, state, cursor, kind[0], KINDS[kind], *(age, spread) * 5),
        )
    connection.executescript("create index by_state on sagas (state, updated_at); analyze;")
    connection.close()


def configuration(url: str, table: str, ledger: Path) -> str:
    """Return the configuration that scans such a table."""
    return f"""config_version = 1
[environment]
name = "benchmark"
[stores.orders]
plugin = "sql"
url = "{url}"
preset = "saga-template"
[stores.orders.saga]
table = "{table}"
business_key = "$.order_id"
[ledger]
url = "sqlite:///{ledger}"
"""
