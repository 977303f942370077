"""The person who approves orders: a task in a table, and a decision some time later, or never."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Row, insert, select, update

from .bus import Message, decode, encode, take
from .database import naive
from .participants import Ground
from .schema import APPROVALS
from .topics import ASK_APPROVAL, STEP_COMPLETED, STEP_FAILED


@dataclass(frozen=True, slots=True)
class Decision:
    """What the person will say about an order, and how long after being asked; None is never."""

    after: timedelta | None
    approves: bool = True


class ApprovalDesk:
    """Puts a task on the person's desk; the reply to the command is the person's decision."""

    def __init__(self, ground: Ground) -> None:
        """Begin with an empty desk and a person who approves everything within minutes."""
        self.decisions: dict[str, Decision] = {}
        self._ground = ground
        ground.bus.subscribe(ASK_APPROVAL, self.receive)

    def receive(self, message: Message) -> None:
        """Put the task on the desk, once; a repeat gets the decision again if there is one."""
        body = decode(message.body)
        saga_id, step_name = take(body, "saga_id"), take(body, "step_name")
        task = self._task(saga_id)
        if task is None:
            self._ask(saga_id, step_name, take(body, "reference"))
        elif task.decided_at is not None:
            self._reply(saga_id, step_name, task.approved)

    def decide(self, saga_id: str, step_name: str, approves: bool) -> None:
        """Let the person decide now."""
        with self._ground.database.transaction() as connection:
            connection.execute(
                update(APPROVALS)
                .where(APPROVALS.c.saga_id == saga_id)
                .values(decided_at=naive(self._ground.schedule.now()), approved=approves)
            )
        self._reply(saga_id, step_name, approves)

    def _task(self, saga_id: str) -> Row[tuple[object, ...]] | None:
        with self._ground.database.transaction() as connection:
            return connection.execute(select(APPROVALS).where(APPROVALS.c.saga_id == saga_id)).one_or_none()

    def _ask(self, saga_id: str, step_name: str, reference: str) -> None:
        asked_at = naive(self._ground.schedule.now())
        with self._ground.database.transaction() as connection:
            connection.execute(
                insert(APPROVALS).values(saga_id=saga_id, step=step_name, reference=reference, asked_at=asked_at)
            )
        usual = Decision(self._ground.chance.seconds(30, 240, "approval", saga_id))
        decision = self.decisions.get(reference, usual)
        if decision.after is not None:
            act = partial(self.decide, saga_id, step_name, decision.approves)
            self._ground.schedule.after(decision.after, act)

    def _reply(self, saga_id: str, step_name: str, approves: bool) -> None:
        about = {"saga_id": saga_id, "step_name": step_name}
        if approves:
            topic, body = STEP_COMPLETED, {**about, "result": {"approved_by": "m.rossi"}}
        else:
            topic, body = STEP_FAILED, {**about, "error": "rejected by m.rossi"}
        headers = {"correlation-id": saga_id, "message-type": topic}
        self._ground.bus.publish(Message(topic, saga_id, encode(body), headers))
