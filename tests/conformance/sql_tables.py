"""Three companies' saga tables, written as their own engines would, and what a store can tell of them.

`Template` is the table of the preset `saga-template`. `Runs` has other names, whole numbers for ids, types, states and
statuses, times in milliseconds since 1970, a table of tasks beside it, and an outbox. `Bare` tells next to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT, VARCHAR
from sqlalchemy.dialects.postgresql import JSONB

from sagadoctor.api.v1 import Owner, Saga, SagaState, Step, StepStatus

from .on_sql import OnSql, timeless

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql").with_variant(Text(), "sqlite")
Moment = DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")
Long = Text().with_variant(LONGTEXT(collation="utf8mb4_bin"), "mysql", "mariadb")


def short(length: int = 240) -> Any:
    """A text whose bytes alone tell it from another one, also with a space at its end."""
    exact = VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin")
    return String(length).with_variant(exact, "mysql", "mariadb")


def _naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=None)


class Template(OnSql):
    """The table of the preset `saga-template`."""

    metadata = MetaData()
    Table(
        "sagas",
        metadata,
        Column("saga_id", short(), primary_key=True),
        Column("saga_type", short(64), nullable=False),
        Column("state", short(32), nullable=False),
        Column("current_step", Integer, nullable=False),
        Column("data", Json),
        Column("steps", Json, nullable=False),
        Column("created_at", Moment),
        Column("updated_at", Moment),
        Index("ix_sagas_state_updated_at", "state", "updated_at"),
    )
    locked = "sagas"
    hangs_on_sqlite = True
    mapping = MappingProxyType({"preset": "saga-template", "saga": {"business_key": "$.order_id"}})
    states = MappingProxyType(
        {
            SagaState.STARTED: "STARTED",
            SagaState.PENDING: "PENDING",
            SagaState.COMPENSATING: "COMPENSATING",
            SagaState.COMPLETED: "COMPLETED",
            SagaState.COMPENSATED: "FAILED",
        }
    )
    tells = frozenset(("saga_type", "current_step", "steps", "business_key", "created_at", "updated_at", "payload"))
    step_tells = frozenset(("action", "compensation", "result", "error", "executed_at", "compensated_at", "timeout_at"))
    needs = frozenset(("saga_type", "steps"))
    names = ("reserve_stock", "charge_card", "ship")

    def rows(self, saga: Saga) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        steps = [self._step(step) for step in saga.steps or ()]
        cursor = self.names.index(saga.current_step) if saga.current_step else len(steps)
        return {
            "sagas": [
                {
                    "saga_id": saga.saga_id,
                    "saga_type": saga.saga_type,
                    "state": saga.raw_state,
                    "current_step": cursor,
                    "data": self._json(self._data(saga)),
                    "steps": self._json(steps),
                    "created_at": _naive(saga.created_at),
                    "updated_at": _naive(saga.updated_at),
                }
            ]
        }

    def _data(self, saga: Saga) -> dict[str, Any] | None:
        if saga.payload is not None:
            payload: dict[str, Any] = json.loads(saga.payload)
            return payload
        return None if saga.business_key is None else {"order_id": saga.business_key}

    def _json(self, document: object) -> object:
        """SQLite keeps JSON as text; the drivers of the others write it themselves."""
        if document is None or self.engine.dialect.name != "sqlite":
            return document
        return json.dumps(document)

    def _step(self, step: Step) -> dict[str, Any]:
        return {
            "name": step.name,
            "status": step.raw_status,
            "action": step.action,
            "compensation": step.compensation,
            "result": None if step.result is None else json.loads(step.result),
            "error": step.error,
            **{
                name: None if (at := _naive(getattr(step, name))) is None else at.isoformat()
                for name in ("executed_at", "compensated_at", "timeout_at")
            },
        }

    def expected(self, saga: Saga) -> Saga:
        told = super().expected(saga)
        data = self._data(saga)
        return timeless(
            msgspec.structs.replace(
                told,
                updated_at=told.updated_at or told.created_at,
                payload=None if data is None else json.dumps(data).encode(),
            )
        )


def _since_1970(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - EPOCH) // MILLISECOND


class Runs(OnSql):
    """Whole numbers everywhere, times in milliseconds, tasks in a table of their own, and an outbox."""

    metadata = MetaData()
    Table(
        "flow_run",
        metadata,
        Column("run_no", BigInteger, primary_key=True, autoincrement=False),
        Column("kind", Integer),
        Column("phase", Integer, nullable=False),
        Column("at_task", short(64)),
        Column("customer_order", short()),
        *(Column(name, BigInteger) for name in ("begun", "touched", "over", "due", "again", "leased")),
        Column("rev", Integer),
        Column("tries", Integer),
        Column("why", Long),
        Column("worker", short(64)),
        Column("waits", short(32)),
        Column("part_of", BigInteger),
        Column("mended_by", BigInteger),
        Column("corr", short()),
        Column("trace", short(64)),
        Column("doc", Long),
        Index("ix_flow_run_phase", "phase", "touched"),
        Index("ix_flow_run_order", "customer_order"),
    )
    Table(
        "flow_task",
        metadata,
        Column("run_no", BigInteger, primary_key=True, autoincrement=False),
        Column("place", Integer, primary_key=True, autoincrement=False),
        Column("task", short(64), nullable=False),
        Column("phase", Integer, nullable=False),
        Column("call_name", short(128)),
        Column("undo_name", short(128)),
        *(Column(name, BigInteger) for name in ("sent", "done", "undone", "due", "again")),
        Column("tries", Integer),
        Column("why", Long),
        Column("answer", Long),
    )
    Table(
        "flow_mail",
        metadata,
        Column("id", short(64), primary_key=True),
        Column("run_no", BigInteger, index=True),
        Column("task", short(64)),
        Column("made", BigInteger),
        Column("sent", BigInteger),
    )
    locked = "flow_run"
    states = MappingProxyType(
        {state: str(10 * place) for place, state in enumerate(SagaState) if state is not SagaState.UNKNOWN}
    )
    statuses = MappingProxyType(
        {status: str(place) for place, status in enumerate(StepStatus) if status is not StepStatus.UNKNOWN}
    )
    unknown_word = "999"
    resolution = MILLISECOND
    ids_are_text = False
    mapping = MappingProxyType(
        {
            "saga": {
                "table": "flow_run",
                "id": {"column": "run_no", "format": "int"},
                "type": {"column": "kind", "values": {"1": "OrderFulfillment", "2": "TripBooking"}},
                "state": {"column": "phase", "values": {word: state.value for state, word in states.items()}},
                "current_step": {"column": "at_task", "by": "name"},
                "payload": "doc",
                "business_key": "customer_order",
                **{
                    name: {"column": column, "format": "epoch_ms"}
                    for name, column in {
                        "created_at": "begun",
                        "updated_at": "touched",
                        "ended_at": "over",
                        "deadline": "due",
                        "next_attempt_at": "again",
                        "lease_until": "leased",
                    }.items()
                },
                "version": "rev",
                "attempts": "tries",
                "error": "why",
                "owner": "worker",
                "waiting_for": "waits",
                "parent": "part_of",
                "repaired_by": "mended_by",
                "correlation_id": "corr",
                "trace_id": "trace",
            },
            "steps": {
                "shape": "child_table",
                "table": "flow_task",
                "foreign_key": "run_no",
                "order_by": "place",
                "fields": {
                    "name": "task",
                    "status": {"column": "phase", "values": {word: each.value for each, word in statuses.items()}},
                    "action": "call_name",
                    "compensation": "undo_name",
                    "attempts": "tries",
                    "error": "why",
                    "result": "answer",
                    **{
                        name: {"column": column, "format": "epoch_ms"}
                        for name, column in {
                            "started_at": "sent",
                            "executed_at": "done",
                            "compensated_at": "undone",
                            "timeout_at": "due",
                            "next_attempt_at": "again",
                        }.items()
                    },
                },
            },
            "outbox": {
                "table": "flow_mail",
                "id": "id",
                "saga_id": "run_no",
                "step": "task",
                "created_at": {"column": "made", "format": "epoch_ms"},
                "sent_at": {"column": "sent", "format": "epoch_ms"},
            },
        }
    )

    def saga_id(self, number: int) -> str:
        return str(1_000_000_000_000 + number * 7919 % 10_007)

    def spellings(self, saga_id: str) -> Sequence[str]:
        return (saga_id, f"00{saga_id}", f" {saga_id} ", f"+{saga_id}")

    def rows(self, saga: Saga) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        owner = saga.owner or Owner("")
        run = {
            "run_no": int(saga.saga_id),
            "kind": None if saga.saga_type is None else self.types.index(saga.saga_type) + 1,
            "phase": int(saga.raw_state or "0"),
            "at_task": saga.current_step,
            "customer_order": saga.business_key,
            "begun": _since_1970(saga.created_at),
            "touched": _since_1970(saga.updated_at),
            "over": _since_1970(saga.ended_at),
            "due": _since_1970(saga.deadline),
            "again": _since_1970(saga.next_attempt_at),
            "leased": _since_1970(owner.lease_until),
            "rev": None if saga.version is None else int(saga.version),
            "tries": saga.attempts,
            "why": saga.error,
            "worker": owner.name or None,
            "waits": saga.waiting_for,
            "part_of": None if saga.parent_id is None else int(saga.parent_id),
            "mended_by": None if saga.repaired_by is None else int(saga.repaired_by),
            "corr": saga.correlation_id,
            "trace": saga.trace_id,
            "doc": None if saga.payload is None else saga.payload.decode(),
        }
        tasks = [self._task(run["run_no"], step) for step in saga.steps or ()]
        mail = [
            {
                "id": entry.entry_id,
                "run_no": run["run_no"],
                "task": entry.step,
                "made": _since_1970(entry.created_at),
                "sent": _since_1970(entry.sent_at),
            }
            for entry in saga.outbox
        ]
        return {"flow_run": [run], "flow_task": tasks, "flow_mail": mail}

    def _task(self, run_no: int, step: Step) -> dict[str, Any]:
        return {
            "run_no": run_no,
            "place": step.index,
            "task": step.name,
            "phase": int(step.raw_status or "0"),
            "call_name": step.action,
            "undo_name": step.compensation,
            "sent": _since_1970(step.started_at),
            "done": _since_1970(step.executed_at),
            "undone": _since_1970(step.compensated_at),
            "due": _since_1970(step.timeout_at),
            "again": _since_1970(step.next_attempt_at),
            "tries": step.attempts,
            "why": step.error,
            "answer": None if step.result is None else step.result.decode(),
        }

    def expected(self, saga: Saga) -> Saga:
        told = super().expected(saga)
        updated_at = told.updated_at or told.created_at
        return timeless(msgspec.structs.replace(told, updated_at=updated_at, steps=told.steps or ()))


class Bare(OnSql):
    """An id and a word, without an index on either but the key's: no types, no times, no steps."""

    metadata = MetaData()
    Table("job", metadata, Column("name", short(), primary_key=True), Column("word", short(32)))
    locked = "job"
    states = MappingProxyType({SagaState.PENDING: "open", SagaState.COMPLETED: "shut", SagaState.FAILED: "dead"})
    types = ()
    tells = frozenset[str]()
    mapping = MappingProxyType(
        {
            "saga": {
                "table": "job",
                "id": "name",
                "state": {"column": "word", "values": {word: state.value for state, word in states.items()}},
            }
        }
    )

    def rows(self, saga: Saga) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {"job": [{"name": saga.saga_id, "word": saga.raw_state}]}


def _by_query(mapping: Mapping[str, Any], **keys: str) -> Mapping[str, Any]:
    """A mapping whose tables are queries of their columns in another order of words."""
    said = dict(mapping)
    for section, key in keys.items():
        table = said[section]["table"]
        said[section] = {**said[section], "table": {"query": f"select q.* from {table} q where 1 = 1", "key": key}}
    return MappingProxyType(said)


class Queried(Runs):
    """The same rows, each table of them by a query."""

    mapping = _by_query(Runs.mapping, saga="run_no", steps="place", outbox="id")
