"""Masks: what differs from saga to saga is left out, what tells two causes apart stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagadoctor.diagnosis.masking import masked
from tests.diagnosis.strategies import QUICK

DIFFERENT = [
    ("order 17 is gone", "order 42170 is gone"),
    ("order -1.5 is gone", "order 1,000 is gone"),
    ("no row for 550e8400-e29b-41d4-a716-446655440000", "no row for 6BA7B810-9DAD-11D1-80B4-00C04FD430C8"),
    ("late since 2026-11-20T03:00:00Z", "late since 2025-01-02 13:14:15.123+01:00"),
    ("late since 2026-11-20", "late since 2025-01-02"),
    ("connect to 10.0.0.7:5432 failed", "connect to 192.168.1.44 failed"),
    ("at 0xdeadbeef", "at 0x7f00"),
    ("etag 5d41402abc4b2a76", "etag 900150983cd24fb0"),
    ("order A-10042 is gone", "order A-7 is gone"),
    ("order 01J8Z3KQ4M5N6P7Q8R9STVWXYZ is gone", "order 01ARZ3NDEKTSV4RRFFQ69G5FAV is gone"),
    ("charge ch_3NkV2eZvKYlo2C0kFq refused", "charge ch_1MtWrN2eZvKYlo2CBxy1 refused"),
    ("order12345 is gone", "order98760 is gone"),
    ("a\nb 1", "a\nc 2"),
    ("  \n\n refused", "refused"),
    ("refused   by\tthe gateway", "refused by the gateway"),
    (
        'Traceback (most recent call last):\n  File "a.py", line 3, in f\nValueError: no order 7',
        'Traceback (most recent call last):\n  File "b.py", line 4, in g\nValueError: no order 8\n',
    ),
]
SAME = [
    ("card declined", "card expired"),
    ("card declined", "Card declined"),
    ("no order 7", "no payment 7"),
    ("ORA-00001: unique constraint", "ORA-01555: snapshot too old"),
    ("step2 is missing", "step3 is missing"),
    ("step12 is missing", "step13 is missing"),
    (
        "Traceback (most recent call last):\n  x\nValueError: no order 7",
        "Traceback (most recent call last):\n  x\nKeyError: no order 7",
    ),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_differs_from_saga_to_saga_is_left_out(one: str, other: str) -> None:
    assert masked(one) == masked(other)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_tells_two_causes_apart_stays(one: str, other: str) -> None:
    assert masked(one) != masked(other)


_words = st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=9), min_size=1, max_size=5).map(" ".join)
_ids = st.one_of(
    st.integers(0, 10**12).map(str),
    st.uuids().map(str),
    st.datetimes().map(lambda at: at.isoformat(timespec="seconds")),
    st.ip_addresses(v=4).map(str),
)


@QUICK
@given(first=_words, second=_words)
def test_messages_of_words_have_masks_of_their_own(first: str, second: str) -> None:
    assert (masked(first) == masked(second)) == (first == second)


@QUICK
@given(
    before=_words,
    after=_words,
    pair=st.one_of(*(st.tuples(each, each) for each in (st.uuids().map(str), st.integers(0, 10**12).map(str)))),
)
def test_ids_of_one_kind_have_one_mask(before: str, after: str, pair: tuple[str, str]) -> None:
    one, other = (masked(f"{before} {each} {after}") for each in pair)

    assert one == other


@QUICK
@given(before=_words, value=_ids)
def test_no_id_is_left_in_a_mask(before: str, value: str) -> None:
    assert not any(char.isdigit() for char in masked(f"{before} {value}"))


@QUICK
@given(text=st.text(st.characters(), max_size=300))
def test_a_mask_is_one_short_line_and_masking_it_again_changes_nothing(text: str) -> None:
    mask = masked(text)

    assert len(mask.splitlines()) <= 1
    assert mask == mask.strip()
    assert masked(mask) == mask


LONG = (
    *(piece * 200_000 for piece in ("a1", "1.", "1-", "0x", "f", " ", "\n", "a-1", "a_1")),
    "1234-56-78T" * 40_000,
    "Traceback (most recent call last):\n" * 40_000,
)


@pytest.mark.parametrize("text", LONG, ids=lambda text: repr(text[:8]))
def test_no_text_takes_long(text: str) -> None:
    start = time.perf_counter()

    assert len(masked(text)) <= 400
    assert time.perf_counter() - start < 0.5
