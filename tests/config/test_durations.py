"""Durations as the file writes them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagadoctor.api.options import LONGEST, duration
from sagadoctor.config.show import duration_text


@given(st.timedeltas(timedelta(milliseconds=1), LONGEST))
def test_a_duration_is_written_as_it_can_be_read(span: timedelta) -> None:
    whole = timedelta(milliseconds=max(1, span // timedelta(milliseconds=1)))
    assert abs(duration(duration_text(whole)) - whole) < timedelta(milliseconds=1)


@given(st.one_of(st.text(), st.text("0123456789.smhd -+e_٣", max_size=12), st.integers(), st.floats(), st.booleans()))
def test_anything_else_is_refused_with_a_reason(text: object) -> None:
    assert outcome(text)


def outcome(text: object) -> str:
    """Return the reason of a refusal, or that the duration is within its range."""
    try:
        span = duration(text)
    except ValueError as error:
        return str(error)
    return "in range" if timedelta(0) <= span <= LONGEST else ""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("1.5h", 5400), ("7d", 604_800), ("1h 30m", 5400), ("1h30m", 5400), ("250ms", 0.25)],
)
def test_every_unit(text: str, seconds: float) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "15", "m", "15 weeks", "-5m", "0s", "1e3s", "5m now", "9" * 400 + "d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|range"):
        duration(text)
