"""Deadlines, spans in words, and moments at the calendar's end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagadoctor.diagnosis.deadlines import after, before, words
from sagadoctor.testing.builders import NOW
from tests.diagnosis.strategies import QUICK, moments, spans

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (61, "1m 1s"),
        (599, "9m 59s"),
        (600, "10m"),
        (659, "10m"),
        (3600, "1h"),
        (3661, "1h 1m"),
        (86_400, "1d"),
        (90_000, "1d 1h"),
        (-61, "1m 1s"),
        (10**9, "11574d 1h"),
    ],
)
def test_a_span_reads_as_a_person_says_it(seconds: float, text: str) -> None:
    assert words(seconds) == text


def test_moments_stop_at_the_ends_of_the_calendar() -> None:
    assert after(NOW, timedelta.max) == before(NOW, timedelta.min) == LAST
    assert after(NOW, timedelta.min) == before(NOW, timedelta.max) == FIRST
    assert after(NOW, timedelta(hours=1)) == NOW + timedelta(hours=1)
    assert before(NOW, timedelta(hours=1)) == NOW - timedelta(hours=1)


@QUICK
@given(at=moments, span=spans, longer=st.integers(0, 10**9))
def test_a_longer_span_never_ends_earlier(at: datetime, span: timedelta, longer: int) -> None:
    more = span if span > timedelta.max - timedelta(seconds=longer) else span + timedelta(seconds=longer)

    assert after(at, span) <= after(at, more)
    assert before(at, span) >= before(at, more)
