"""A fresh company on SQLite for each test, and a way to look at what it wrote."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, Row, Table, create_engine, select

from sagadoctor.demo.bus import Message
from sagadoctor.demo.schema import SAGAS
from sagadoctor.demo.world import World

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Look:
    """Reads the company's tables over a connection of its own, as any stranger would."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def rows(self, table: Table) -> list[Row[Any]]:
        with self._engine.connect() as connection:
            return list(connection.execute(select(table).order_by(*table.primary_key.columns)))

    def count(self, table: Table) -> int:
        return len(self.rows(table))

    def saga(self, reference: str) -> Row[Any]:
        (found,) = [row for row in self.rows(SAGAS) if row.data["reference"] == reference]
        return found

    def statuses(self, reference: str) -> list[str]:
        return [step["status"] for step in self.saga(reference).steps]

    def step(self, reference: str, name: str) -> dict[str, Any]:
        (found,) = [step for step in self.saga(reference).steps if step["name"] == name]
        return dict(found)


class PumpedBus:
    """A bus that delivers when it is asked to, as one with a broker behind it would."""

    def __init__(self) -> None:
        self.handlers: defaultdict[str, list[Callable[[Message], None]]] = defaultdict(list)
        self.waiting: deque[Message] = deque()

    def publish(self, message: Message) -> None:
        self.waiting.append(message)

    def subscribe(
        self,
        topic: str,
        handler: Callable[[Message], None],
        *,
        ack_first: bool = False,
        is_up: Callable[[], bool] = lambda: True,
    ) -> None:
        self.handlers[topic].append(handler)

    def pump(self) -> None:
        while self.waiting:
            message = self.waiting.popleft()
            for handler in self.handlers[message.topic]:
                handler(message)


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    engine = create_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def world(engine: Engine) -> Iterator[World]:
    world = World(engine, NOON)
    yield world
    world.close()


@pytest.fixture
def look(engine: Engine) -> Look:
    return Look(engine)
