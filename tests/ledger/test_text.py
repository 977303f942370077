"""Keys and texts that any database can hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagadoctor.ledger.text import key, moment, safe, ticks, unsafe

ANY = st.text(st.characters() | st.sampled_from("\\\x00u0#eU\ud800\udfff"), max_size=40)
LONG = st.builds(lambda text, times: text * times, ANY, st.integers(1, 400))


@given(ANY | LONG)
def test_every_text_comes_back_and_is_ascii_meanwhile(text: str) -> None:
    escaped = safe(text)
    assert unsafe(escaped) == text
    assert escaped.isascii()
    assert "\x00" not in escaped


@given(ANY | LONG, ANY | LONG)
def test_keys_are_short_ascii_and_differ_where_texts_do(one: str, other: str) -> None:
    assert 0 < len(key(one)) <= 480
    assert key(one).isascii()
    assert "\x00" not in key(one)
    assert (key(one) == key(other)) == (one == other)


@pytest.mark.parametrize("text", ["\\e", "\\", "x" * 481, "x" * 400 + "\\#" + "0" * 40])
def test_a_text_that_looks_like_an_escape_is_none(text: str) -> None:
    assert key(text) not in (text, key(""), key(text + "x"))


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])))
def test_every_moment_comes_back(at: datetime) -> None:
    assert moment(ticks(at)) == at
    assert moment(ticks(at)).tzinfo is UTC
