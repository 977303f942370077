"""The conversation around a saga in a real database: replies that nobody took, locks that somebody else holds."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from sagadoctor.adapters.sql import conversation, locks
from sagadoctor.api.v1 import LockWait, Page, Policy, Receipt, Reply, ReplyOutcome, Saga, StillClock
from sagadoctor.model.finding import Finding
from sagadoctor.services.backends import Backends
from sagadoctor.services.scan import ScanRequest, scan
from tests.adapters.sheet import GOOD, TEMPLATE, Sheet, later, pages, read, read_one, steps_json

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WRITTEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
COLUMNS = {**TEMPLATE, "last_request": "text"}
MESSAGE = {
    "id": "id", "destination": "text", "headers": "document", "published": "int", "creation_time": "bigint"
}  # fmt: skip
RECEIVED = {"consumer_id": "text", "message_id": "text", "creation_time": "bigint"}
LOCK = {"target": "id", "saga_id": "text"}
STASH = {"message_id": "id", "target": "text", "saga_id": "text"}
AT = {"column": "creation_time", "format": "epoch_ms"}
TALK: dict[str, Any] = {
    "preset": "saga-template",
    "outbox": {
        "table": "message",
        "id": "id",
        "saga": "last_request",
        "step": {"column": "headers", "path": "$.command"},
        "sent": {"column": "published", "values": {"0": "no", "1": "yes"}},
        "created_at": AT,
    },
    "received": {"table": "received_messages", "message": "message_id", "consumer": "consumer_id", "at": AT},
    "replies": {
        "table": "message",
        "answers": {"column": "headers", "path": "$.reply_to"},
        "outcome": {"column": "headers", "path": "$.reply_outcome-type", "values": {"OK": "done", "NO": "refused"}},
        "taken_by": "{saga_type}-consumer",
    },
}
LOCKS: dict[str, Any] = {
    "preset": "saga-template",
    "locks": {
        "table": "lock_table",
        "target": "target",
        "holder": "saga_id",
        "waiters": {"table": "stash_table", "target": "target", "saga": "saga_id"},
    },
}
BIG: dict[str, Any] = {"big_table": 50}


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def message(message_id: str, at: datetime = WRITTEN, published: int = 1, **headers: str) -> dict[str, Any]:
    return {
        "id": message_id,
        "destination": "somewhere",
        "headers": json.dumps(headers),
        "published": published,
        "creation_time": ms(at),
    }


def reply(message_id: str, to: str, outcome: str = "OK", **fields: Any) -> dict[str, Any]:
    return message(message_id, **{"at": WRITTEN + timedelta(seconds=5), "reply_to": to, **fields}) | {}


class Town:
    """The tables around a table of sagas."""

    def __init__(self, url: str, **changed: dict[str, str]) -> None:
        self.sagas = Sheet(url, columns=changed.get("sagas", COLUMNS))
        self.messages = Sheet(url, "message", changed.get("message", MESSAGE))
        self.received = Sheet(url, "received_messages", RECEIVED)
        self.locks = Sheet(url, "lock_table", LOCK)
        self.stash = Sheet(url, "stash_table", STASH)

    def order(self, saga_id: str = "s-1", request: str | None = "m-1", **fields: Any) -> None:
        self.sagas.add(self.sagas.good(saga_id=saga_id, last_request=request, **fields))

    def answer(self, message_id: str, to: str, outcome: str = "OK", **fields: Any) -> None:
        told = message(message_id, **{"at": WRITTEN + timedelta(seconds=5), **fields}, reply_to=to)
        headers = json.loads(told["headers"]) | {"reply_outcome-type": outcome}
        self.messages.add({**told, "headers": json.dumps(headers)})

    def receive(self, consumer: str, *messages: str, at: datetime = WRITTEN) -> None:
        self.received.add(
            *({"consumer_id": consumer, "message_id": each, "creation_time": ms(at)} for each in messages)
        )
