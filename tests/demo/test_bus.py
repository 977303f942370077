"""Delivery: retries, dead letters, subscribers that are down, and any other bus in place of the built-in one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine

from sagadoctor.demo.bus import HandlerError, Message
from sagadoctor.demo.process import ProcessDied
from sagadoctor.demo.schema import DEAD_LETTERS
from sagadoctor.demo.topics import ASK_APPROVAL, PAY, RESERVE, STEP_COMPLETED
from sagadoctor.demo.world import Order, Transfer, World

from .conftest import NOON, Look, PumpedBus

HOUR = timedelta(hours=1)
MESSAGE = Message("greetings", "key", b'{"saga_id": "s", "n": 1.0}', {"h": "1"})


def test_a_handler_that_throws_gets_the_message_again_later_and_later(world: World, look: Look) -> None:
    tries: list[datetime] = []

    def throw(message: Message) -> None:
        tries.append(world.now())
        raise HandlerError("no")

    world.bus.subscribe("greetings", throw)
    world.bus.publish(MESSAGE)
    world.run_for(HOUR)
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert waits == [timedelta(seconds=seconds) for seconds in (10, 20, 40, 80)]


def test_a_message_that_nobody_can_take_is_a_dead_letter_with_its_exact_bytes(world: World, look: Look) -> None:
    def throw(message: Message) -> None:
        raise HandlerError("no reservation")

    world.bus.subscribe("greetings", throw)
    world.bus.publish(MESSAGE)
    world.run_for(HOUR)
    (letter,) = look.rows(DEAD_LETTERS)
    assert (letter.original_topic, letter.msg_key, letter.payload) == ("greetings", "key", MESSAGE.body.decode())
    assert (letter.error, letter.attempts, json.loads(letter.headers)) == ("no reservation", 5, {"h": "1"})
    assert letter.failed_at > NOON.replace(tzinfo=None)


@pytest.mark.parametrize("topic", [RESERVE, PAY, STEP_COMPLETED, ASK_APPROVAL])
def test_nonsense_ends_as_dead_letters_and_stops_nobody(world: World, look: Look, topic: str) -> None:
    bodies = [b"", b"{", b"\xff\xfe", b"[1]", b"null", b"{}", b'{"saga_id": null}']
    for body in bodies:
        world.bus.publish(Message(topic, None, body))
    world.place(Order(reference="A-1"))
    world.run_for(HOUR)
    letters = look.rows(DEAD_LETTERS)
    assert {letter.original_topic for letter in letters} == {topic}
    # Both orchestrators listen to replies, so each of them gives such a message up.
    assert {letter.payload for letter in letters} == {body.decode(errors="backslashreplace") for body in bodies}
    assert look.saga("A-1").state == "completed"


def test_a_subscriber_that_is_down_gets_its_messages_when_it_is_up(world: World, look: Look) -> None:
    got: list[datetime] = []
    opens = NOON + timedelta(minutes=5)
    world.bus.subscribe("greetings", lambda _: got.append(world.now()), is_up=lambda: world.now() >= opens)
    world.bus.publish(MESSAGE)
    world.run_for(HOUR)
    assert len(got) == 1
    assert opens <= got[0] < opens + timedelta(seconds=2)
    assert look.count(DEAD_LETTERS) == 0


@pytest.mark.parametrize(("ack_first", "deliveries"), [(True, 1), (False, 2)])
def test_only_who_acknowledges_last_gets_a_message_again_after_a_crash(
    world: World, ack_first: bool, deliveries: int
) -> None:
    got: list[Message] = []

    def die_once(message: Message) -> None:
        got.append(message)
        if len(got) == 1:
            raise ProcessDied("power cut")

    world.bus.subscribe("greetings", die_once, ack_first=ack_first)
    world.bus.publish(MESSAGE)
    world.run_for(HOUR)
    assert len(got) == deliveries


def test_another_bus_may_stand_in_and_be_pumped_between_events(engine: Engine, look: Look) -> None:
    bus = PumpedBus()
    world = World(engine, NOON, bus=bus)
    world.place(Order(reference="A-1"))
    world.transfer(Transfer(reference="T-1"))
    for _ in range(1200):
        world.run_for(timedelta(seconds=1))
        bus.pump()
    assert (look.saga("A-1").state, look.saga("T-1").state) == ("completed", "completed")
    world.close()
