"""The relay: in order, at least once, and not at all while it is stopped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Row, create_engine, insert, update

from sagadoctor.demo.approvals import Decision
from sagadoctor.demo.bus import Message
from sagadoctor.demo.faults import DuplicateCommand, StoppedRelay
from sagadoctor.demo.schema import OUTBOX, SHIPMENTS
from sagadoctor.demo.topics import PAY, RESERVE, SHIP
from sagadoctor.demo.world import Order, World

from .conftest import NOON, Look, PumpedBus

HOUR = timedelta(hours=1)
WRITTEN = datetime(2026, 11, 20, 12)
NEVER = Decision(None)
ORDER = Order(reference="A-1")


def unsent(look: Look) -> list[Row[Any]]:
    return [row for row in look.rows(OUTBOX) if row.sent_at is None]


def test_it_sends_within_its_tick_and_marks_what_it_sent(world: World, look: Look) -> None:
    world.place(ORDER, NEVER)
    assert len(unsent(look)) == 1
    world.run_for(timedelta(seconds=1))
    (row,) = look.rows(OUTBOX)
    assert row.sent_at == row.created_at + timedelta(seconds=1)


def test_it_keeps_the_order_in_which_rows_were_written(store_url: str) -> None:
    engine = create_engine(store_url)
    bus = PumpedBus()
    world = World(engine, NOON, bus=bus)
    rows = [{"id": str(9 - n), "topic": "Somewhere.Else", "payload": str(n), "created_at": WRITTEN} for n in range(5)]
    with world.database.transaction() as connection:
        connection.execute(insert(OUTBOX), rows)
        # Without being asked for an order, PostgreSQL gives a row whose indexed column was updated after the others.
        connection.execute(update(OUTBOX).where(OUTBOX.c.payload == "0").values(saga_id="s"))
    world.run_for(timedelta(minutes=1))
    assert [message.body for message in bus.waiting] == [b"0", b"1", b"2", b"3", b"4"]
    world.close()
    engine.dispose()


def test_it_sends_nothing_while_it_is_stopped_and_everything_afterwards(world: World, look: Look) -> None:
    world.suffer(StoppedRelay(since=NOON + timedelta(minutes=1), until=NOON + timedelta(minutes=2.5)))
    world.run(NOON + timedelta(minutes=2))
    for number in range(3):
        world.place(Order(reference=f"A-{number}"), NEVER)
    world.run(NOON + timedelta(minutes=2.4))
    assert [row.topic for row in unsent(look)] == [RESERVE] * 3
    world.run_for(timedelta(minutes=1))
    assert unsent(look) == []
    assert look.statuses("A-2")[:3] == ["completed", "completed", "executing"]


def test_a_relay_that_dies_before_its_mark_sends_again(world: World, look: Look) -> None:
    world.suffer(DuplicateCommand(topic=SHIP, after=timedelta(seconds=20)))
    world.place(ORDER)
    world.run_for(HOUR)
    assert look.count(SHIPMENTS) == 2
    assert unsent(look) == []


def test_a_relay_that_died_holds_up_everybody_elses_commands(world: World, look: Look) -> None:
    world.suffer(DuplicateCommand(topic=RESERVE, after=timedelta(seconds=20)), "A-1")
    world.place(ORDER, NEVER)
    world.place(Order(reference="A-2"), NEVER)
    world.run_for(timedelta(seconds=15))
    assert [row.topic for row in unsent(look)] == [RESERVE, RESERVE, PAY]
    assert look.step("A-1", "reserve_inventory")["status"] == "completed"
    assert look.step("A-2", "reserve_inventory")["status"] == "executing"
    world.run_for(HOUR)
    assert unsent(look) == []


def test_it_takes_more_rows_than_one_batch(world: World, look: Look) -> None:
    world.relay.stop()
    world.relay.batch = 2
    for number in range(5):
        world.place(Order(reference=f"A-{number}"), NEVER)
    world.relay.start()
    world.run_for(timedelta(seconds=4))
    assert [row.sent_at is None for row in look.rows(OUTBOX)][:5] == [False] * 5


def test_rows_that_others_write_are_sent_too(world: World, look: Look, engine: Engine) -> None:
    got: list[Message] = []
    world.bus.subscribe("Somewhere.Else", got.append)
    stranger = create_engine(engine.url)
    with stranger.begin() as connection:
        connection.execute(
            insert(OUTBOX).values(id="an-operation-id", topic="Somewhere.Else", payload="{}", created_at=WRITTEN)
        )
    stranger.dispose()
    world.run_for(timedelta(seconds=5))
    assert [(message.body, message.key, dict(message.headers)) for message in got] == [(b"{}", None, {})]
    assert unsent(look) == []


def test_a_row_that_holds_nonsense_is_sent_as_it_is(world: World, look: Look) -> None:
    with world.database.transaction() as connection:
        connection.execute(insert(OUTBOX).values(id="1", topic=PAY, payload="{nonsense", created_at=WRITTEN))
    world.run_for(HOUR)
    assert unsent(look) == []
