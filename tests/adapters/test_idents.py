"""Ids: whatever is printed is found again, however it is spelt."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sagadoctor.adapters.sql.idents import WholeId, ident
from sagadoctor.adapters.sql.mapping.columns import IdFormat
from sagadoctor.adapters.sql.values import Unreadable
from sagadoctor.api.v1.sql import Kind
from sagadoctor.testing.spelling import spellings

UUIDS = st.uuids()
PARTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=8)


@given(UUIDS)
def test_every_spelling_of_a_uuid_is_one_id(made: UUID) -> None:
    kept = {
        IdFormat.UUID: (str(made), made.hex, str(made).upper(), made.bytes),
        IdFormat.UUID_HEX: (made.hex, made.hex.upper()),
        IdFormat.UUID_BYTES: (made.bytes,),
    }
    for form, cells in kept.items():
        kind = Kind.BYTES if form is IdFormat.UUID_BYTES else Kind.TEXT
        part = ident(form, kind)
        for cell in cells:
            assert part.canonical(cell) == str(made)
        for spelt in spellings(str(made)):
            found = part.lookups(spelt)
            assert cells[0] in found
            assert {part.canonical(value) for value in found} == {str(made)}


@given(st.binary(min_size=1, max_size=12))
@example(b"0\xff\xfe")
@example(b"\xed\xa0\x80")
@example("nul\x00é".encode())
def test_a_texts_bytes_are_found_by_what_is_printed_of_them(raw: bytes) -> None:
    part = ident(None, Kind.TEXT)
    if b"\\x" in raw and not _is_text(raw):
        return  # these bytes can't be told from what we spell
    if _is_text(raw):
        assert part.canonical(raw).encode() == raw
        assert part.lookups(raw.decode())[0] == raw.decode()
        return
    with pytest.raises(Unreadable) as odd:
        part.canonical(raw)
    assert raw in part.lookups(odd.value.value)
    assert raw in part.lookups(raw.decode(errors="surrogateescape"))


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_what_only_looks_like_spelt_bytes_is_looked_for_as_it_is() -> None:
    part = ident(None, Kind.TEXT)
    assert part.lookups("a\\xc3\\xa9") == ["a\\xc3\\xa9"]
    assert part.lookups("a\\xff") == ["a\\xff", b"a\xff"]
    assert part.lookups("\ud800") == ["\ud800"]


@given(UUIDS)
def test_swapped_bytes_come_back_in_order(made: UUID) -> None:
    part = ident(IdFormat.UUID_BYTES_SWAPPED, Kind.BYTES)
    [cell] = part.lookups(str(made))
    assert cell == made.bytes[6:8] + made.bytes[4:6] + made.bytes[:4] + made.bytes[8:]
    assert part.canonical(cell) == str(made)


@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers(number: int) -> None:
    part = ident(None, Kind.INT)
    assert part.canonical(number) == part.canonical(str(number).encode()) == str(number)
    assert part.lookups(str(number)) == part.lookups(f" {number} ") == [number]


@pytest.mark.parametrize("text", ["", "seven", "1.5", "9" * 40, "0x1f", str(2**63)])
def test_what_is_no_number_is_looked_up_nowhere(text: str) -> None:
    assert ident(None, Kind.INT).lookups(text) == []


@given(PARTS)
def test_texts_are_taken_as_they_are(text: str) -> None:
    part = ident(None, Kind.TEXT)
    assert part.canonical(text) == part.canonical(text.encode()) == text
    assert part.lookups(text) == [text]


@given(st.lists(PARTS, min_size=2, max_size=3))
def test_ids_of_several_columns_are_found_again(parts: list[str]) -> None:
    whole = WholeId(tuple(ident(None, Kind.TEXT) for _ in parts))
    printed = whole.canonical(parts)
    assert whole.lookups(printed) == [tuple(parts)]
    assert whole.means(printed) == {printed}
    as_written = "/".join(parts)
    if as_written.count("/") < 12 and "%" not in as_written:
        assert tuple(parts) in whole.lookups(as_written)


def test_a_mixed_id_of_several_columns() -> None:
    whole = WholeId((ident(None, Kind.TEXT), ident(None, Kind.INT)))
    assert whole.canonical((b"eu/west", 7)) == "eu%2Fwest/7"
    assert whole.lookups("eu%2Fwest/007") == [("eu/west", 7)]
    assert whole.lookups("eu/west/007") == [("eu/west", 7)]
    assert whole.lookups("eu") == []


@given(st.binary(min_size=1, max_size=20))
def test_bytes_without_a_format_are_hex(data: bytes) -> None:
    part = ident(None, Kind.BYTES)
    assert part.lookups(part.canonical(data)) == [data]


@pytest.mark.parametrize(
    ("form", "kind", "cell"),
    [
        (IdFormat.UUID, Kind.TEXT, b"not a uuid"),
        (IdFormat.UUID_BYTES, Kind.BYTES, b"short"),
        (IdFormat.INT, Kind.TEXT, b"x7"),
        (None, Kind.TEXT, b"\xff"),
        (None, Kind.TEXT, None),
    ],
)
def test_an_unreadable_id_still_has_a_text(form: IdFormat | None, kind: Kind, cell: bytes | None) -> None:
    with pytest.raises(Unreadable) as odd:
        WholeId((ident(form, kind),)).canonical((cell,))
    assert isinstance(odd.value.value, str)
