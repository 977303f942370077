"""Steps in tables of their own, and the conversation around a saga: what reading them beside the sagas costs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.measure import LIVE, ROUNDS, SCALE, STUCK, Row, interleaved, process, say
from benchmarks.runs import decoded, milliseconds, postgres, psql, scan
from tests.real import servers

_SAGAS: Final = """
create unlogged table sagas (
  saga_id uuid primary key default gen_random_uuid(), saga_type text not null, state text not null, data jsonb not null,
  last_message text, created_at timestamptz not null, updated_at timestamptz not null)"""

_SAGA_ROWS: Final = """
insert into sagas (saga_type, state, data, last_message, created_at, updated_at)
select 'OrderFulfillment', '{state}', jsonb_build_object('order_id', '{state}-' || n, 'note', repeat('x', 260)),
  'm-{state}-' || n, at - interval '1 minute', at
from generate_series(1, {count}) n, lateral (select now() - {age} - (n % 600) * interval '{spread}' as at) t"""

_STEPS: Final = (
    "(values (1, 'reserve_inventory', 'Inventory'), (2, 'process_payment', 'Payment'), "
    "(3, 'create_shipment', 'Shipping'), (4, 'notify', 'Mail')) step(n, name, service)"
)
_STATUS: Final = (
    "case when s.state = 'completed' or step.n < 3 then 'completed' when step.n = 3 then 'executing' else 'pending' end"
)

SHAPES: Final = {
    "child_table": (
        "id bigserial primary key, saga_id uuid not null, position int not null, name text not null, status text not "
        "null, action text, compensation text, error text, started_at timestamptz, executed_at timestamptz",
        "(saga_id, position, name, status, action, compensation, started_at, executed_at) "
        "select s.saga_id, step.n, step.name, status, service || '.Do', service || '.Undo', "
        "case when status <> 'pending' then s.updated_at end, case when status = 'completed' then s.updated_at end "
        f"from sagas s cross join {_STEPS} cross join lateral (select {_STATUS} as status) t",
        'order_by = "position"\n[stores.orders.steps.fields]\nname = "name"\nstatus = "status"\naction = "action"\n'
        'compensation = "compensation"\nerror = "error"\nstarted_at = "started_at"\nexecuted_at = "executed_at"\n',
    ),
    "op_table": (
        "id bigserial primary key, saga_id uuid not null, branch text not null, op text not null, url text, "
        "status text not null, finish_time timestamptz",
        "(saga_id, branch, op, url, status, finish_time) select s.saga_id, step.name, op, "
        "'http://' || service || '/' || op, case when op = 'action' and status = 'completed' then 'succeed' else "
        "'prepared' end, case when op = 'action' and status = 'completed' then s.updated_at end "
        f"from sagas s cross join {_STEPS} cross join lateral (select {_STATUS} as status) t "
        "cross join (values ('action'), ('compensate')) ops(op)",
        'order_by = "id"\nvalues = { prepared = "pending", succeed = "completed", failed = "failed" }\n'
        'forward = { match = { op = "action" } }\nundo = { match = { op = "compensate" } }\n'
        '[stores.orders.steps.fields]\nname = "branch"\naction = "url"\nstatus = "status"\nat = "finish_time"\n',
    ),
    "log_table": (
        "id bigserial primary key, saga_id uuid not null, step_name text not null, action text not null, status text "
        "not null, details text, created_at timestamptz not null",
        "(saga_id, step_name, action, status, created_at) select s.saga_id, step.name, 'act', said, s.updated_at "
        f"from sagas s cross join {_STEPS} cross join lateral (select {_STATUS} as status) t "
        "cross join (values ('started'), ('completed')) words(said) "
        "where status = 'completed' or (status = 'executing' and said = 'started')",
        'order_by = "id"\nforward = { match = { action = "act" } }\nundo = { match = { action = "compensate" } }\n'
        '[stores.orders.steps.fields]\nname = "step_name"\nstatus = "status"\nerror = "details"\nat = "created_at"\n',
    ),
}
"""By shape: the columns of its table, what fills it for every saga, and the mapping."""

_CONFIGURATION: Final = """config_version = 1
[environment]
name = "benchmark"
[stores.orders]
plugin = "sql"
url = "{url}"
[stores.orders.saga]
table = "sagas"
id = "saga_id"
type = "saga_type"
state = "state"
payload = "data"
business_key = "$.order_id"
created_at = "created_at"
updated_at = "updated_at"
[stores.orders.steps]
shape = "{shape}"
table = "{shape}"
foreign_key = "saga_id"
{mapping}
[sagas.OrderFulfillment]
steps = [{steps}]
{more}
[ledger]
url = "sqlite:///{ledger}"
"""
_DEFINED: Final = ", ".join(
    f'{{ name = "{name}", compensation = "{service}.Undo" }}'
    for name, service in (
        ("reserve_inventory", "Inventory"),
        ("process_payment", "Payment"),
        ("create_shipment", "Shipping"),
        ("notify", "Mail"),
    )
)
_CONVERSATION: Final = """
[stores.orders.outbox]
table = "message"
id = "id"
saga = "last_message"
sent = { column = "published", values = { "0" = "no", "1" = "yes" } }
created_at = "created_at"
[stores.orders.received]
table = "received_messages"
message = "message_id"
consumer = "consumer_id"
at = "created_at"
[stores.orders.replies]
table = "reply"
id = "id"
answers = "answers"
outcome = { column = "outcome", values = { SUCCESS = "done", FAILURE = "refused" } }
at = "created_at"
[stores.orders.locks]
table = "saga_lock"
target = "target"
holder = "saga_id"
waiters = { table = "saga_stash", target = "target", saga = "saga_id" }
"""


def _sagas(live: int) -> list[str]:
    kinds = (
        ("completed", max(SCALE, live) - live, "interval '40 days'", "1 minute"),
        ("pending", live - min(STUCK, live), "interval '0 minutes'", "0.3 seconds"),
        ("started", min(STUCK, live), "interval '3 hours'", "10 seconds"),
    )
    rows = [_SAGA_ROWS.format(state=state, count=count, age=age, spread=spread) for state, count, age, spread in kinds]
    return [_SAGAS, *rows, "create index on sagas (state, updated_at)", "vacuum analyze sagas"]


def _steps(shape: str) -> list[str]:
    columns, rows, _ = SHAPES[shape]
    return [
        f"create unlogged table {shape} ({columns})",
        f"insert into {shape} {rows}",
        f"create index on {shape} (saga_id)",
        f"vacuum analyze {shape}",
    ]


def _talk() -> list[str]:
    """Return the statements for a message of every saga, received and (but for the stuck ones) answered, and locks."""
    return [
        "create unlogged table message (id text primary key, published int not null, created_at timestamptz not null)",
        "insert into message select last_message, 1, updated_at from sagas",
        "create unlogged table received_messages (consumer_id text, message_id text, created_at timestamptz not null, "
        "primary key (message_id, consumer_id))",
        "insert into received_messages select 'shipping', last_message, updated_at from sagas",
        "create unlogged table reply (id bigserial primary key, answers text not null, outcome text, created_at "
        "timestamptz not null)",
        "insert into reply (answers, outcome, created_at) select last_message, 'SUCCESS', updated_at from sagas "
        "where state = 'completed'",
        "create index on reply (answers)",
        "create unlogged table saga_lock (target text primary key, saga_id uuid)",
        "insert into saga_lock select 'order-' || (data->>'order_id'), saga_id from sagas where state = 'pending' "
        "and hashtext(saga_id::text) % 10 = 0",
        "create index on saga_lock (saga_id)",
        "create unlogged table saga_stash (id bigserial primary key, target text not null, saga_id uuid not null)",
        "create index on saga_stash (saga_id)",
        "create index on saga_stash (target)",
        *(f"vacuum analyze {name}" for name in ("message", "received_messages", "reply", "saga_lock", "saga_stash")),
    ]


def _configured(folder: Path, name: str, server: servers.PostgresServer, database: str, shape: str, more: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(
        _CONFIGURATION.format(
            url=server.url(database),
            shape=shape,
            mapping=SHAPES[shape][2],
            steps=_DEFINED,
            more=more,
            ledger=folder / f"{name}-ledger.db",
        )
    )
    return path


def tables(folder: Path) -> list[Row]:
    """Reading sagas and their steps out of two tables, beside psql copying the same rows of both."""
    rows: list[Row] = []
    memory: dict[tuple[str, int], float] = {}
    with postgres(folder) as server:
        for live in LIVE:
            database = server.fresh_database()
            say(f"making {max(SCALE, live)} sagas, {live} live, with their steps in tables")
            server.execute(*_sagas(live), database=database)
            for shape in SHAPES:
                server.execute(*_steps(shape), database=database)
                config = _configured(folder, f"{shape}_{live}", server, database, shape, "")
                some = "where state in ('pending', 'started')"
                copies = (
                    "copy (select saga_id, saga_type, state, data->>'order_id', created_at, updated_at from sagas "
                    f"{some}) to stdout",
                    f"copy (select * from {shape} where saga_id in (select saga_id from sagas {some})) to stdout",
                )
                command = [*psql(server, database), "-c", copies[0], "-c", copies[1]]
                got = interleaved(
                    ROUNDS,
                    copy=lambda command=command: process(command),
                    decode=lambda config=config: decoded(config),
                )
                memory[shape, live] = interleaved(1, scan=lambda config=config: scan(config))["scan"].memory
                server.execute(f"drop table {shape}", database=database)
                rows.append(
                    Row(
                        f"PostgreSQL, {live:,} live, steps in a {shape}: query and decoding / psql COPY of both tables",
                        got["decode"].median / got["copy"].median,
                        2.5,
                        f"{milliseconds(got['decode'])}, COPY {milliseconds(got['copy'])}",
                    )
                )
    for shape in SHAPES:
        few, many = (memory[shape, live] for live in LIVE)
        rows.append(
            Row(
                f"PostgreSQL, steps in a {shape}: peak memory at {LIVE[1]:,} live / at {LIVE[0]:,} live",
                many / few,
                1.5,
                f"{few:.0f} MiB, {many:.0f} MiB",
            )
        )
    return rows


def conversation(folder: Path) -> list[Row]:
    """A whole scan with the outbox, what was received, replies and locks looked up, beside one without."""
    live = LIVE[0]
    with postgres(folder) as server:
        database = server.fresh_database()
        say(f"making {SCALE} sagas with their conversation, {live} live")
        server.execute(*_sagas(live), *_steps("child_table"), *_talk(), database=database)
        alone = _configured(folder, "alone", server, database, "child_table", "")
        talking = _configured(folder, "talking", server, database, "child_table", _CONVERSATION)
        got = interleaved(ROUNDS, alone=lambda: scan(alone), talking=lambda: scan(talking))
    return [
        Row(
            f"PostgreSQL, {live:,} live: whole scan with the conversation looked up / without",
            got["talking"].median / got["alone"].median,
            1.3,
            f"with {milliseconds(got['talking'])}, without {milliseconds(got['alone'])}",
        )
    ]
