"""The simulation's own parts: events in order, and draws that can be repeated."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, text

from sagadoctor.demo.chance import Chance
from sagadoctor.demo.schedule import Schedule
from sagadoctor.demo.world import World
from sagadoctor.errors import UsageError

from .conftest import NOON


@given(st.lists(st.integers(0, 1000)))
def test_events_happen_in_order_and_the_clock_is_right_at_each(delays: list[int]) -> None:
    schedule, happened = Schedule(NOON), []
    for number, delay in enumerate(delays):
        schedule.after(timedelta(seconds=delay), lambda n=number: happened.append((schedule.now(), n)))  # type: ignore[misc]
    schedule.run(NOON + timedelta(seconds=1000))
    assert happened == [
        (NOON + timedelta(seconds=delay), number) for delay, number in sorted((d, n) for n, d in enumerate(delays))
    ]
    assert schedule.now() == NOON + timedelta(seconds=1000)


def test_an_event_may_cause_others_also_at_once(engine: Engine) -> None:
    schedule, happened = Schedule(NOON), []

    def first() -> None:
        schedule.after(timedelta(), lambda: happened.append("second"))
        schedule.at(NOON - timedelta(hours=1), lambda: happened.append("too late to be in the past"))

    schedule.after(timedelta(seconds=1), first)
    schedule.run(NOON + timedelta(seconds=1))
    assert happened == ["second", "too late to be in the past"]


def test_what_is_cancelled_or_later_does_not_happen() -> None:
    schedule, happened = Schedule(NOON), []
    schedule.after(timedelta(seconds=1), lambda: happened.append(1)).cancel()
    schedule.after(timedelta(seconds=3), lambda: happened.append(2))
    schedule.run(NOON + timedelta(seconds=2))
    assert happened == []
    schedule.run(NOON)
    assert schedule.now() == NOON + timedelta(seconds=2)


@given(st.integers(), st.floats(0, 100), st.floats(0, 100), st.text())
def test_a_draw_lies_within_its_bounds_and_can_be_repeated(seed: int, low: float, width: float, about: str) -> None:
    drawn = Chance(seed).seconds(low, low + width, about)
    assert timedelta(seconds=low) <= drawn <= timedelta(seconds=low + width)
    assert Chance(seed).seconds(low, low + width, about) == drawn
    assert 3 <= Chance(seed).number(3, 9, about) <= 9
    assert Chance(seed).pick("abc", about) in "abc"


def test_ids_look_like_any_other_and_differ() -> None:
    ids = {Chance(seed).uuid("saga", number) for seed in range(10) for number in range(10)}
    assert len(ids) == 100
    assert {UUID(each).version for each in ids} == {4}


def test_the_company_only_moves_into_an_empty_database(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("create table sagas (precious text)"))
        connection.execute(text("insert into sagas values ('do not touch')"))
    with pytest.raises(UsageError, match="has sagas; name another"):
        World(engine, NOON)
    again = create_engine(engine.url)
    with again.connect() as connection:
        assert connection.execute(text("select precious from sagas")).scalars().all() == ["do not touch"]
        assert connection.execute(text("select name from sqlite_master")).scalars().all() == ["sagas"]
