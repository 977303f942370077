"""Saga tables on any engine, written the way an application would, and the mapping that reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import sqlalchemy as sa

from sagadoctor.adapters.sql import plugin
from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import Clock, Policy, Saga, SagaState, Step, StepStatus, StoreContext, SystemClock

MOMENTS = ("created_at", "updated_at", "ended_at", "deadline", "next_attempt_at")
TEXTS = ("saga_type", "current_step", "business_key", "version", "error", "waiting_for", "parent_id", "repaired_by")
TRACES = ("correlation_id", "trace_id")
STATES = {state.name: state.value for state in SagaState if state is not SagaState.UNKNOWN}
STATUSES = {status.name: status.value for status in StepStatus if status is not StepStatus.UNKNOWN}
STEP_TEXTS = ("name", "status", "action", "compensation", "error")
STEP_MOMENTS = ("started_at", "executed_at", "compensated_at", "timeout_at", "next_attempt_at")


def mapping(**changes: Any) -> dict[str, Any]:
    """The whole language for the table that `SagaTable` makes."""
    fields = {name: name for name in (*STEP_TEXTS, *STEP_MOMENTS, "attempts", "result")}
    said: dict[str, Any] = {
        "saga": {
            "table": "sagas",
            "id": "saga_id",
            "type": "saga_type",
            "state": {"column": "state", "values": STATES},
            "current_step": {"column": "current_step", "by": "name"},
            "payload": "data",
            "attempts": "attempts",
            "owner": "owner",
            "lease_until": "lease_until",
            "parent": "parent_id",
            **{name: name for name in (*MOMENTS, "business_key", "version", "error", "waiting_for", "repaired_by")},
            **{name: name for name in TRACES},
        },
        "steps": {
            "shape": "json_list",
            "column": "steps",
            "fields": {**fields, "status": {"column": "status", "values": STATUSES}},
        },
        "outbox": {
            "table": "outbox",
            "id": "id",
            "saga_id": "saga_id",
            "step": "step",
            "sent": {"column": "sent", "values": {"0": "no", "1": "yes"}},
            "created_at": "created_at",
            "sent_at": "sent_at",
        },
    }
    for key, value in changes.items():
        said[key] = {**said[key], **value} if isinstance(value, Mapping) and key in said else value
    return {key: value for key, value in said.items() if value is not None}


def without_password(url: str) -> tuple[str, dict[str, Any]]:
    """A URL as the configuration takes it, and the password beside it."""
    parts = urlsplit(url)
    if parts.password is None:
        return url, {}
    host = f"{parts.username}@{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    plain = urlunsplit((parts.scheme, host, parts.path, parts.query, parts.fragment))
    return plain, {"password": {"env": "SAGADOCTOR_TEST_PASSWORD"}}


def open_store(url: str, said: Mapping[str, Any], *, clock: Clock | None = None, **context: Any) -> SqlStore:
    """A store as the configuration would open it; the password of the URL is resolved as a secret."""
    plain, password = without_password(url)
    options = plugin.options.model_validate(plugin.expand({"url": plain, **password, **said}))
    secret = urlsplit(url).password
    if secret is not None:
        options = options.model_copy(
            update={"password": options.password.model_copy(update={"value": _secret(secret)})}
        )
    known = {"name": "orders", "environment": "test", "clock": clock or SystemClock(), "policy": Policy(), **context}
    store = plugin.open(options, StoreContext(**known))
    assert isinstance(store, SqlStore)
    return store


def _secret(text: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(text)


class SagaTable:
    """The tables of one database: made, emptied, filled."""

    json_type: Any = sa.JSON
    text_options: Mapping[str, Any] = {}

    def __init__(self, url: str, *, child: bool = False) -> None:
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        self.child = child
        self.meta = sa.MetaData()
        kind = self.engine.dialect.name
        collation = {"mysql": "utf8mb4_bin", "mariadb": "utf8mb4_bin"}.get(kind)
        short: Any = sa.String(600, collation=collation)
        long: Any = sa.Text(collation=collation)
        moment: Any = sa.Text() if kind == "sqlite" else sa.DateTime(timezone=True)
        if collation:
            from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT

            moment = DATETIME(fsp=6)
            document: Any = LONGTEXT(collation=collation)
        else:
            document = sa.Text()
        self.moment_is_text = kind == "sqlite"
        self.sagas = sa.Table(
            "sagas",
            self.meta,
            sa.Column("saga_id", short, primary_key=True),
            sa.Column("state", short, index=True),
            *(sa.Column(name, long if name == "error" else short) for name in (*TEXTS, *TRACES)),
            *(sa.Column(name, moment) for name in (*MOMENTS, "lease_until")),
            sa.Column("attempts", sa.Integer),
            sa.Column("owner", short),
            sa.Column("steps", document),
            sa.Column("data", document),
        )
        self.outbox = sa.Table(
            "outbox",
            self.meta,
            sa.Column("id", short, primary_key=True),
            sa.Column("saga_id", short, index=True),
            sa.Column("step", short),
            sa.Column("sent", sa.Integer),
            sa.Column("created_at", moment),
            sa.Column("sent_at", moment),
        )
        self.steps = sa.Table(
            "saga_steps",
            self.meta,
            sa.Column("saga_id", short, primary_key=True),
            sa.Column("place", sa.Integer, primary_key=True),
            *(sa.Column(name, long if name == "error" else short) for name in STEP_TEXTS),
            *(sa.Column(name, moment) for name in STEP_MOMENTS),
            sa.Column("attempts", sa.Integer),
            sa.Column("result", document),
        )
        self.meta.create_all(self.engine)

    def moment(self, at: datetime | None) -> Any:
        if at is None:
            return None
        at = at.astimezone(UTC)
        return at.isoformat() if self.moment_is_text else at

    def write(self, sagas: Sequence[Saga]) -> None:
        """Replace everything by these sagas."""
        with self.engine.begin() as connection:
            for table in (self.outbox, self.steps, self.sagas):
                connection.execute(table.delete())
            rows = [self._row(saga) for saga in sagas]
            entries = [self._entry(saga, entry) for saga in sagas for entry in saga.outbox]
            steps = [self._step(saga, step) for saga in sagas for step in saga.steps or ()] if self.child else []
            for table, some in ((self.sagas, rows), (self.outbox, entries), (self.steps, steps)):
                if some:
                    connection.execute(table.insert(), some)

    def _row(self, saga: Saga) -> dict[str, Any]:
        return {
            "saga_id": saga.saga_id,
            "state": saga.raw_state,
            **{name: getattr(saga, name) for name in (*TEXTS, *TRACES)},
            **{name: self.moment(getattr(saga, name)) for name in MOMENTS},
            "lease_until": self.moment(saga.owner.lease_until) if saga.owner else None,
            "owner": saga.owner.name if saga.owner else None,
            "attempts": saga.attempts,
            "steps": None if saga.steps is None else json.dumps([as_json(step) for step in saga.steps]),
            "data": None if saga.payload is None else saga.payload.decode(),
        }

    def _entry(self, saga: Saga, entry: Any) -> dict[str, Any]:
        return {
            "id": entry.entry_id,
            "saga_id": saga.saga_id,
            "step": entry.step,
            "sent": int(bool(entry.sent)),
            "created_at": self.moment(entry.created_at),
            "sent_at": self.moment(entry.sent_at),
        }

    def _step(self, saga: Saga, step: Step) -> dict[str, Any]:
        return {
            "saga_id": saga.saga_id,
            "place": step.index,
            **{name: getattr(step, name) for name in ("name", "action", "compensation", "error", "attempts")},
            "status": step.raw_status,
            **{name: self.moment(getattr(step, name)) for name in STEP_MOMENTS},
            "result": None if step.result is None else step.result.decode(),
        }


def as_json(step: Step) -> dict[str, Any]:
    """A step as an application keeps it in its JSON."""
    said: dict[str, Any] = {name: getattr(step, name) for name in ("name", "action", "compensation", "error")}
    said["status"] = step.raw_status
    said["attempts"] = step.attempts
    for name in STEP_MOMENTS:
        at = getattr(step, name)
        said[name] = None if at is None else at.isoformat()
    said["result"] = None if step.result is None else json.loads(step.result)
    return said
