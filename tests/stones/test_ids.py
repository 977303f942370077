"""Ids: short, stable, and different for every different thing."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sagadoctor.ids import digest, finding_id, group_id
from sagadoctor.testing.builders import NOW
from tests.diagnosis.strategies import QUICK

EVERY = settings(QUICK, max_examples=300)
parts = st.lists(st.none() | st.text(st.characters(), max_size=6), max_size=4)


@EVERY
@given(first=parts, second=parts)
@example(first=["ab", ""], second=["a", "b"])
@example(first=[None], second=["n"])
@example(first=[None], second=[])
@example(first=["a\x001:b"], second=["a", "b"])
def test_a_digest_depends_on_every_part_and_its_place(first: list[str | None], second: list[str | None]) -> None:
    assert (digest(first) == digest(second)) == (first == second)


def test_a_digest_is_hex_of_the_length_asked_for() -> None:
    assert [len(digest(("a",), length)) for length in (1, 16, 64)] == [1, 16, 64]
    assert set(digest(("a",), 64)) <= set("0123456789abcdef")


def test_ids_never_change_between_versions() -> None:
    """The ledger remembers them: an upgrade must not make every finding new."""
    progress = NOW - timedelta(hours=1)

    assert digest(("a", None, "é")) == "feb6b7df9d0f6471"
    assert finding_id("orders", "saga", "s-1", "no-progress", "pay", progress) == "f-ceba8bed67d17a72"
    assert finding_id("orders", "saga", "s-1", "no-progress", None, None, "marks") == "f-dac82d73d966dc27"
    assert group_id("no-progress", "Order", "pay", "refused") == "g-a5631b293c09"


def test_every_part_of_a_finding_counts() -> None:
    ids = {
        finding_id("a", "saga", "s", "r", "p", NOW),
        finding_id("b", "saga", "s", "r", "p", NOW),
        finding_id("a", "letter", "s", "r", "p", NOW),
        finding_id("a", "saga", "t", "r", "p", NOW),
        finding_id("a", "saga", "s", "q", "p", NOW),
        finding_id("a", "saga", "s", "r", None, NOW),
        finding_id("a", "saga", "s", "r", "p", NOW + timedelta(microseconds=1)),
        finding_id("a", "saga", "s", "r", "p", None),
        finding_id("a", "saga", "s", "r", "p", None, "m"),
    }

    assert len(ids) == 9
    assert all(each.startswith("f-") for each in ids)


def test_every_part_of_a_group_counts() -> None:
    ids = {
        group_id("r", "T", "p", "c"),
        group_id("q", "T", "p", "c"),
        group_id("r", None, "p", "c"),
        group_id("r", "T", None, "c"),
        group_id("r", "T", "p", ""),
    }

    assert len(ids) == 5
    assert all(each.startswith("g-") for each in ids)
