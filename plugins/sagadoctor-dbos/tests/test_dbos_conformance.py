"""The store keeps every promise that sagadoctor asks of one, on both databases."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from dbos_database import SystemDatabase
from msgspec.structs import replace

from sagadoctor.api.v1 import Deadline, Owner, Saga, SagaState, StepStatus, Store, SystemClock
from sagadoctor.testing.store_suite import StoreSuite


class TestDbosStore(StoreSuite):
    """What DBOS can keep, and how to fill, break and watch its database."""

    states = {
        SagaState.PENDING: "PENDING",
        SagaState.STARTED: "ENQUEUED",
        SagaState.BACKING_OFF: "DELAYED",
        SagaState.COMPLETED: "SUCCESS",
        SagaState.COMPENSATED: "ERROR",
        SagaState.FAILED: "MAX_RECOVERY_ATTEMPTS_EXCEEDED",
        SagaState.CANCELLED: "CANCELLED",
    }
    statuses = {StepStatus.COMPLETED: "output", StepStatus.FAILED: "error"}
    tells = frozenset(Saga.__struct_fields__) - {
        "business_key",
        "current_step",
        "outbox",
        "received",
        "repaired_by",
        "replies",
        "trace_id",
        "version",
        "waiting_for",
        "waits_on",
    }
    step_tells = frozenset(("started_at", "executed_at", "error", "result"))
    needs = frozenset(("created_at", "updated_at"))
    resolution = timedelta(milliseconds=1)
    many = 1_600
    """A third of them has ended, which is more than a page as well."""
    short = 0.2
    patience = 10.0

    @pytest.fixture(autouse=True)
    def _database(self, database: SystemDatabase) -> None:
        self.database = database

    def open(self, sagas: Sequence[Saga]) -> Store:
        self.database.fill(sagas)
        return self.database.store(lock_timeout="1h")

    def expected(self, saga: Saga) -> Saga:
        """An error has its class, an owner no lease; a queue has no executor; a step that was done has no error."""
        saga = super().expected(saga)
        steps = tuple(
            replace(step, error=f"RuntimeError: {step.error}", result=None)
            if step.status is StepStatus.FAILED
            else replace(step, error=None)
            for step in saga.steps or ()
        )
        return replace(
            saga,
            steps=steps or None,
            error=f"RuntimeError: {saga.error}" if saga.error is not None else self._given_up(saga),
            owner=Owner(saga.owner.name) if saga.owner is not None and saga.raw_state == "PENDING" else None,
            next_attempt_at=saga.next_attempt_at if saga.raw_state == "DELAYED" else None,
        )

    def _given_up(self, saga: Saga) -> str | None:
        return "DBOS gave it up after 1 recoveries" if saga.state is SagaState.FAILED else None

    def connections(self) -> int | None:
        if self.database.on_sqlite:
            path = self.database.url.partition(":///")[2]
            return sum(_is_open(each, path) for each in os.listdir("/proc/self/fd"))
        counted = "select count(*) from pg_stat_activity where application_name like 'sagadoctor/%%' and datname = %s"
        with self.database.engine.connect() as connection:
            name = self.database.engine.url.database
            return int(connection.exec_driver_sql(counted, (name,)).scalar_one())

    def hanging(self, store: Store) -> AbstractContextManager[None] | None:
        return None if self.database.on_sqlite else self._locked()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self.database.engine.connect() as holder:
            holder.exec_driver_sql(f"lock table {self.database.named('workflow_status')} in access exclusive mode")
            try:
                yield
            finally:
                holder.rollback()

    @contextmanager
    def broken(self, store: Store) -> Iterator[None]:
        named = self.database.named("workflow_status")
        self.database.run(f"alter table {named} rename to gone")
        try:
            yield
        finally:
            self.database.run(f"alter table {named.replace('workflow_status', 'gone')} rename to workflow_status")

    async def write(self, store: Store) -> None:
        guest: Any = store._guest  # type: ignore[attr-defined]
        named = self.database.named("operation_outputs")
        await guest.run(lambda session: session.ask(f"delete from {named}"), Deadline.after(SystemClock(), 10))


def _is_open(descriptor: str, path: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}") == path
    except OSError:
        return False
