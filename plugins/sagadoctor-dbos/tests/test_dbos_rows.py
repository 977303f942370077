"""What rows mean: those of a run that somebody dumped, and those that no run makes in a second."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dbos_database import DATA, SystemDatabase, pickled

from sagadoctor.api.v1 import (
    ConfigError,
    Deadline,
    FullScanRefused,
    Look,
    Page,
    Policy,
    Saga,
    SagaPolicy,
    SagaState,
    SchemaMismatch,
    StepDefinition,
    StepStatus,
    StillClock,
    Store,
    SystemClock,
)

DUMPED = datetime.fromtimestamp(1795164140, UTC)
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ORDER = Policy(
    by_type={
        "order_saga": SagaPolicy(
            steps=(
                StepDefinition("reserve_stock", compensation="release_stock"),
                StepDefinition("charge_card", compensation="refund_card"),
                StepDefinition("ship", compensable=False),
            )
        )
    }
)


@pytest.fixture
def on_sqlite(tmp_path: Path) -> SystemDatabase:
    return SystemDatabase(f"sqlite:///{tmp_path}/orders.db")


def pages(store: Store, **asked: Any) -> list[Page]:
    async def main() -> list[Page]:
        try:
            await store.now(_soon())
            return [page async for page in store.read(Look(_soon(), all_ended=True, **asked))]
        finally:
            await store.close()

    return asyncio.run(main())


def sagas(store: Store, **asked: Any) -> dict[str, Saga]:
    return {saga.saga_id: saga for page in pages(store, **asked) for saga in page.sagas}


def _soon() -> Deadline:
    return Deadline.after(SystemClock(), 30)


def course(saga: Saga) -> dict[str, StepStatus]:
    return {step.name: step.status for step in saga.steps or ()}


def workflow(saga_id: str, status: str = "PENDING", at: datetime = NOW, **columns: Any) -> dict[str, Any]:
    moment = round(at.timestamp() * 1000)
    told = {"name": "make.<locals>.order_saga", "executor_id": "worker-1", "created_at": moment, "updated_at": moment}
    never = dict.fromkeys(("was_forked_from", "rate_limited", "is_debounced"), False)
    return {
        "workflow_uuid": saga_id,
        "status": status,
        "recovery_attempts": 1,
        "priority": 0,
        **told,
        **never,
        **columns,
    }


def step(saga_id: str, number: int, name: str, error: str | None = None, **columns: Any) -> dict[str, Any]:
    moment = round(NOW.timestamp() * 1000) + number
    return {
        "workflow_uuid": saga_id,
        "function_id": number,
        "function_name": name,
        "output": pickled(None) if error is None else None,
        "error": pickled(RuntimeError(error)) if error is not None else None,
        "started_at_epoch_ms": moment,
        "completed_at_epoch_ms": moment,
        "serialization": "py_pickle",
        "retention_timestamp": 0,
        **columns,
    }


def read(
    database: SystemDatabase,
    workflows: Sequence[dict[str, Any]],
    steps: Sequence[dict[str, Any]] = (),
    *,
    now: datetime = NOW,
    policy: Policy = ORDER,
    **said: Any,
) -> dict[str, Saga]:
    with database.engine.begin() as connection:
        for table, rows in (("workflow_status", workflows), ("operation_outputs", steps)):
            for row in rows:
                connection.execute(database.tables[table].insert(), [row])
    return sagas(database.store(policy=policy, clock=StillClock(now), **said))


def test_a_run_that_was_dumped(database: SystemDatabase) -> None:
    database.load((DATA / "orders.sql").read_text())
    told = sagas(database.store(policy=ORDER, clock=StillClock(DUMPED)))
    first, second, third = (told[f"order-{number}"] for number in (1, 2, 3))
    assert (first.state, first.raw_state, first.saga_type) == (SagaState.FAILED, "ERROR", "order_saga")
    assert course(first) == {
        "reserve_stock": StepStatus.COMPLETED,
        "charge_card": StepStatus.COMPENSATION_FAILED,
        "ship": StepStatus.FAILED,
    }
    assert first.error is not None
    assert first.error.startswith("DBOSMaxStepRetriesExceeded: refund_card, 2, ConnectionError: payment gateway 503")
    if database.on_sqlite:  # PostgreSQL has a clock of its own, by which its hour of waiting is over
        assert (second.state, second.waiting_for) == (SagaState.WAITING, "signal")
        assert second.next_attempt_at == datetime.fromtimestamp(1795167739.681602, UTC)
    assert (third.state, third.attempts) == (SagaState.COMPLETED, None)


def test_a_wait_that_is_over_is_no_wait(on_sqlite: SystemDatabase) -> None:
    until = NOW + timedelta(minutes=5)
    asleep = {"output": str(until.timestamp()), "serialization": "portable_json"}
    rows = [step("s", 1, "DBOS.sleep", **asleep), step("r", 2, "DBOS.sleep", **asleep)]
    rows += [step("a", 1, "DBOS.recv"), step("a", 2, "DBOS.sleep", **asleep)]
    workflows = [workflow(each) for each in "sra"]
    before = read(on_sqlite, workflows, rows, policy=Policy())
    assert {name: (saga.state, saga.waiting_for) for name, saga in before.items()} == {
        "s": (SagaState.WAITING, "timer"),
        "r": (SagaState.WAITING, "signal"),
        "a": (SagaState.PENDING, None),
    }
    after = read(on_sqlite, [], now=until + timedelta(hours=1), policy=Policy())
    assert {saga.state for saga in after.values()} == {SagaState.PENDING}
    assert after["s"].updated_at == until
    assert after["s"].next_attempt_at is None
    assert after["a"].updated_at == NOW


def test_work_that_was_done_more_often_than_undone_still_stands(on_sqlite: SystemDatabase) -> None:
    workflows = [workflow(each, "ERROR", completed_at=round(NOW.timestamp() * 1000)) for each in ("once", "twice")]
    rows = [step("once", 1, "charge_card"), step("once", 2, "refund_card")]
    rows += [step("twice", 1, "charge_card"), step("twice", 2, "charge_card"), step("twice", 3, "refund_card")]
    told = read(on_sqlite, workflows, rows)
    assert told["once"].state is SagaState.COMPENSATED
    assert told["twice"].state is SagaState.FAILED
    assert course(told["twice"])["charge_card"] is StepStatus.COMPLETED


def test_undos_are_paired_by_name_where_they_ran(on_sqlite: SystemDatabase) -> None:
    rows = [step("s", 1, "f.<locals>.book"), step("s", 2, "pay"), step("s", 3, "cancel_book"), step("s", 4, "book_it")]
    told = read(on_sqlite, [workflow("s")], rows, policy=Policy())["s"]
    assert told.state is SagaState.COMPENSATING
    assert course(told) == {
        "book": StepStatus.COMPENSATED,
        "pay": StepStatus.COMPLETED,
        "book_it": StepStatus.COMPLETED,
    }
    assert told.steps is not None
    assert [each.compensation for each in told.steps] == ["cancel_book", None, None]


def test_a_failure_that_was_lived_with_is_no_failure_unless_the_step_was_asked_for(on_sqlite: SystemDatabase) -> None:
    done = round(NOW.timestamp() * 1000)
    rows = [
        step("s", 1, "reserve_stock"),
        step("s", 2, "charge_card"),
        step("s", 3, "ship", "no"),
        step("s", 4, "tell", "x"),
    ]
    told = read(on_sqlite, [workflow("s", "SUCCESS", completed_at=done)], rows)["s"]
    assert told.state is SagaState.COMPLETED
    assert course(told)["ship"] is StepStatus.FAILED
    assert course(told)["tell"] is StepStatus.SKIPPED


def test_a_workflow_that_was_undone_and_returned_is_undone(on_sqlite: SystemDatabase) -> None:
    done = {"completed_at": round(NOW.timestamp() * 1000)}
    rows = [step("u", 1, "charge_card"), step("u", 2, "ship", "no"), step("u", 3, "refund_card")]
    rows += [step("h", 1, "charge_card"), step("h", 2, "ship", "no"), step("h", 3, "refund_card", "503")]
    told = read(on_sqlite, [workflow("u", "SUCCESS", **done), workflow("h", "SUCCESS", **done)], rows)
    assert told["u"].state is SagaState.COMPENSATED
    assert told["h"].state is SagaState.FAILED


def test_a_child_is_out_until_its_result_is_asked_for(on_sqlite: SystemDatabase) -> None:
    child = {"child_workflow_id": "c", "output": None, "serialization": None, "completed_at_epoch_ms": None}
    rows = [step("out", 1, "supply", **child), step("left", 1, "supply", **child), step("left", 2, "pay")]
    rows += [step("got", 1, "supply", **child), step("got", 2, "DBOS.getResult", "boom", child_workflow_id="c")]
    told = read(on_sqlite, [workflow(each) for each in ("out", "left", "got")], rows, policy=Policy())
    assert course(told["out"]) == {"supply": StepStatus.EXECUTING}
    assert told["out"].current_step == "supply"
    assert course(told["left"]) == {"supply": StepStatus.COMPLETED, "pay": StepStatus.COMPLETED}
    assert course(told["got"]) == {"supply": StepStatus.FAILED}


def test_the_step_that_sagas_names_next_is_out(on_sqlite: SystemDatabase) -> None:
    told = read(on_sqlite, [workflow("s"), workflow("none")], [step("s", 1, "reserve_stock")])
    assert course(told["s"]) == {
        "reserve_stock": StepStatus.COMPLETED,
        "charge_card": StepStatus.EXECUTING,
        "ship": StepStatus.PENDING,
    }
    assert course(told["none"])["reserve_stock"] is StepStatus.EXECUTING
    assert all(each.derived for each in told["s"].steps or () if each.status is StepStatus.EXECUTING)


def test_an_executor_is_gone_when_the_configuration_says_so_or_its_version_was_replaced(
    on_sqlite: SystemDatabase,
) -> None:
    versions = "insert into application_versions (version_id, version_name, version_timestamp, created_at) values "
    began = round(NOW.timestamp() * 1000)
    on_sqlite.engine.dispose()
    on_sqlite.run(f"{versions} ('1', 'old', {began}, 0), ('2', 'new', {began + 60_000}, 0)")
    rows = [workflow(each, application_version=each) for each in ("old", "new", "else")]
    plain = read(on_sqlite, rows)
    assert {saga.owner.alive for saga in plain.values() if saga.owner is not None} == {None}
    assert {saga.owner.lease_until for saga in plain.values() if saga.owner is not None} == {None}
    told = read(on_sqlite, [], drain="1h", executors=["worker-2"])
    assert {saga.owner.alive for saga in told.values() if saga.owner is not None} == {False}
    leases = {name: saga.owner.lease_until for name, saga in told.items() if saga.owner is not None}
    assert leases == {"old": NOW + timedelta(minutes=1, hours=1), "new": None, "else": None}


def test_odd_cells_are_doubts_and_never_an_error(on_sqlite: SystemDatabase) -> None:
    rows = [
        workflow("word", "REPLAYING"),
        workflow("none", None),  # type: ignore[arg-type]
        workflow("time", updated_at=12, created_at="yesterday"),
        workflow("far", updated_at=10**18),
    ]
    odd = [step("word", 1, "a", started_at_epoch_ms="x", output="gA", error=None), step("far", -1, "DBOS.sleep")]
    told = read(on_sqlite, rows, odd)
    assert told["word"].state is SagaState.UNKNOWN
    assert [doubt.field for doubt in told["word"].doubts] == ["state"]
    assert [doubt.field for doubt in told["none"].doubts] == ["state"]
    assert {doubt.field for doubt in told["time"].doubts} == {"created_at", "updated_at"}
    assert [doubt.field for doubt in told["far"].doubts] == ["updated_at"]


def test_a_phase_that_a_workflow_tells_counts_while_it_runs(on_sqlite: SystemDatabase) -> None:
    on_sqlite.engine.dispose()
    events = "insert into workflow_events (workflow_uuid, key, value, serialization) values "
    read(on_sqlite, [workflow("a"), workflow("b"), workflow("c", "CANCELLED", completed_at=1)])
    said = pickled("Compensating")
    on_sqlite.run(*(f"{events} ('{each}', 'state', '{said}', 'py_pickle')" for each in "ac"))
    told = read(on_sqlite, [], phase="state")
    assert [told[each].state for each in "abc"] == [SagaState.COMPENSATING, SagaState.PENDING, SagaState.CANCELLED]


def test_the_fork_that_completed_repairs_and_else_the_newest(on_sqlite: SystemDatabase) -> None:
    then = [NOW + timedelta(seconds=number) for number in range(4)]
    rows = [workflow("mended", "ERROR", was_forked_from=True), workflow("not", "ERROR", was_forked_from=True)]
    rows += [
        workflow("m1", "SUCCESS", then[1], forked_from="mended"),
        workflow("m2", "ERROR", then[2], forked_from="mended"),
    ]
    rows += [workflow("n2", "PENDING", then[2], forked_from="not"), workflow("n1", "ERROR", then[1], forked_from="not")]
    told = read(on_sqlite, rows)
    assert (told["mended"].repaired_by, told["not"].repaired_by) == ("m1", "n2")
    assert (told["m1"].repaired_by, told["m1"].correlation_id) == (None, "mended")


def test_types_are_asked_for_by_their_short_names(database: SystemDatabase) -> None:
    rows = [workflow("in"), workflow("plain", name="order_saga"), workflow("other", name="x.<locals>.order%saga")]
    with database.engine.begin() as connection:
        for row in rows:
            connection.execute(database.tables["workflow_status"].insert(), [row])
    assert set(sagas(database.store(), saga_types=frozenset(("order_saga",)))) == {"in", "plain"}
    assert set(sagas(database.store(), saga_types=frozenset(("order%saga",)))) == {"other"}


def test_tables_of_an_older_version_are_read_as_far_as_they_go(on_sqlite: SystemDatabase) -> None:
    read(on_sqlite, [workflow("s"), workflow("e", "ERROR")], [step("s", 1, "reserve_stock")])
    indexes = on_sqlite.engine.connect().exec_driver_sql(
        "select name from sqlite_master where type = 'index' and sql is not null"
    )
    on_sqlite.run(*(f'drop index "{name}"' for (name,) in indexes.fetchall()))
    gone = ("completed_at", "parent_workflow_id", "was_forked_from", "forked_from", "delay_until_epoch_ms")
    on_sqlite.run(*(f"alter table workflow_status drop column {name}" for name in gone))
    on_sqlite.run(*(f"drop table {each}" for each in ("workflow_input", "workflow_output", "application_versions")))
    told = sagas(on_sqlite.store(policy=ORDER, clock=StillClock(NOW), drain="1h"))
    assert set(told) == {"s", "e"}


def test_a_big_table_without_its_indexes_is_not_read_unasked(on_sqlite: SystemDatabase) -> None:
    read(on_sqlite, [workflow(f"s{number}") for number in range(30)])
    on_sqlite.run("analyze")
    assert len(sagas(on_sqlite.store(big_table=10))) == 30
    notes = [note for page in pages(on_sqlite.store(big_table=10)) for note in page.notes]
    assert notes == ["whether there are rows with a status that DBOS 3.4 doesn't have was not looked for"]
    on_sqlite.run("drop index idx_workflow_status_pending", "drop index idx_workflow_status_in_flight_v2", "analyze")
    on_sqlite.run("drop index idx_workflow_status_partition_dequeue_v3")
    with pytest.raises(FullScanRefused, match="no index of workflow_status"):
        sagas(on_sqlite.store(big_table=10))
    assert len(sagas(on_sqlite.store(big_table=10), allow_full_scan=True)) == 30


def test_another_database_is_told_from_one_of_dbos(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("create table workflow_status (id text, name text)")
    connection.close()
    with pytest.raises(SchemaMismatch, match="has no column workflow_uuid, status"):
        sagas(SystemDatabase(f"sqlite:///{path}").store())
    connection = sqlite3.connect(path)
    connection.execute("drop table workflow_status")
    connection.close()
    with pytest.raises(SchemaMismatch, match="no system tables of DBOS"):
        sagas(SystemDatabase(f"sqlite:///{path}").store())


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"url": "mariadb://u@h/d"}, "PostgreSQL or SQLite"),
        ({"url": "nonsense"}, "not a URL"),
        ({"url": "sqlite:////x.db", "undo": ["undo"]}, "has no {step}"),
    ],
)
def test_settings_that_cant_be_used(said: dict[str, Any], why: str) -> None:
    from sagadoctor_dbos import plugin

    from sagadoctor.testing.opening import open_store

    with pytest.raises(ConfigError, match=why):
        open_store(plugin, **said)
