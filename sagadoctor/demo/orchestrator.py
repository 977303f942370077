"""An orchestrator of the kind that many teams copy from a template, with the template's own ways to get stuck.

Each of these is kept on purpose, because they are how real sagas get stuck:

- the failure of a first step leaves the saga compensating, with nothing to undo that could ever close it;
- a reply moves the cursor whichever step it is for, so a repeated reply starts the step after next;
- a success that comes after the timeout takes a compensating saga, even a closed one, back to pending;
- all undos are sent at once; "reverse order" is only the order in which they are published;
- `updated_at` is not touched by an undo or by the start of a step, and `executed_at` is when a step ended;
- a participant has no way to say that an undo failed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sagadoctor.clock import Clock

from .bus import Body, Bus, Message, decode, take
from .chance import Chance
from .couriers import Courier, Work
from .database import naive
from .faults import Faults, Moment, SkewedClock
from .kinds import SagaKind
from .process import Process
from .saga import Saga, State, Status, Step
from .timeouts import TimeoutChecker
from .topics import COMPENSATION_COMPLETED, STEP_COMPLETED, STEP_FAILED

TIMED_OUT: Final = "Step timed out"


class Orchestrator:
    """Sends the commands of one saga type, in order, and the undos when a step fails."""

    def __init__(
        self,
        kind: SagaKind,
        courier: Courier,
        timeouts: TimeoutChecker,
        process: Process,
        clock: Clock,
        chance: Chance,
        faults: Faults,
    ) -> None:
        """Take over the timeouts: they are timers in this process's memory."""
        self.kind = kind
        self.process = process
        self.timeouts = timeouts
        self._courier = courier
        self._clock = clock
        self._chance = chance
        self._faults = faults
        self._started = 0
        timeouts.on_timeout = self.time_out
        process.on_death.append(timeouts.forget)

    def listen(self, bus: Bus, *, ack_first: bool) -> None:
        """Receive replies."""
        for topic in (STEP_COMPLETED, STEP_FAILED, COMPENSATION_COMPLETED):
            bus.subscribe(topic, self.receive, ack_first=ack_first, is_up=self.process.is_up)

    def receive(self, message: Message) -> None:
        """Handle one reply."""
        body = decode(message.body)
        saga_id, step_name = take(body, "saga_id"), take(body, "step_name")
        if message.topic == STEP_COMPLETED:
            self.handle_step_completed(saga_id, step_name, take(body, "result"))
        elif message.topic == STEP_FAILED:
            self.handle_step_failed(saga_id, step_name, take(body, "error"))
        else:
            self.handle_compensation_completed(saga_id, step_name)

    def new_id(self) -> str:
        """Return the id for the next saga."""
        self._started += 1
        return self._chance.uuid("saga", self.kind.saga_type, self._started)

    def start(self, saga_id: str, data: dict[str, Any]) -> None:
        """Begin a saga."""
        at = self._now(data.get("reference"))
        saga = Saga(saga_id, self.kind.saga_type, data, self.kind.new_steps(), at, at)
        with self._courier.work() as work:
            work.save(saga)
            self._execute_next_step(work, saga)

    def handle_step_completed(self, saga_id: str, step_name: str, result: dict[str, Any]) -> None:
        """Note the success and go on; whether this step was the current one is not asked."""
        with self._courier.work() as work:
            saga = work.load(saga_id)
            if saga is None:
                return
            step = saga.step(step_name)
            if step is not None:
                step.status = Status.COMPLETED
                step.result = result
                step.executed_at = self._now(saga.reference)
            saga.current_step += 1
            saga.updated_at = self._now(saga.reference)
            if saga.current_step >= len(saga.steps):
                saga.state = State.COMPLETED
                work.save(saga)
                self._announce(work, saga, f"{saga.saga_type}Completed", {})
            else:
                saga.state = State.PENDING
                work.save(saga)
                self._execute_next_step(work, saga)

    def handle_step_failed(self, saga_id: str, step_name: str, error: str) -> None:
        """Note the failure and begin to undo; whether the step was completed before is not asked."""
        with self._courier.work() as work:
            saga = work.load(saga_id)
            if saga is not None:
                self._fail(work, saga, step_name, error)

    def handle_compensation_completed(self, saga_id: str, step_name: str) -> None:
        """Note the undo and close the saga when it was the last."""
        with self._courier.work() as work:
            saga = work.load(saga_id)
            if saga is None:
                return
            step = saga.step(step_name)
            if step is not None:
                step.status = Status.COMPENSATED
                step.compensated_at = self._now(saga.reference)
            if self.kind.is_settled(saga):
                saga.state = State.FAILED
            work.save(saga)
            if saga.state is State.FAILED:
                self._announce(work, saga, f"{saga.saga_type}Failed", {"error": "Saga failed"})

    def time_out(self, saga_id: str, step_name: str) -> None:
        """Fail a step that is still executing when its time is over."""
        with self._courier.work() as work:
            saga = work.load(saga_id)
            step = None if saga is None else saga.step(step_name)
            if saga is None or step is None or step.status is not Status.EXECUTING:
                return
            if not self.kind.timeouts_by_message:
                self._fail(work, saga, step_name, TIMED_OUT)
                return
            step.status = Status.FAILED
            step.error = TIMED_OUT
            saga.updated_at = self._now(saga.reference)
            work.save(saga)
            self.process.reach(Moment.PUBLISH, saga.reference, STEP_FAILED)
            told = {"saga_id": saga.saga_id, "step_name": step_name, "error": TIMED_OUT}
            work.send(saga, step_name, STEP_FAILED, told)

    def _execute_next_step(self, work: Work, saga: Saga) -> None:
        step = saga.steps[saga.current_step]
        self.process.reach(Moment.NEXT_STEP, saga.reference, step.action)
        step.status = Status.EXECUTING
        timeout = self.kind.timeout(step.name)
        if timeout is not None:
            step.timeout_at = self._now(saga.reference) + timeout
        work.save(saga)
        if step.timeout_at is not None:
            self.timeouts.arm(saga.saga_id, step.name, step.timeout_at.replace(tzinfo=UTC))
        self.process.reach(Moment.PUBLISH, saga.reference, step.action)
        work.send(saga, step.name, step.action, _command(saga, step))

    def _fail(self, work: Work, saga: Saga, step_name: str, error: str) -> None:
        step = saga.step(step_name)
        if step is not None:
            step.status = Status.FAILED
            step.error = error
        saga.state = State.COMPENSATING
        saga.updated_at = self._now(saga.reference)
        work.save(saga)
        self._compensate(work, saga)

    def _compensate(self, work: Work, saga: Saga) -> None:
        for step in reversed(saga.steps[: saga.current_step]):
            if step.status is not Status.COMPLETED or step.compensation is None:
                continue
            self.process.reach(Moment.UNDO, saga.reference, step.compensation)
            step.status = Status.COMPENSATING
            work.save(saga)
            self.process.reach(Moment.PUBLISH, saga.reference, step.compensation)
            work.send(saga, step.name, step.compensation, _undo(saga, step))

    def _announce(self, work: Work, saga: Saga, topic: str, said: Body) -> None:
        work.send(saga, None, topic, {"saga_id": saga.saga_id, **said, **saga.data})

    def _now(self, reference: str | None) -> datetime:
        now = self._clock.now()
        skew = self._faults.strike(SkewedClock, reference, None, now)
        return naive(now + (timedelta() if skew is None else skew.by))


def _command(saga: Saga, step: Step) -> Body:
    return {"saga_id": saga.saga_id, "step_name": step.name, **saga.data}


def _undo(saga: Saga, step: Step) -> Body:
    return {
        "saga_id": saga.saga_id,
        "step_name": step.name,
        "original_result": step.result,
        **saga.data,
    }
