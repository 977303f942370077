"""Two ways to save a saga and send a message: together in one transaction, or one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from sqlalchemy import Connection, insert

from sagadoctor.clock import Clock

from .bus import Body, Bus, Message, encode
from .chance import Chance
from .database import Database, naive
from .saga import Saga, SagaTable
from .schema import OUTBOX


class Work(Protocol):
    """What an orchestrator does while it handles one message."""

    def load(self, saga_id: str) -> Saga | None:
        """Read the saga, if it is one of ours."""
        ...

    def save(self, saga: Saga) -> None:
        """Write the saga."""
        ...

    def send(self, saga: Saga, step_name: str | None, topic: str, body: Body) -> None:
        """Send a message about the saga."""
        ...


class Courier(Protocol):
    """Opens a `Work`."""

    def work(self) -> AbstractContextManager[Work]:
        """Begin to handle one message."""
        ...


def _message(saga: Saga, topic: str, body: Body) -> Message:
    return Message(topic, saga.saga_id, encode(body), {"correlation-id": saga.saga_id, "message-type": topic})


@dataclass(frozen=True, slots=True)
class _OutboxWork:
    connection: Connection
    sagas: SagaTable
    clock: Clock
    new_id: Callable[[], str]

    def load(self, saga_id: str) -> Saga | None:
        return self.sagas.get(self.connection, saga_id)

    def save(self, saga: Saga) -> None:
        self.sagas.save(self.connection, saga)

    def send(self, saga: Saga, step_name: str | None, topic: str, body: Body) -> None:
        message = _message(saga, topic, body)
        self.connection.execute(
            insert(OUTBOX).values(
                id=self.new_id(),
                saga_id=saga.saga_id,
                step=step_name,
                topic=message.topic,
                msg_key=message.key,
                payload=message.body.decode(),
                headers=json.dumps(dict(message.headers)),
                created_at=naive(self.clock.now()),
            )
        )


class OutboxCourier:
    """Everything done for one message is one transaction; a relay sends the outbox's rows later."""

    def __init__(
        self, database: Database, sagas: SagaTable, clock: Clock, chance: Chance, nudge: Callable[[], None]
    ) -> None:
        """Call `nudge` after each commit, so that the relay looks."""
        self._database = database
        self._sagas = sagas
        self._clock = clock
        self._chance = chance
        self._nudge = nudge
        self._numbers = count()

    @contextmanager
    def work(self) -> Iterator[Work]:
        """Commit at the end, or nothing."""
        with self._database.transaction() as connection:
            yield _OutboxWork(connection, self._sagas, self._clock, self._new_id)
        self._nudge()

    def _new_id(self) -> str:
        return self._chance.uuid("outbox", self._sagas.saga_type, next(self._numbers))


class DirectCourier:
    """Each save commits by itself and each message goes straight to the bus: a crash falls in between."""

    def __init__(self, database: Database, sagas: SagaTable, bus: Bus) -> None:
        """Publish to `bus`."""
        self._database = database
        self._sagas = sagas
        self._bus = bus

    @contextmanager
    def work(self) -> Iterator[Work]:
        """Hold nothing together."""
        yield self

    def load(self, saga_id: str) -> Saga | None:
        """Read the saga, if it is one of ours."""
        with self._database.transaction() as connection:
            return self._sagas.get(connection, saga_id)

    def save(self, saga: Saga) -> None:
        """Write the saga and commit."""
        with self._database.transaction() as connection:
            self._sagas.save(connection, saga)

    def send(self, saga: Saga, step_name: str | None, topic: str, body: Body) -> None:
        """Publish at once."""
        self._bus.publish(_message(saga, topic, body))
