"""`init` on real databases: engines' own tables, odd names, what may not be read, and what is no saga at all."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.adapters.opening import without_password
from tests.cli.running import Done, Home
from tests.cli.test_init import answering
from tests.real.test_eventuate_tram import EXPECTED, plans
from tests.real.test_eventuate_tram import written as eventuate  # noqa: F401 - a fixture
from tests.real.test_preset_dtm import AS_OF, dtm  # noqa: F401 - a fixture

from .fixtures import SharedServer
from .seata.rows import DEFINITION, MACHINES
from .wild import Schema

BAD = ("warning", "critical")
STEPS = json.dumps(
    [{"name": "a", "status": "completed", "compensation": "UndoA"}, {"name": "b", "status": "executing"}]
)


class Init:
    """One run of `init`, and what it wrote."""

    def __init__(self, url: str, folder: Path, *options: str) -> None:
        self.plain, _ = without_password(url)
        password = sa.make_url(url).password or ""
        self.file = folder / "proposed.toml"
        self.home = Home(folder, self.file, {"SAGADOCTOR_TEST_PASSWORD": password})
        secret = ["--password-env", "SAGADOCTOR_TEST_PASSWORD"] if password else []
        self.done = self.home.call(
            "init", self.plain, *secret, "--out", str(self.file), "--force", "--no-scan", *options
        )

    @property
    def text(self) -> str:
        assert self.done.code == 0, self.done.said
        return self.file.read_text("utf-8")

    @property
    def stores(self) -> dict[str, Any]:
        stores = tomllib.loads(self.text)["stores"]
        assert isinstance(stores, dict)
        return stores

    @property
    def one(self) -> dict[str, Any]:
        (store,) = self.stores.values()
        assert isinstance(store, dict)
        return store

    def scan(self, *options: str) -> Done:
        assert self.home.call("config", "validate").code == 0, self.text
        return self.home.call("scan", "-o", "json", *options)


def run(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    connection = engine.raw_connection()
    try:
        for statement in statements:
            connection.cursor().execute(statement)
        connection.commit()
    finally:
        connection.close()


def quote(url: str, name: str) -> str:
    if url.startswith("mysql"):
        return "`" + name.replace("`", "``") + "`"
    return '"' + name.replace('"', '""') + '"'


def test_dtm_is_recognised_and_diagnosed(dtm: Any, store_url: str, tmp_path: Path) -> None:  # noqa: F811
    init = Init(store_url, tmp_path)
    assert init.one["preset"] == "dtm"
    assert set(init.one) <= {"plugin", "url", "password", "preset"}
    found = init.scan("--as-of", AS_OF.isoformat()).document["findings"]
    sick = {each["saga_id"]: each["rule"] for each in found if each["primary"] and each["severity"] in BAD}
    assert sick == {"order-7008": "retry-loop", "order-7015": "half-compensated"}


@pytest.mark.real("postgresql")
def test_eventuate_is_recognised_in_its_own_schema(eventuate: str, tmp_path: Path) -> None:  # noqa: F811
    init = Init(eventuate, tmp_path)
    assert init.one["preset"] == "eventuate-tram"
    assert init.one["saga"] == {"table": "eventuate.saga_instance"}
    assert init.one["locks"]["waiters"] == {"table": "eventuate.saga_stash_table"}
    document = init.scan("--deep", "--as-of", "2026-11-20T23:59:00Z").document
    assert document["complete"], document["blind_spots"]
    plan = plans(eventuate)
    told = {plan[each["saga_id"]] for each in document["findings"] if each["severity"] in BAD}
    assert set(EXPECTED) - {"stashed"} <= told


def test_seata_is_recognised_by_the_tables_that_its_queries_read(
    postgres_url: str, mariadb_url: str, tmp_path: Path
) -> None:
    for url, kind in ((postgres_url, "postgresql"), (mariadb_url, "mysql")):
        Schema.run_text(url, (Path(__file__).parent / "seata" / f"schema-{kind}.sql").read_text("utf-8"))
        run(url, DEFINITION, *(line for machine in MACHINES for line in machine.statements()))
        init = Init(url, tmp_path)
        assert set(init.one) <= {"plugin", "url", "password", "preset"}
        assert init.one["preset"] == "seata"
        document = init.scan("--deep").document
        assert document["complete"], document["blind_spots"]
        assert document["scanned"]["sagas"] == len(MACHINES)


def test_a_preset_is_known_by_its_columns_under_another_name(store_url: str, tmp_path: Path) -> None:
    moment = "timestamp" if store_url.startswith("postgresql") else "datetime"
    run(
        store_url,
        "create table shop_sagas (saga_id varchar(64) primary key, saga_type varchar(50), state varchar(20), "
        f"current_step integer, data text, steps text, created_at {moment}, updated_at {moment})",
        f"insert into shop_sagas values ('s-1', 'Order', 'pending', 1, '{{}}', '{STEPS}', '2026-01-01', '2026-01-01')",
    )
    init = Init(store_url, tmp_path)
    assert init.one["preset"] == "saga-template"
    assert init.one["saga"] == {"table": "shop_sagas"}
    (found,) = [each for each in init.scan().document["findings"] if each["primary"]]
    assert (found["saga_id"], found["rule"]) == ("s-1", "no-progress")
    run(
        store_url,
        "insert into shop_sagas select 's-2', saga_type, 'on_hold', 1, data, steps, created_at, updated_at "
        "from shop_sagas",
    )
    again = Init(store_url, tmp_path)
    assert again.one["preset"] == "saga-template"
    assert "what these states mean: on_hold" in again.text
    run(store_url, "update shop_sagas set state = 'odd' where saga_id = 's-1'")
    assert "preset" not in Init(store_url, tmp_path).one


def test_the_same_columns_with_other_steps_are_no_preset(store_url: str, tmp_path: Path) -> None:
    moment = "timestamp" if store_url.startswith("postgresql") else "datetime"
    other = json.dumps([{"stepName": "a", "stepStatus": "COMPLETED"}, {"stepName": "b", "stepStatus": "IN_PROGRESS"}])
    run(
        store_url,
        "create table sagas (saga_id varchar(64) primary key, saga_type varchar(50), state varchar(20), "
        f"current_step integer, data text, steps text, created_at {moment}, updated_at {moment})",
        f"insert into sagas values ('s-1', 'Order', 'COMPENSATING', 1, '{{}}', '{other}', '2026-01-01', '2026-01-01')",
    )
    one = Init(store_url, tmp_path).one
    assert "preset" not in one
    assert one["steps"]["fields"] == {"name": "stepName", "status": "stepStatus"}


ODD = 'it"s a `saga`.table [x] ]'


def test_names_of_every_kind_are_made_harmless(store_url: str, tmp_path: Path) -> None:
    table, identity, state = (quote(store_url, name) for name in (ODD, "Saga Id", "select"))
    steps = quote(store_url, 'x"] = 1 # steps')
    bad = quote(store_url, "saga\n[stores.evil]\nurl = 1")
    sly = quote(store_url, "saga_\x1b[31mred")
    run(
        store_url,
        f"create table {table} ({identity} varchar(64) primary key, {state} varchar(40), status varchar(60), "
        f"{steps} text)",
        f"insert into {table} values ('1', 'x', 'compensating', '{STEPS}')",
        f"insert into {table} values ('2', 'x', 'evil\n[stores.evil2] = \x1b[31m', '{STEPS}')",
        f"create table {bad} (saga_id varchar(64) primary key, status varchar(20), steps text)",
        f"insert into {bad} values ('1', 'compensating', '{STEPS}')",
        f"create table {sly} (saga_id varchar(64) primary key, status varchar(20), steps text)",
        f"insert into {sly} values ('1', 'compensating', '{STEPS}')",
    )
    init = Init(store_url, tmp_path)
    assert list(init.stores) == ["it-s-a-saga-table-x"]
    assert init.one["saga"]["table"] in (ODD, [ODD])
    assert init.one["saga"]["id"] == "Saga Id"
    assert init.one["saga"]["state"]["column"] == "status"
    assert init.one["steps"]["column"] == 'x"] = 1 # steps'
    assert "\x1b" not in init.text
    assert "\x1b" not in init.done.said
    assert "stores.evil" not in tomllib.loads(init.text)
    assert "can't hold such a name" in init.done.said
    document = init.scan().document
    assert document["scanned"]["sagas"] == 2


def test_empty_tables_are_proposed_by_their_names(store_url: str, tmp_path: Path) -> None:
    run(
        store_url,
        "create table saga_instances (id integer primary key, saga_type varchar(20), status varchar(20), created_at "
        f"{'timestamp' if store_url.startswith('postgresql') else 'datetime'})",
        "create table saga_steps (id integer primary key, saga_instance_id integer, step_name varchar(20), "
        "status varchar(20))",
    )
    init = Init(store_url, tmp_path)
    assert init.one["saga"]["table"] == "saga_instances"
    assert init.one["steps"]["foreign_key"] == "saga_instance_id"
    assert "empty" in init.text
    assert init.scan().document["complete"]


def test_of_a_database_without_sagas_it_is_said_what_was_looked_for_and_what_came_nearest(
    store_url: str, tmp_path: Path
) -> None:
    moment = "timestamp" if store_url.startswith("postgresql") else "datetime"
    run(
        store_url,
        f"create table orders (id integer primary key, status varchar(20), created_at {moment}, total integer)",
        "create table order_lines (id integer primary key, order_id integer, name varchar(20), amount integer)",
        "create table countries (code varchar(2) primary key, name varchar(20))",
        *(f"insert into orders values ({n}, '{w}', '2026-01-01', 1)" for n, w in enumerate(("paid", "shipped", "new"))),
    )
    init = Init(store_url, tmp_path)
    assert init.done.code == 1
    assert not init.file.exists()
    assert "no sagas were found in 3 tables" in init.done.said
    assert "saga-template" in init.done.said
    assert "orders: no state of it tells of undoing" in init.done.said
    assert "--table NAME" in init.done.said
    forced = Init(store_url, tmp_path, "--table", "ORDERS")
    assert forced.one["saga"]["table"] == "orders"
    assert "say what these states mean: " in forced.text
    wrong = Init(store_url, tmp_path, "--table", "odrers")
    assert wrong.done.code == 1
    assert "did you mean 'orders'?" in wrong.done.said


def test_a_table_of_two_thousand_columns_and_a_wide_one_of_steps(postgres_url: str, tmp_path: Path) -> None:
    many = ", ".join(f"column_{n} integer" for n in range(1500))
    run(
        postgres_url,
        f"create table saga_wide (a integer, {many}, saga_id varchar(20) primary key, status varchar(20), steps jsonb)",
        f"insert into saga_wide (saga_id, status, steps) values ('1', 'COMPENSATING', '{STEPS}')",
    )
    one = Init(postgres_url, tmp_path).one
    assert (one["saga"]["id"], one["saga"]["state"]["column"], one["steps"]["column"]) == ("saga_id", "status", "steps")


def test_partitions_views_and_other_schemas(postgres_url: str, tmp_path: Path) -> None:
    run(
        postgres_url,
        'create schema "Billing"',
        'create table "Billing"."SagaStates" (id uuid, status varchar(20), day date, steps jsonb, '
        "primary key (id, day)) partition by range (day)",
        'create table "Billing"."SagaStates_1" partition of "Billing"."SagaStates" '
        "for values from ('2026-01-01') to ('2026-02-01')",
        'create table "Billing"."SagaStates_2" partition of "Billing"."SagaStates" default',
        'create view saga_view as select id, status, steps from "Billing"."SagaStates"',
        'create unique index on "Billing"."SagaStates" (id, day)',
        f"insert into \"Billing\".\"SagaStates\" select gen_random_uuid(), 'COMPENSATING', '2026-01-0' || n, '{STEPS}'"
        " from generate_series(1, 5) n".replace("'2026-01-0' || n", "('2026-01-0' || n)::date"),
        "create temp table saga_temp (id integer primary key, status varchar(20))",
    )
    init = Init(postgres_url, tmp_path)
    assert init.one["saga"]["table"] == "Billing.SagaStates"
    assert Init(postgres_url, tmp_path, "--schema", "billing").one["saga"]["table"] == "Billing.SagaStates"
    assert Init(postgres_url, tmp_path, "--schema", "public").one["saga"]["table"] == "saga_view"


def test_what_may_not_be_read_is_said_and_columns_that_may_not_be_are_not_named(
    postgres_server: SharedServer, postgres_url: str, tmp_path: Path
) -> None:
    name = postgres_url.rpartition("/")[2]
    user = f"reader_{name}"
    run(
        postgres_url,
        "create table sagas (id integer primary key, status varchar(20), secret text, steps jsonb)",
        f"insert into sagas values (1, 'COMPENSATING', 'x', '{STEPS}')",
        "create table saga_vault (id integer primary key, status varchar(20), steps jsonb)",
        f"create role {user} login",
        f"grant select (id, status, steps) on sagas to {user}",
    )
    try:
        url = f"postgresql+psycopg://{user}@{postgres_server.host}:{postgres_server.port}/{name}"
        init = Init(url, tmp_path)
        assert init.one["saga"]["table"] == "sagas"
        assert "secret" not in init.text
        assert "may not read them: public.saga_vault" in init.done.said
        assert init.scan().document["complete"]
    finally:
        run(postgres_url, f"drop owned by {user}", f"drop role {user}")


def test_two_kinds_of_sagas_are_two_stores_that_share_one_database(store_url: str, tmp_path: Path) -> None:
    for name in ("order_sagas", "payment_sagas"):
        run(
            store_url,
            f"create table {name} (id varchar(20) primary key, status varchar(20), steps text)",
            f"insert into {name} values ('1', 'COMPENSATING', '{STEPS}')",
        )
    init = Init(store_url, tmp_path, "--name", "shop")
    assert set(init.stores) == {"shop-order-sagas", "shop-payment-sagas"}
    assert init.scan().document["scanned"]["sagas"] == 2


def test_words_beyond_the_sample_are_found_by_an_index(store_url: str, tmp_path: Path) -> None:
    run(store_url, "create table sagas (id integer primary key, status varchar(20), steps text)")
    rows = [(n, "COMPLETED") for n in range(3000)]
    rows[1500] = (1500, "ROLLBACK_FAILED")
    rows[1501] = (1501, "ZZ_ODD")
    for start in range(0, 3000, 500):
        values = ", ".join(f"({n}, '{word}', '[]')" for n, word in rows[start : start + 500])
        run(store_url, f"insert into sagas values {values}")
    assert "ZZ_ODD" not in Init(store_url, tmp_path).text
    run(store_url, "create index by_status on sagas (status)")
    assert "ZZ_ODD" in Init(store_url, tmp_path).text


def test_nothing_answers(tmp_path: Path) -> None:
    init = Init("postgresql+psycopg://nobody@127.0.0.1:1/none", tmp_path)
    assert init.done.code == 3
    assert not init.file.exists()


def test_a_password_that_is_wanted_and_not_there_is_told_with_the_ways(mariadb_url: str, tmp_path: Path) -> None:
    plain, _ = without_password(mariadb_url)
    home = Home(tmp_path)
    done = home.call("init", plain, "--out", str(tmp_path / "x.toml"))
    assert done.code == 3
    assert "--password-env NAME" in done.said
    assert "Traceback" not in done.said


def test_a_password_is_asked_for_at_a_terminal_and_kept_nowhere(mariadb_url: str, tmp_path: Path) -> None:
    run(
        mariadb_url,
        "create table sagas (id integer primary key, status varchar(20), steps text)",
        f"insert into sagas values (1, 'COMPENSATING', '{STEPS}')",
    )
    name = mariadb_url.rpartition("/")[2].partition("?")[0]
    user, secret = f"u{name[-12:]}", "hunter2-hunter2"
    run(mariadb_url, f"create user {user} identified by '{secret}'", f"grant select on {name}.* to {user}")
    try:
        parts = sa.make_url(mariadb_url)
        url = f"mysql+pymysql://{user}@{parts.host}:{parts.port}/{name}"
        home = Home(tmp_path)
        code, seen = answering(home, "init", url, answers=[f"{secret}\n".encode()])
        assert code == 0, seen
        file = tmp_path / "config" / "sagadoctor" / "config.toml"
        assert 'password = { env = "SAGAS_PASSWORD" }' in file.read_text()
        assert "read -rs SAGAS_PASSWORD" in seen
        assert "1 saga" in seen.partition("The first diagnosis")[2]  # it got in with the same password
        assert "not seen" not in seen
        assert secret not in seen
        held = [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
        assert held == []
        (tmp_path / "other").mkdir()
        wrong = answering(Home(tmp_path / "other"), "init", url, answers=[b"wrong\n"])
        assert wrong[0] == 3
    finally:
        run(mariadb_url, f"drop user {user}")


def test_words_that_are_no_text_stop_nothing(tmp_path: Path, sqlite_url: str) -> None:
    steps = '[{"name": "a", "status": "\\ud800"}, {"name": "b\\ud800", "status": "completed"}]'
    run(
        sqlite_url,
        "create table sagas (id integer primary key, status text, steps text)",
        f"insert into sagas values (1, 'COMPENSATING', '{steps}')",
        f"insert into sagas values (2, cast(x'ff41' as text), '{steps}')",
    )
    init = Init(sqlite_url, tmp_path)
    assert init.one["saga"]["state"]["column"] == "status"
    assert init.one["steps"]["shape"] == "json_list"
    assert init.scan().document["scanned"]["sagas"] == 2


def test_flags_bytes_and_numbers_of_each_engine(store_url: str, tmp_path: Path) -> None:
    binary = "bytea" if store_url.startswith("postgresql") else "binary(16)"
    value = "'\\x6ba7b8109dad41d180b400c04fd430c8'" if store_url.startswith("postgresql") else None
    value = value or "x'6ba7b8109dad41d180b400c04fd430c8'"
    run(
        store_url,
        f"create table saga_instance (id {binary} primary key, end_state boolean, compensating boolean, "
        "failed boolean, total_steps integer, completed_steps integer, created_at bigint)",
        f"insert into saga_instance values ({value}, false, true, false, 3, 1, 1767261600000)",
    )
    init = Init(store_url, tmp_path)
    saga = init.one["saga"]
    assert saga["id"] == {"column": "id", "format": "uuid_bytes"}
    assert saga["created_at"] == {"column": "created_at", "format": "epoch_ms"}
    assert {rule["is"] for rule in saga["state"]["when"]} == {
        "failed",
        "compensated",
        "completed",
        "compensating",
        "pending",
    }
    assert init.one["steps"]["shape"] == "counters"
    shown = init.home.call("show", "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "-o", "json").document["cases"][0]
    assert (shown["state"], shown["created_at"]) == ("compensating", "2026-01-01T10:00:00Z")
    assert [step["status"] for step in shown["steps"]] == ["completed", "pending", "pending"]
