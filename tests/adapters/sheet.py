"""One table of any shape on any engine, filled row by row, and read through a mapping."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import Deadline, Look, Page, Saga, SystemClock

from .opening import open_store

CLOCK = SystemClock()
TEMPLATE = {
    "saga_id": "id",
    "saga_type": "text",
    "state": "text",
    "current_step": "int",
    "data": "document",
    "steps": "document",
    "created_at": "moment",
    "updated_at": "moment",
}
_TYPES = {
    "sqlite": {
        "id": "varchar(64) primary key",
        "text": "varchar(200)",
        "long": "text",
        "int": "integer",
        "bigint": "bigint",
        "document": "text",
        "moment": "datetime",
        "zoned": "timestamp with time zone",
        "blob": "blob",
        "flag": "boolean",
    },
    "postgresql": {
        "id": "varchar(64) primary key",
        "text": "varchar(200)",
        "long": "text",
        "int": "integer",
        "bigint": "bigint",
        "document": "text",
        "moment": "timestamp",
        "zoned": "timestamptz",
        "blob": "bytea",
        "flag": "boolean",
    },
    "mysql": {
        "id": "varchar(64) primary key",
        "text": "varchar(200)",
        "long": "longtext",
        "int": "integer",
        "bigint": "bigint",
        "document": "longtext",
        "moment": "datetime(6)",
        "zoned": "timestamp(6) null",
        "blob": "longblob",
        "flag": "tinyint(1)",
    },
}
_TYPES["mariadb"] = _TYPES["mysql"]


def steps_json(*statuses: str, **fields: Any) -> str:
    """A list of steps a, b, c… with these statuses."""
    return json.dumps(
        [
            {"name": chr(97 + at), "action": f"Do{at}", "compensation": f"Undo{at}", "status": status, **fields}
            for at, status in enumerate(statuses)
        ]
    )


GOOD = {
    "saga_id": "s-1",
    "saga_type": "Order",
    "state": "pending",
    "current_step": 1,
    "data": '{"order_id": "A-1"}',
    "steps": steps_json("completed", "executing"),
    "created_at": "2026-11-20 09:00:00",
    "updated_at": "2026-11-20 10:00:00.25",
}


class Sheet:
    """A table on the engine of a URL."""

    def __init__(self, url: str, name: str = "sagas", columns: Mapping[str, str] = TEMPLATE) -> None:
        self.url, self.name = url, name
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        self.kind = self.engine.dialect.name
        if columns:
            quoted = self.quoted
            types = _TYPES[self.kind]
            body = ", ".join(f"{quoted(column)} {types.get(kind, kind)}" for column, kind in columns.items())
            self.run(f"create table {quoted(name)} ({body})")

    def quoted(self, name: str) -> str:
        """A name as this engine quotes it."""
        mark = "`" if self.kind in ("mysql", "mariadb") else '"'
        return mark + name.replace(mark, mark * 2) + mark

    def run(self, *statements: str) -> None:
        """Run statements as they are."""
        connection = self.engine.raw_connection()  # the driver's own: no sign in the text means a parameter
        try:
            for statement in statements:
                connection.cursor().execute(statement)
            connection.commit()
        finally:
            connection.close()

    def add(self, *rows: Mapping[str, Any]) -> None:
        """Insert rows; every one may have columns of its own."""
        with self.engine.begin() as connection:
            for row in rows:
                table = sa.table(self.name, *(sa.column(name) for name in row))
                connection.execute(table.insert().values({name: _bound(value) for name, value in row.items()}))

    def good(self, **changes: Any) -> dict[str, Any]:
        """A row of the template's table, with changes."""
        return {**GOOD, **changes}

    def open(self, said: Mapping[str, Any] | None = None, **context: Any) -> SqlStore:
        """A store over this table; without a mapping, the template's."""
        return open_store(self.url, said if said is not None else {"preset": "saga-template"}, **context)


def _bound(value: Any) -> Any:
    return value if isinstance(value, sa.ClauseElement) else sa.literal(value, sa.types.NullType())


def later(seconds: float = 30.0) -> Deadline:
    return Deadline.after(CLOCK, seconds)


def pages(store: SqlStore, **asked: Any) -> list[Page]:
    """Read a store to its end and close it."""

    async def work() -> list[Page]:
        try:
            return [page async for page in store.read(Look(later(), **asked))]
        finally:
            await store.close()

    return asyncio.run(work())


def read(store: SqlStore, **asked: Any) -> list[Saga]:
    """Read a store's sagas and close it."""
    return [saga for page in pages(store, **asked) for saga in page.sagas]


def read_one(store: SqlStore, **asked: Any) -> Saga:
    [saga] = read(store, **asked)
    return saga


def fetch(store: SqlStore, *ids: str, detail: bool = False) -> tuple[Saga, ...]:
    """Fetch sagas by their ids and close the store."""

    async def work() -> tuple[Saga, ...]:
        try:
            return await store.fetch(ids, later(), detail=detail)
        finally:
            await store.close()

    return asyncio.run(work())


def doubts(saga: Saga) -> dict[str, str]:
    """The reasons of a saga's doubts by their fields."""
    return {doubt.field: doubt.reason for doubt in saga.doubts}


def raws(saga: Saga) -> Sequence[str]:
    """The raw texts of a saga's doubts."""
    return [doubt.raw for doubt in saga.doubts]
