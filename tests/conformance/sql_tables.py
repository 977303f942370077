"""Three companies' saga tables, written as their own engines would, and what a store can tell of them.

`Template` is the table of the preset `saga-template`. `Runs` has other names, whole numbers for ids, types, states and
statuses, times in milliseconds since 1970, a table of tasks beside it, and an outbox. `Bare` tells next to nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec
from pydantic import SecretStr
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    DateTime,
    Engine,
    Index,
    Integer,
    MetaData,
    NullPool,
    String,
    Table,
    Text,
    create_engine,
    text,
)
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT, VARCHAR
from sqlalchemy.dialects.postgresql import JSONB

from sagadoctor.adapters.sql import plugin
from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import Deadline, Owner, Saga, SagaState, Step, StepStatus, Store, StoreContext, SystemClock
from sagadoctor.testing.store_suite import StoreSuite

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql").with_variant(Text(), "sqlite")
Moment = DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")
Long = Text().with_variant(LONGTEXT(collation="utf8mb4_bin"), "mysql", "mariadb")


def short(length: int = 240) -> Any:
    """A text whose bytes alone tell it from another one, also with a space at its end."""
    exact = VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin")
    return String(length).with_variant(exact, "mysql", "mariadb")


class OnSql(StoreSuite):
    """A table of one company in a database of any kind; the class of the test sets `url`."""

    metadata: ClassVar[MetaData]
    locked: ClassVar[str]
    """The table that everything is read from."""
    mapping: ClassVar[Mapping[str, Any]]
    url: str
    many = 4_100
    short = 0.2
    patience = 10.0

    def rows(self, saga: Saga) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Return the rows of each table that hold a saga."""
        raise NotImplementedError

    @cached_property
    def engine(self) -> Engine:
        """The company's own way in."""
        engine = create_engine(self.url, poolclass=NullPool)
        self.metadata.drop_all(engine)
        self.metadata.create_all(engine)
        return engine

    def open(self, sagas: Sequence[Saga]) -> Store:
        written: dict[str, list[Mapping[str, Any]]] = {}
        for saga in sagas:
            for table, rows in self.rows(saga).items():
                written.setdefault(table, []).extend(rows)
        with self.engine.begin() as connection:
            for table in self.metadata.sorted_tables:
                connection.execute(table.delete())
                if written.get(table.name):
                    connection.execute(table.insert(), written[table.name])
        return self.store()

    def store(self) -> SqlStore:
        """Open a store as the configuration does."""
        address, secret = _without_password(self.url)
        limits = {} if address.startswith("sqlite") else {"statement_timeout": "1h", "lock_timeout": "1h"}
        given = {"url": address, **limits, **self.mapping}
        if secret is not None:
            given["password"] = {"env": "NOWHERE"}
        options = plugin.options.model_validate(plugin.expand(given))
        if secret is not None:
            assert options.password is not None
            resolved = options.password.model_copy(update={"value": SecretStr(secret)})
            options = options.model_copy(update={"password": resolved})
        store = plugin.open(options, StoreContext("orders", "test", SystemClock()))
        assert isinstance(store, SqlStore)
        return store

    async def write(self, store: Store) -> None:
        assert isinstance(store, SqlStore)
        deadline = Deadline.after(SystemClock(), 10.0)
        await store._guest.run(lambda session: session.ask(f"delete from {self.locked}"), deadline)

    @contextmanager
    def broken(self, store: Store) -> Iterator[None]:
        self._run(f"alter table {self.locked} rename to gone")
        try:
            yield
        finally:
            self._run(f"alter table gone rename to {self.locked}")

    @contextmanager
    def hanging(self, store: Store) -> Iterator[None]:
        if self.engine.dialect.name == "sqlite":
            with _locked_by_another_process(_path(self.url)):
                yield
            return
        with self.engine.connect() as holder:
            self.own.add(_number(holder))
            exclusive = {"postgresql": "lock table {} in access exclusive mode", "mysql": "lock tables {} write"}
            holder.execute(text(exclusive[self.engine.dialect.name].format(self.locked)))
            try:
                yield
            finally:
                holder.rollback()

    def connections(self) -> int | None:
        if self.engine.dialect.name == "sqlite":
            return sum(
                _is_open(descriptor, self.url.partition(":///")[2]) for descriptor in os.listdir("/proc/self/fd")
            )
        watcher = self._watcher
        own = ", ".join(str(number) for number in self.own)
        counted = watcher.execute(text(_COUNT[self.engine.dialect.name].format(own=own)))
        return int(counted.scalar_one())

    @cached_property
    def own(self) -> set[int]:
        """The connections that are the test's."""
        return set()

    @cached_property
    def _watcher(self) -> Connection:
        watcher = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self.own.add(_number(watcher))
        return watcher

    def let_go(self) -> None:
        """Close what the test had open."""
        if "_watcher" in vars(self):
            self._watcher.close()
        self.engine.dispose()

    def _run(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement))


_COUNT = {
    "postgresql": "select count(*) from pg_stat_activity where datname = current_database() and pid not in ({own})",
    "mysql": "select count(*) from information_schema.processlist where db = database() and id not in ({own})",
}
_NUMBER = {"postgresql": "select pg_backend_pid()", "mysql": "select connection_id()"}
_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("begin exclusive")
print("locked", flush=True)
sys.stdin.read()
"""


def _number(connection: Connection) -> int:
    number = int(connection.execute(text(_NUMBER[connection.engine.dialect.name])).scalar_one())
    connection.rollback()
    return number


def _path(url: str) -> str:
    return url.partition(":///")[2]


@contextmanager
def _locked_by_another_process(path: str) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", _LOCK, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            holder.stdin.close()


def _is_open(descriptor: str, path: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}") == path
    except OSError:
        return False


def _without_password(url: str) -> tuple[str, str | None]:
    parts = urlsplit(url)
    if parts.password is None:
        return url, None
    place = f"{parts.username}@{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    return urlunsplit((parts.scheme, place, *parts[2:])), unquote(parts.password)


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
        return msgspec.structs.replace(
            told,
            updated_at=told.updated_at or told.created_at,
            payload=None if data is None else json.dumps(data).encode(),
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
        return msgspec.structs.replace(told, updated_at=told.updated_at or told.created_at, steps=told.steps or ())


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
