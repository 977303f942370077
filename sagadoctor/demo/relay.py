"""The relay: takes unsent rows of the outbox in order, publishes them, and marks them sent."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlalchemy import select, update

from .bus import Bus, HandlerError, Message, decode
from .database import Database, naive
from .faults import DuplicateCommand, Faults
from .schedule import Event, Schedule
from .schema import OUTBOX


class Relay:
    """Polls every second; between a publish and its mark it may die, and then it publishes again."""

    every = timedelta(seconds=1)
    batch = 100

    def __init__(self, database: Database, bus: Bus, schedule: Schedule, faults: Faults) -> None:
        """Begin running."""
        self.running = True
        self._database = database
        self._bus = bus
        self._schedule = schedule
        self._faults = faults
        self._next: Event | None = None

    def start(self) -> None:
        """Go on with what lies in the outbox."""
        self.running = True
        self.nudge()

    def stop(self) -> None:
        """Send nothing more."""
        self.running = False
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def nudge(self) -> None:
        """Poll at the next tick; a poll that would find nothing is not simulated."""
        if self.running and self._next is None:
            self._next = self._schedule.after(self.every, self._poll)

    def _poll(self) -> None:
        self._next = None
        with self._database.transaction() as connection:
            rows = connection.execute(
                select(OUTBOX).where(OUTBOX.c.sent_at.is_(None)).order_by(OUTBOX.c.position).limit(self.batch)
            ).all()
        for row in rows:
            message = Message(row.topic, row.msg_key, row.payload.encode(), json.loads(row.headers or "{}"))
            self._bus.publish(message)
            if self._dies_after(message):
                return
            with self._database.transaction() as connection:
                connection.execute(
                    update(OUTBOX).where(OUTBOX.c.position == row.position).values(sent_at=naive(self._schedule.now()))
                )
        if len(rows) == self.batch:
            self.nudge()

    def _dies_after(self, message: Message) -> bool:
        try:
            reference = decode(message.body).get("reference")
        except HandlerError:
            return False
        fault = self._faults.strike(DuplicateCommand, reference, message.topic, self._schedule.now())
        if fault is None:
            return False
        self.stop()
        self._schedule.after(fault.after, self.start)
        return True
