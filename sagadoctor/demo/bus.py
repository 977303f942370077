"""Messages between the company's processes, and a bus that delivers them inside the simulation."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from .chance import Chance
from .letters import DeadLetters
from .process import ProcessDied
from .schedule import Schedule

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """What travels: a topic, a key that keeps one saga's messages together, exact bytes, headers."""

    topic: str
    key: str | None
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class HandlerError(Exception):
    """A handler threw: the bus will try again, and in the end give up."""


class Bus(Protocol):
    """What the company needs of a broker.

    A real one may call the handlers from its own poll, between two events of the schedule.
    """

    def publish(self, message: Message) -> None:
        """Send the message to every group that subscribed to its topic."""
        ...

    def subscribe(
        self,
        topic: str,
        handler: Callable[[Message], None],
        *,
        ack_first: bool = False,
        is_up: Callable[[], bool] = lambda: True,
    ) -> None:
        """Have `handler` called with each message; `ack_first` gives up redelivery after a crash."""
        ...


@dataclass(frozen=True, slots=True)
class _Subscription:
    handler: Callable[[Message], None]
    ack_first: bool
    is_up: Callable[[], bool]


class MemoryBus:
    """At least once, with some milliseconds of latency, retries with back-off, and dead letters in a table."""

    attempts = 5
    first_retry = timedelta(seconds=10)
    reconnect = timedelta(seconds=1)

    def __init__(self, schedule: Schedule, chance: Chance, letters: DeadLetters) -> None:
        """Begin without subscribers."""
        self._schedule = schedule
        self._chance = chance
        self._letters = letters
        self._subscriptions: defaultdict[str, list[_Subscription]] = defaultdict(list)

    def publish(self, message: Message) -> None:
        """Send the message to every subscriber; a topic nobody listens to swallows it, as brokers do."""
        for subscription in self._subscriptions[message.topic]:
            latency = self._chance.seconds(0.005, 0.04, message.topic, message.key, message.body)
            self._schedule.after(latency, partial(self._deliver, subscription, message, 1))

    def subscribe(
        self,
        topic: str,
        handler: Callable[[Message], None],
        *,
        ack_first: bool = False,
        is_up: Callable[[], bool] = lambda: True,
    ) -> None:
        """Have `handler` called with each message of the topic while its process `is_up`."""
        self._subscriptions[topic].append(_Subscription(handler, ack_first, is_up))

    def _deliver(self, subscription: _Subscription, message: Message, attempt: int) -> None:
        again = partial(self._deliver, subscription, message)
        if not subscription.is_up():
            self._schedule.after(self.reconnect, partial(again, attempt))
            return
        try:
            subscription.handler(message)
        except ProcessDied:
            if not subscription.ack_first:
                self._schedule.after(self.reconnect, partial(again, attempt))
        except HandlerError as error:
            if attempt < self.attempts:
                self._schedule.after(self.first_retry * 2 ** (attempt - 1), partial(again, attempt + 1))
            else:
                self._letters.add(message.topic, message.key, message.body, message.headers, error, attempt)


def encode(body: Body) -> bytes:
    """Return the bytes of a message's body."""
    return json.dumps(body).encode()


def decode(body: bytes) -> Body:
    """Return what the bytes say, or throw as any handler would that gets nonsense."""
    try:
        decoded = json.loads(body)
    except ValueError as error:
        raise HandlerError(f"not JSON: {error}") from error
    if not isinstance(decoded, dict):
        raise HandlerError(f"a message must hold a JSON object, not {type(decoded).__name__}")
    return decoded


def take(body: Body, name: str) -> Any:
    """Return what the body says under `name`, or throw when it says nothing."""
    if body.get(name) is None:
        raise HandlerError(f"the message has no {name}")
    return body[name]
