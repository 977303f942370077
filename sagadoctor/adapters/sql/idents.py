"""Ids in every format of the mapping language: one canonical form to print, every usual spelling to look up."""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from sagadoctor.api.v1.sql import Kind

from .mapping.columns import IdFormat
from .values import Unreadable, as_text, raw_text

_UUID: Final = re.compile(
    r"(?i)(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?\Z"
)
_INT: Final = re.compile(r"[+-]?\d{1,30}\Z")
_SPELT: Final = re.compile(r"\\x([89a-f][0-9a-f])")
_HALVES: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_LARGEST: Final = 2**63
_ESCAPED: Final = re.compile(r"%2([Ff5])")


def dashed(digits: str) -> str:
    """Return 32 hex digits as a UUID is written."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def uuid_text(text: str) -> str | None:
    """Return any usual spelling of a UUID as lower case with dashes; None for what isn't one."""
    found = _UUID.match(text.strip())
    return None if found is None else "-".join(found.groups()).lower()


class Ident(ABC):
    """How one id column is read, printed and looked up."""

    @abstractmethod
    def canonical(self, value: Any) -> str:
        """Return a loose value in the canonical form; raises Unreadable with a usable text as its value."""

    @abstractmethod
    def lookups(self, text: str) -> list[Any]:
        """Return what to look for in the column when a person says `text`; empty when it can't be an id."""


class TextIdent(Ident):
    """Any text, compared as bytes; bytes that are no text are printed as `\\xff`, so that two of them stay two."""

    def canonical(self, value: Any) -> str:
        """Return the text; a NUL in it is part of it."""
        if not isinstance(value, bytes):
            return str(value)
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Unreadable(raw_text(value), "not UTF-8 text", value.decode("utf-8", "backslashreplace")) from None

    def lookups(self, text: str) -> list[Any]:
        """Return the text itself, and the bytes that are printed like it."""
        if "\\x" not in text and text.isascii():
            return [text]
        spelt = _SPELT.sub(_byte, text)
        data = b"" if _HALVES.search(spelt) else spelt.encode("utf-8", "surrogateescape")
        return [text, data] if _is_no_text(data) else [text]


def _byte(found: re.Match[str]) -> str:
    return chr(0xDC00 + int(found[1], 16))


def _is_no_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return True
    return False


class IntIdent(Ident):
    """A whole number."""

    def canonical(self, value: Any) -> str:
        """Return the digits without leading zeros."""
        if isinstance(value, int):
            return str(value)
        text = as_text(value) if isinstance(value, bytes) else str(value)
        if not _INT.match(text):
            raise Unreadable(raw_text(text), "not a whole number", text)
        return str(int(text))

    def lookups(self, text: str) -> list[Any]:
        """Return the number."""
        clean = text.strip()
        if not _INT.match(clean):
            return []
        number = int(clean)
        return [number] if -_LARGEST <= number < _LARGEST else []


class UuidIdent(Ident):
    """A UUID in a column of that type, or as text with or without dashes."""

    def __init__(self, kind: Kind) -> None:
        """Keep what the column is: a text column may hold several spellings."""
        self._typed = kind is Kind.UUID

    def canonical(self, value: Any) -> str:
        """Return lower case with dashes."""
        if isinstance(value, bytes) and len(value) == 16:
            return dashed(value.hex())
        text = as_text(value) if isinstance(value, bytes) else str(value)
        found = uuid_text(text)
        if found is None:
            raise Unreadable(raw_text(text), "not a UUID", text)
        return found

    def lookups(self, text: str) -> list[Any]:
        """Return every usual spelling; a typed column needs just one."""
        found = uuid_text(text)
        if found is None:
            return [] if self._typed else [text]
        if self._typed:
            return [found]
        digits = found.replace("-", "")
        return list(dict.fromkeys((found, digits, found.upper(), digits.upper(), text)))


class UuidBytesIdent(Ident):
    """A UUID as 16 bytes; swapped: the time's high part first, as MySQL's UUID_TO_BIN(x, 1) writes it."""

    def __init__(self, *, swapped: bool) -> None:
        """Keep the order of bytes."""
        self._swapped = swapped

    def canonical(self, value: Any) -> str:
        """Return lower case with dashes."""
        if not isinstance(value, bytes) or len(value) != 16:
            text = value.hex() if isinstance(value, bytes) else str(value)
            raise Unreadable(raw_text(value), "not the 16 bytes of a UUID", text)
        return dashed((value[4:8] + value[2:4] + value[0:2] + value[8:] if self._swapped else value).hex())

    def lookups(self, text: str) -> list[Any]:
        """Return the 16 bytes."""
        found = uuid_text(text)
        if found is None:
            return []
        data = UUID(found).bytes
        return [data[6:8] + data[4:6] + data[0:4] + data[8:] if self._swapped else data]


class HexIdent(Ident):
    """Bytes without a format: printed as hex."""

    def canonical(self, value: Any) -> str:
        """Return the hex digits."""
        return value.hex() if isinstance(value, bytes) else str(value)

    def lookups(self, text: str) -> list[Any]:
        """Return the bytes."""
        try:
            return [bytes.fromhex(text.strip().removeprefix("0x"))]
        except ValueError:
            return []


def ident(form: IdFormat | None, kind: Kind) -> Ident:
    """Return how a column of this kind is read; without a format its kind decides."""
    match form:
        case IdFormat.INT:
            return IntIdent()
        case IdFormat.UUID | IdFormat.UUID_HEX:
            return UuidIdent(kind)
        case IdFormat.UUID_BYTES | IdFormat.UUID_BYTES_SWAPPED:
            return UuidBytesIdent(swapped=form is IdFormat.UUID_BYTES_SWAPPED)
        case IdFormat.TEXT:
            return TextIdent()
    if kind is Kind.INT:
        return IntIdent()
    if kind is Kind.UUID:
        return UuidIdent(kind)
    return HexIdent() if kind is Kind.BYTES else TextIdent()


class WholeId(msgspec.Struct, frozen=True):
    """An id of one column or several; several are joined by `/`, with `%2F` for a `/` in them and `%25` for a `%`."""

    parts: tuple[Ident, ...]

    def canonical(self, values: Sequence[Any]) -> str:
        """Return the id as printed; raises Unreadable with a usable text as its value."""
        if len(self.parts) == 1:
            return _one(self.parts[0], values[0])
        texts: list[str] = []
        odd: Unreadable | None = None
        for part, value in zip(self.parts, values, strict=True):
            try:
                texts.append(_one(part, value))
            except Unreadable as unreadable:
                odd = unreadable
                texts.append(str(unreadable.value))
        whole = "/".join(text.replace("%", "%25").replace("/", "%2F") for text in texts)
        if odd is not None:
            raise Unreadable(odd.raw, odd.reason, whole)
        return whole

    def lookups(self, text: str) -> list[tuple[Any, ...]]:
        """Return the combinations of column values that `text` may mean."""
        if len(self.parts) == 1:
            return [(value,) for value in self.parts[0].lookups(text)]
        found: list[tuple[Any, ...]] = []
        for pieces in _splits(text, len(self.parts)):
            each = [part.lookups(piece) for part, piece in zip(self.parts, pieces, strict=True)]
            found.extend(itertools.product(*each))
        return found

    def means(self, text: str) -> set[str]:
        """Return the canonical ids that `text` may mean."""
        found: set[str] = set()
        for values in self.lookups(text):
            try:
                found.add(self.canonical(values))
            except Unreadable as odd:
                found.add(str(odd.value))
        return found


def _one(part: Ident, value: Any) -> str:
    if value is None:
        raise Unreadable("NULL", "the row has no id", "")
    return part.canonical(value)


def _splits(text: str, count: int) -> list[list[str]]:
    """Return the ways to cut a text at `/` into so many pieces.

    One way for an id as it is printed; where there is a `/` too many, a person wrote one that belongs to a piece.
    """
    pieces = text.split("/")
    if len(pieces) == count:
        return [[_ESCAPED.sub(lambda found: "/" if found[1] in "Ff" else "%", piece) for piece in pieces]]
    if len(pieces) < count or len(pieces) > 12:
        return []
    ways: list[list[str]] = []
    for cuts in itertools.combinations(range(1, len(pieces)), count - 1):
        bounds = (0, *cuts, len(pieces))
        ways.append(["/".join(pieces[low:high]) for low, high in itertools.pairwise(bounds)])
    return ways
