"""Every time format gives back the moment that was written in it, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagadoctor.adapters.sql.mapping.columns import TimeFormat
from sagadoctor.adapters.sql.times import (
    EPOCH,
    naive_utc,
    time_reader,
    utc_text,
    zone_of,
    zoned,
)
from sagadoctor.adapters.sql.values import Unreadable

MOMENTS = st.datetimes(datetime(1972, 1, 1), datetime(2199, 12, 30), timezones=st.just(UTC))
READ = time_reader(None, None)


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@given(MOMENTS, st.integers(-14 * 60, 14 * 60), st.sampled_from("T "))
def test_iso_with_any_offset(moment: datetime, minutes: int, between: str) -> None:
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    text = local.isoformat(sep=between)
    assert READ(text) == utc_text(text) == moment
    assert READ(text.encode()) == zoned(text.encode()) == moment


@given(MOMENTS, st.sampled_from(("auto", "seconds", "milliseconds", "microseconds")))
def test_iso_without_an_offset_is_in_the_zone(moment: datetime, spec: str) -> None:
    text = moment.replace(tzinfo=None).isoformat(timespec=spec)
    kept = datetime.fromisoformat(text).replace(tzinfo=UTC)
    assert READ(text) == utc_text(text) == naive_utc(text.encode()) == kept
    there = time_reader(None, ZoneInfo("Asia/Kolkata"))(text)
    assert there == kept - timedelta(hours=5, minutes=30)


@given(MOMENTS)
def test_numbers_that_count_from_1970(moment: datetime) -> None:
    count = microseconds(moment)
    for form, factor in ((TimeFormat.EPOCH_S, 1_000_000), (TimeFormat.EPOCH_MS, 1000), (TimeFormat.EPOCH_US, 1)):
        number = count // factor
        expected = EPOCH + timedelta(microseconds=number * factor)
        read = time_reader(form, None)
        assert read(number) == read(str(number)) == read(str(number).encode()) == expected


@given(MOMENTS, st.integers(0, 3))
def test_dotnet_ticks_with_any_kind(moment: datetime, kind: int) -> None:
    ticks = microseconds(moment) * 10 + 621_355_968_000_000_000
    signed = ticks | (kind << 62)
    signed = signed - 2**64 if signed >= 2**63 else signed
    assert time_reader(TimeFormat.DOTNET_TICKS, None)(signed) == moment


@given(MOMENTS, st.integers(0, 2**74 - 1))
def test_uuids_of_version_7(moment: datetime, rest: int) -> None:
    milliseconds = microseconds(moment) // 1000
    made = UUID(int=(milliseconds << 80) | (7 << 76) | ((rest >> 62) << 64) | (2 << 62) | (rest & (2**62 - 1)))
    expected = EPOCH + timedelta(milliseconds=milliseconds)
    read = time_reader(TimeFormat.UUID_V7, None)
    assert read(str(made)) == read(made.hex.upper()) == read(made.bytes) == read(f"{{{made}}}") == expected


@given(MOMENTS, st.integers(0, 2**64 - 1))
def test_ids_whose_high_word_holds_milliseconds(moment: datetime, low: int) -> None:
    milliseconds = microseconds(moment) // 1000
    text = f"{milliseconds:016x}-{low:016x}"
    assert time_reader(TimeFormat.ID_HIGH_MS, None)(text) == EPOCH + timedelta(milliseconds=milliseconds)


@pytest.mark.parametrize("form", [None, *TimeFormat])
@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_is_no_time(form: TimeFormat | None, nothing: str | None) -> None:
    assert time_reader(form, None)(nothing) is None


@pytest.mark.parametrize(
    "text", ["0000-00-00", "0000-00-00 00:00:00", "0000-00-00 00:00:00.000000", " ", "0000-00-00T00:00:00Z"]
)
def test_row_24_zero_dates_are_no_time(text: str) -> None:
    assert READ(text) is None
    assert utc_text(text) is None
    assert naive_utc(text.encode()) is None


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (TimeFormat.EPOCH_S, 0),
        (TimeFormat.EPOCH_MS, 0),
        (TimeFormat.EPOCH_S, 31_535_999),
        (TimeFormat.EPOCH_S, 1_795_200_000_000),
        (TimeFormat.EPOCH_MS, 1_795_200_000),
        (TimeFormat.EPOCH_US, 1_795_200_000_000),
        (TimeFormat.EPOCH_S, 10**30),
        (TimeFormat.EPOCH_S, "9" * 60),
        (TimeFormat.EPOCH_S, float("nan")),
        (TimeFormat.EPOCH_S, "soon"),
        (TimeFormat.DOTNET_TICKS, 0),
        (TimeFormat.DOTNET_TICKS, 1.5),
        (TimeFormat.UUID_V7, "0198a0c2-1111-4abc-8def-0123456789ab"),
        (TimeFormat.UUID_V7, "no uuid"),
        (TimeFormat.ID_HIGH_MS, "0000000000000001-0242ac1200020000"),
        (TimeFormat.ID_HIGH_MS, "17"),
        (None, "infinity"),
        (None, "0044-03-15 00:00:00+00 BC"),
        (None, "12000-01-01 00:00:00+00"),
        (None, "9999-12-31T23:59:59"),
        (None, "0001-01-01T00:00:00"),
        (None, "0001-01-01T00:00:00+14:00"),
        (None, "yesterday"),
        (None, 1_795_200_000),
    ],
)
def test_row_24_what_cannot_be_meant_is_unreadable(form: TimeFormat | None, value: object) -> None:
    with pytest.raises(Unreadable) as odd:
        time_reader(form, None)(value)
    assert odd.value.value is None
    assert odd.value.raw


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_unreadable(text: str) -> None:
    for form in (None, *TimeFormat):
        try:
            moment = time_reader(form, ZoneInfo("Europe/Berlin"))(text)
        except Unreadable as odd:
            moment = odd.value
        assert moment is None or moment.utcoffset() == timedelta(0)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")),
)
def test_row_24_naive_times_of_a_zone_are_read_as_the_first(naive: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    expected = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    twice = naive.replace(tzinfo=zone, fold=0).utcoffset() != naive.replace(tzinfo=zone, fold=1).utcoffset()
    read = time_reader(None, zone)
    if not twice:
        assert read(naive.isoformat()) == expected
        return
    with pytest.raises(Unreadable) as odd:
        read(naive.isoformat())
    assert odd.value.value == expected


def test_zones_that_are_utc_need_no_arithmetic() -> None:
    assert zone_of("UTC") is zone_of("Etc/UTC") is None
    assert zone_of("Europe/Berlin") == ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("number", [1e305, -1e305, 10**400, "1e305"])
def test_a_number_beyond_all_measure_is_unreadable(number: object) -> None:
    with pytest.raises(Unreadable):
        time_reader(TimeFormat.EPOCH_S, None)(number)
