"""Clocks: the one of the machine, and one that stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sagadoctor.clock import StillClock, SystemClock
from sagadoctor.testing.builders import NOW


def test_the_machines_clock_tells_aware_utc_and_never_steps_back() -> None:
    clock = SystemClock()

    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.monotonic() <= clock.monotonic()


def test_a_still_clock_moves_only_when_it_is_told_to() -> None:
    clock = StillClock(NOW)
    assert (clock.now(), clock.monotonic()) == (NOW, 0)

    clock.advance(timedelta(minutes=2))

    assert (clock.now(), clock.monotonic()) == (NOW + timedelta(minutes=2), 120)
