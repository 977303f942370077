"""What every participant does: take a command, do the work once or twice, and reply."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from sqlalchemy import Connection, Table, insert, select

from .bus import Body, Bus, HandlerError, Message, decode, encode, take
from .chance import Chance
from .database import Database, naive
from .faults import (
    AnyFault,
    DuplicateReply,
    Faults,
    HandlerThrows,
    LateReply,
    LostReply,
    NeverAnswers,
    SlowWork,
)
from .schedule import Schedule
from .schema import PROCESSED_MESSAGES
from .topics import COMPENSATION_COMPLETED, STEP_COMPLETED, STEP_FAILED


class Refused(Exception):
    """The participant says no, for a reason of its business."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What every participant stands on."""

    schedule: Schedule
    database: Database
    bus: Bus
    chance: Chance
    faults: Faults


@dataclass(frozen=True, slots=True)
class Duty:
    """What a participant does for one topic, how long its reply takes (in seconds), and whether it is an undo."""

    carry_out: Callable[[Connection, Body], dict[str, Any]]
    takes: tuple[float, float]
    undo: bool = False


@dataclass(frozen=True, slots=True)
class _Reply:
    topic: str
    body: Body

    def to_text(self) -> str:
        return json.dumps({"topic": self.topic, "body": self.body})

    @classmethod
    def from_text(cls, text: str) -> _Reply:
        kept = json.loads(text)
        return cls(kept["topic"], kept["body"])


class Participant:
    """A service: guarded ones keep each reply under an idempotency key and replay it at a repeat."""

    guarded: ClassVar[bool] = True

    def __init__(self, ground: Ground) -> None:
        """Listen to the commands it has duties for."""
        self.ground = ground
        self._duties = self.duties()
        for topic in self._duties:
            ground.bus.subscribe(topic, self.receive)

    def duties(self) -> Mapping[str, Duty]:
        """Return what it does, by topic."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """Return its name in the company."""
        return type(self).__name__

    def receive(self, message: Message) -> None:
        """Handle one command, as well as its faults let it."""
        body = decode(message.body)
        thrown = self._fault(HandlerThrows, message.topic, body)
        if thrown is not None:
            raise HandlerError(thrown.error)
        if self._fault(NeverAnswers, message.topic, body) is None:
            self._answer(message.topic, body, self._work(message.topic, body))

    def record(self, connection: Connection, table: Table, body: Body, **values: Any) -> int:
        """Insert a row about the saga that the command is for, and return its number."""
        reference = take(body, "reference")
        row = insert(table).values(saga_id=body["saga_id"], reference=reference, **values)
        return int(connection.execute(row.returning(table.c.id)).scalar_one())

    def now(self) -> datetime:
        """Return the present as the tables keep it."""
        return naive(self.ground.schedule.now())

    def _work(self, topic: str, body: Body) -> _Reply:
        about = {"saga_id": take(body, "saga_id"), "step_name": take(body, "step_name")}
        duty = self._duties[topic]
        key = f"{about['saga_id']}/{topic}"
        try:
            with self.ground.database.transaction() as connection:
                known = self._known(connection, key)
                if known is not None:
                    return known
                result = duty.carry_out(connection, body)
                if duty.undo:
                    reply = _Reply(COMPENSATION_COMPLETED, about)
                else:
                    reply = _Reply(STEP_COMPLETED, {**about, "result": result})
                self._remember(connection, key, reply)
                return reply
        except Refused as refusal:
            if duty.undo:
                # An orchestrator of this kind has no word for a refused undo: all a handler can do is throw.
                raise HandlerError(str(refusal)) from refusal
            return _Reply(STEP_FAILED, {**about, "error": str(refusal)})

    def _known(self, connection: Connection, key: str) -> _Reply | None:
        if not self.guarded:
            return None
        kept = PROCESSED_MESSAGES.c
        text = connection.execute(
            select(kept.reply).where(kept.participant == self.name, kept.idempotency_key == key)
        ).scalar_one_or_none()
        return None if text is None else _Reply.from_text(text)

    def _remember(self, connection: Connection, key: str, reply: _Reply) -> None:
        if self.guarded:
            connection.execute(
                insert(PROCESSED_MESSAGES).values(
                    participant=self.name,
                    idempotency_key=key,
                    reply=reply.to_text(),
                    at=self.now(),
                )
            )

    def _answer(self, topic: str, body: Body, reply: _Reply) -> None:
        if self._fault(LostReply, topic, body) is not None:
            return
        low, high = self._duties[topic].takes
        takes = self.ground.chance.seconds(low, high, topic, reply.body["saga_id"])
        slow = self._fault(SlowWork, topic, body)
        if slow is not None:
            takes = slow.takes
        late = self._fault(LateReply, topic, body)
        if late is not None:
            takes += late.by
        self._reply(reply, takes)
        duplicate = self._fault(DuplicateReply, topic, body)
        if duplicate is not None:
            self._reply(reply, takes + duplicate.after)

    def _reply(self, reply: _Reply, takes: timedelta) -> None:
        saga_id = reply.body["saga_id"]
        headers = {"correlation-id": saga_id, "message-type": reply.topic}
        message = Message(reply.topic, saga_id, encode(reply.body), headers)
        self.ground.schedule.after(takes, partial(self.ground.bus.publish, message))

    def _fault(self, kind: type[AnyFault], topic: str, body: Body) -> AnyFault | None:
        return self.ground.faults.strike(kind, body.get("reference"), topic, self.ground.schedule.now())
