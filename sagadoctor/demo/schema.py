"""The company's tables, the same on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    inspect,
)
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.dialects.postgresql import JSONB

from sagadoctor.errors import UsageError


class _JsonText(TypeDecorator[Any]):
    """JSON in a plain TEXT column, as applications on SQLite usually keep it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


METADATA = MetaData()
Json = JSON().with_variant(JSONB(), "postgresql").with_variant(_JsonText(), "sqlite")
Moment = DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")
"""Naive UTC; MariaDB keeps no fraction of a second unless told to."""


def _number() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


SAGAS = Table(
    "sagas",
    METADATA,
    Column("saga_id", String(36), primary_key=True),
    Column("saga_type", String(64), nullable=False),
    Column("state", String(32), nullable=False),
    Column("current_step", Integer, nullable=False),
    Column("data", Json, nullable=False),
    Column("steps", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index("ix_sagas_state_updated_at", "state", "updated_at"),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    # Two undos of one transaction share their created_at: only a counted column tells which comes first.
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False),
    Column("saga_id", String(36)),
    Column("step", String(64)),
    Column("topic", String(128), nullable=False),
    Column("msg_key", String(64)),
    Column("payload", Text, nullable=False),
    Column("headers", Text),
    Column("created_at", Moment, nullable=False),
    Column("sent_at", Moment),
    UniqueConstraint("id", name="uq_outbox_id"),
    Index("ix_outbox_saga_id", "saga_id"),
    Index("ix_outbox_sent_at", "sent_at"),
)


DEAD_LETTERS = Table(
    "dead_letters",
    METADATA,
    _number(),
    Column("original_topic", String(128), nullable=False),
    Column("msg_key", String(64)),
    Column("payload", Text, nullable=False),
    Column("headers", Text),
    Column("error", Text, nullable=False),
    Column("failed_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
)

PROCESSED_MESSAGES = Table(
    "processed_messages",
    METADATA,
    Column("participant", String(64), primary_key=True),
    Column("idempotency_key", String(180), primary_key=True),
    Column("reply", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

STOCK = Table(
    "stock",
    METADATA,
    Column("sku", String(32), primary_key=True),
    Column("on_hand", Integer, nullable=False),
)
RESERVATIONS = Table(
    "reservations",
    METADATA,
    _number(),
    Column("saga_id", String(36), nullable=False),
    Column("reference", String(32), nullable=False),
    Column("sku", String(32), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("reserved_at", Moment, nullable=False),
    Column("released_at", Moment),
)
PAYMENTS = Table(
    "payments",
    METADATA,
    _number(),
    Column("saga_id", String(36), nullable=False),
    Column("reference", String(32), nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("captured_at", Moment, nullable=False),
)
REFUNDS = Table(
    "refunds",
    METADATA,
    _number(),
    Column("saga_id", String(36), nullable=False),
    Column("reference", String(32), nullable=False),
    Column("payment_id", Integer, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("refunded_at", Moment, nullable=False),
)
APPROVALS = Table(
    "approvals",
    METADATA,
    _number(),
    Column("saga_id", String(36), nullable=False, unique=True),
    Column("step", String(64), nullable=False),
    Column("reference", String(32), nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("decided_at", Moment),
    Column("approved", Boolean),
)
SHIPMENTS = Table(
    "shipments",
    METADATA,
    _number(),
    Column("saga_id", String(36), nullable=False),
    Column("reference", String(32), nullable=False),
    Column("carrier", String(32), nullable=False),
    Column("shipped_at", Moment, nullable=False),
)
EMAILS = Table(
    "emails",
    METADATA,
    _number(),
    Column("saga_id", String(36), nullable=False),
    Column("reference", String(32), nullable=False),
    Column("recipient", String(128), nullable=False),
    Column("sent_at", Moment, nullable=False),
)
FRAUD_CASES = Table(
    "fraud_cases",
    METADATA,
    _number(),
    Column("saga_id", String(36), nullable=False),
    Column("reference", String(32), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("dropped_at", Moment),
)
ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("account", String(32), primary_key=True),
    Column("balance_cents", BigInteger, nullable=False),
    Column("closed", Boolean, nullable=False),
)
LEDGER_ENTRIES = Table(
    "ledger_entries",
    METADATA,
    _number(),
    Column("saga_id", String(36), nullable=False),
    Column("reference", String(32), nullable=False),
    Column("account", String(32), nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at", Moment, nullable=False),
)


def create_tables(engine: Engine) -> None:
    """Create every table; refuse where one of that name exists, for it could be somebody's real one."""
    taken = sorted(set(inspect(engine).get_table_names()) & set(METADATA.tables))
    if taken:
        raise UsageError(
            f"the demo only moves into an empty database, and this one has {', '.join(taken)}; "
            "name another database or file"
        )
    METADATA.create_all(engine)
