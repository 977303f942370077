"""A system database as DBOS 3.4.0 made it, and sagas written into it as DBOS would."""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from sagadoctor_dbos import plugin
from sqlalchemy import Engine, MetaData, NullPool, create_engine

from sagadoctor.api.v1 import Clock, Policy, Saga, Step, StepStatus, Store
from sagadoctor.testing.opening import open_store

DATA: Final = Path(__file__).with_name("data")
SCHEMA: Final = "dbos"
_TABLES: Final = ("workflow_status", "operation_outputs", "workflow_output", "workflow_input")


class SystemDatabase:
    """The system tables in a database of their own."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def on_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    @cached_property
    def engine(self) -> Engine:
        """The application's own way in; the tables are made on the way."""
        engine = create_engine(self.url, poolclass=NullPool)
        script = (DATA / ("sqlite.sql" if self.on_sqlite else "postgresql.sql")).read_text()
        raw = engine.raw_connection()
        try:
            if self.on_sqlite:
                raw.cursor().executescript(script)  # type: ignore[attr-defined]
            else:
                raw.cursor().execute(script)
                raw.cursor().execute("set search_path to default")
            raw.commit()
        finally:
            raw.close()
        return engine

    @cached_property
    def tables(self) -> dict[str, Any]:
        schema = None if self.on_sqlite else SCHEMA
        metadata = MetaData()
        metadata.reflect(self.engine, schema=schema, only=_TABLES)
        return {table.name: table for table in metadata.sorted_tables}

    def named(self, table: str) -> str:
        return table if self.on_sqlite else f"{SCHEMA}.{table}"

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for each in statements:
                connection.exec_driver_sql(each)

    def load(self, script: str) -> None:
        """Load the rows of a dump."""
        self.run(*(line.replace("INSERT INTO dbos.", f"INSERT INTO {self.named('')}") for line in script.splitlines()))

    def fill(self, sagas: Sequence[Saga]) -> None:
        """Let these be all workflows."""
        written: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES}
        for saga in sagas:
            for name, row in rows_of(saga):
                written[name].append(row)
        with self.engine.begin() as connection:
            for name in _TABLES:
                connection.execute(self.tables[name].delete())
                if written[name]:
                    connection.execute(self.tables[name].insert(), written[name])

    def store(self, *, policy: Policy | None = None, clock: Clock | None = None, **said: Any) -> Store:
        """Open the store as a configuration does."""
        return open_store(
            plugin, name="orders", url=self.url, policy=policy, clock=clock, statement_timeout="1h", **said
        )


def rows_of(saga: Saga) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield a saga's rows, each with its table."""
    yield (
        "workflow_status",
        {
            "workflow_uuid": saga.saga_id,
            "status": saga.raw_state,
            "name": saga.saga_type,
            "executor_id": saga.owner.name if saga.owner is not None else None,
            "created_at": _ms(saga.created_at),
            "updated_at": _ms(saga.updated_at),
            "completed_at": _ms(saga.ended_at),
            "recovery_attempts": saga.attempts or 1,
            "workflow_deadline_epoch_ms": _ms(saga.deadline),
            "delay_until_epoch_ms": _ms(saga.next_attempt_at) if saga.raw_state == "DELAYED" else None,
            "parent_workflow_id": saga.parent_id,
            "forked_from": saga.correlation_id,
            "was_forked_from": False,
            "serialization": "py_pickle",
            "priority": 0,
            "rate_limited": False,
            "is_debounced": False,
        },
    )
    for number, step in enumerate(saga.steps or (), 1):
        yield "operation_outputs", _step_row(saga.saga_id, number, step)
    if saga.error is not None:
        yield "workflow_output", {"workflow_uuid": saga.saga_id, "error": pickled(RuntimeError(saga.error))}
    if saga.payload is not None:
        yield "workflow_input", {"workflow_uuid": saga.saga_id, "inputs": pickled(json.loads(saga.payload))}


def _step_row(saga_id: str, number: int, step: Step) -> dict[str, Any]:
    failed = step.status is StepStatus.FAILED
    return {
        "workflow_uuid": saga_id,
        "function_id": number,
        "function_name": f"make.<locals>.{step.name}",
        "started_at_epoch_ms": _ms(step.started_at),
        "completed_at_epoch_ms": _ms(step.executed_at),
        "output": None if failed else pickled(None if step.result is None else json.loads(step.result)),
        "error": pickled(RuntimeError(step.error)) if failed else None,
        "serialization": "py_pickle",
        "retention_timestamp": 0,
    }


def pickled(value: object) -> str:
    """Serialise as DBOS does by default."""
    return base64.b64encode(pickle.dumps(value)).decode()


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)
