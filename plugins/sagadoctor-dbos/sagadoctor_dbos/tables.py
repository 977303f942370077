"""The system tables as this database has them: DBOS adds and moves columns from version to version."""

# ruff: noqa: S608 - names are looked up and quoted, words are constants, values are bound

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sagadoctor.api.v1 import Capability, SchemaMismatch
from sagadoctor.api.v1.sql import POSTGRESQL, Session, Table

from .values import BOUND

WORKFLOWS: Final = "workflow_status"
STEPS: Final = "operation_outputs"
_NEEDED: Final = ("workflow_uuid", "status", "name", "created_at", "updated_at")
_WORKFLOW: Final = (
    "executor_id",
    "queue_name",
    "application_version",
    "recovery_attempts",
    "workflow_timeout_ms",
    "workflow_deadline_epoch_ms",
    "started_at_epoch_ms",
    "forked_from",
    "was_forked_from",
    "parent_workflow_id",
    "serialization",
    "delay_until_epoch_ms",
    "completed_at",
)
_STEP: Final = (
    "function_id",
    "function_name",
    "child_workflow_id",
    "started_at_epoch_ms",
    "completed_at_epoch_ms",
    "serialization",
)


class Tables:
    """What the statements need to know, looked up once a scan."""

    def __init__(self, session: Session, schema: str) -> None:
        """Find the tables; raises SchemaMismatch where this is no system database of DBOS."""
        self.engine = session.engine
        self.product, self.version = session.product, session.version
        self._session, self._schema = session, schema if session.engine == POSTGRESQL else None
        self.workflows = self._needed(WORKFLOWS, *_NEEDED)
        self.steps = self._needed(STEPS, "workflow_uuid", "function_id", "function_name", "output", "error")
        self._inputs = self._optional("workflow_input")
        self._outputs = self._optional("workflow_output")
        self._events = self._optional("workflow_events")
        self._versions = self._optional("application_versions")
        self._migrations = self._optional("dbos_migrations")
        self._names = {
            table.name: session.named(table)
            for table in (
                self.workflows,
                self.steps,
                self._inputs,
                self._outputs,
                self._events,
                self._versions,
                self._migrations,
            )
            if table is not None
        }
        del self._session

    def _needed(self, name: str, *columns: str) -> Table:
        hint = "say the system database's URL, the one that the application's configuration names"
        if self._schema is not None:
            hint += f", and its schema if that isn't {self._schema!r}: system_schema"
        try:
            table = self._session.catalog.table([part for part in (self._schema, name) if part is not None])
        except SchemaMismatch as mismatch:
            raise SchemaMismatch(f"no system tables of DBOS: {mismatch.reason}", hint=hint) from None
        missing = [column for column in columns if table.find(column) is None]
        if missing:
            raise SchemaMismatch(f"{table.place} has no column {', '.join(missing)}: it isn't one of DBOS", hint=hint)
        return table

    def _optional(self, name: str) -> Table | None:
        try:
            return self._session.catalog.table([part for part in (self._schema, name) if part is not None])
        except SchemaMismatch:
            return None

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Return what these tables can tell; business keys and outboxes DBOS doesn't have."""
        told = {Capability.STEPS, Capability.TIMES, Capability.ENDED, Capability.PAYLOAD}
        if self.has("parent_workflow_id"):
            told.add(Capability.LINKS)
        return frozenset(told)

    def has(self, column: str) -> bool:
        """Say whether a workflow's row has this column."""
        return self.workflows.find(column) is not None

    def named(self, table: str) -> str:
        """Return a table's quoted name."""
        return self._names[table]

    def leads(self, column: str, predicate: str = "") -> bool:
        """Say whether an index of the workflows begins with this column, or is a partial one over all such rows."""
        return any(
            index.columns[:1] == (column,)
            if index.predicate is None
            else bool(predicate) and predicate in index.predicate and " and " not in index.predicate.lower()
            for index in self.workflows.indexes
        )

    @property
    def moved(self) -> str:
        """Return the expression of when an ended row changed last."""
        return "coalesce(w.completed_at, w.updated_at)" if self.has("completed_at") else "w.updated_at"

    def workflow_select(self, *, detail: bool) -> str:
        """Return `select … from …` of workflows `w`, in the order of `workflow_names`."""
        there = [f"w.{name}" if self.has(name) else "null" for name in (*_NEEDED, *_WORKFLOW)]
        joins = f"{self.named(WORKFLOWS)} w"
        errors = ["w.error"] if self.has("error") else []
        inputs = ["w.inputs"] if self.has("inputs") else []
        if self._outputs is not None:
            joins += f" left join {self.named('workflow_output')} o on o.workflow_uuid = w.workflow_uuid"
            errors.insert(0, "o.error")
        if detail and self._inputs is not None:
            joins += f" left join {self.named('workflow_input')} i on i.workflow_uuid = w.workflow_uuid"
            inputs.insert(0, "i.inputs")
        told = [_bounded(errors), _bounded(inputs) if detail else "null"]
        return f"select {', '.join((*there, *told))} from {joins}"

    @property
    def workflow_names(self) -> tuple[str, ...]:
        """Return what the columns of `workflow_select` are."""
        return (*_NEEDED, *_WORKFLOW, "error", "inputs")

    def step_select(self) -> str:
        """Return `select …` of the steps of the workflows `:ids`, in the order of `step_names`."""
        there = [f"s.{name}" if self.steps.find(name) is not None else "null" for name in _STEP]
        told = ["s.workflow_uuid", *there, _bounded(["s.output"]), _bounded(["s.error"])]
        return (
            f"select {', '.join(told)} from {self.named(STEPS)} s where s.workflow_uuid in :ids"
            " order by s.workflow_uuid, s.function_id"
        )

    @property
    def step_names(self) -> tuple[str, ...]:
        """Return what the columns of `step_select` are."""
        return ("workflow_uuid", *_STEP, "output", "error")

    def fork_select(self) -> str | None:
        """Return `select …` of the forks of the workflows `:ids`, the newest last; None where DBOS keeps none."""
        if not self.has("forked_from"):
            return None
        return (
            "select w.forked_from, w.workflow_uuid, w.status"
            f" from {self.named(WORKFLOWS)} w where w.forked_from in :ids order by w.created_at"
        )

    def event_select(self) -> str | None:
        """Return `select …` of the event `:key` of the workflows `:ids`; None where DBOS keeps none."""
        if self._events is None:
            return None
        tongue = "e.serialization" if self._events.find("serialization") is not None else "null"
        return (
            f"select e.workflow_uuid, {_bounded(['e.value'])}, {tongue} from {self.named('workflow_events')} e"
            " where e.key = :key and e.workflow_uuid in :ids"
        )

    def version_select(self) -> str | None:
        """Return `select …` of the application's versions, the oldest first; None where DBOS keeps none."""
        if self._versions is None:
            return None
        owner = "v.application_name" if self._versions.find("application_name") is not None else "null"
        named = self.named("application_versions")
        return f"select {owner}, v.version_name, v.version_timestamp from {named} v order by v.version_timestamp"

    def migration_select(self) -> str | None:
        """Return `select …` of the version of these tables; None where they don't say."""
        if self._migrations is None:
            return None
        return f"select max(version) from {self.named('dbos_migrations')}"


def row_of(names: tuple[str, ...], row: object) -> Mapping[str, object]:
    """Return a row's cells by their names."""
    assert isinstance(row, tuple | list)
    return dict(zip(names, row, strict=True))


def _bounded(columns: list[str]) -> str:
    if not columns:
        return "null"
    told = f"coalesce({', '.join(columns)})" if len(columns) > 1 else columns[0]
    return f"substr({told}, 1, {BOUND})"
