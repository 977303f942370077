"""When a cell is what a rule asks for: once for Python, which judges every row, once for the database, which finds it.

Both sides of one definition stand in this file, and a test holds them together: true is true, 1 and t, false is false,
0 and f, a number is compared as a number, and every other value as the text that it is, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1.sql import MARIADB, POSTGRESQL, SQLITE, Column, Kind, bound

from .mapping.columns import Scalar
from .values import Unreadable, word

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from .source import Source

Wanted = Scalar | Sequence[Scalar]

_SPELT: Final = {
    True: ("true", "t", "1", "True", "TRUE", "T"),
    False: ("false", "f", "0", "False", "FALSE", "F"),
}
_NUMBERS: Final = (Kind.INT, Kind.FLOAT, Kind.DECIMAL)
_LARGEST: Final = 2**63


def flag(value: Any) -> bool | None:
    """Return what a loose value says as a flag; None for what is neither true nor false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return True if value == 1 else False if value == 0 else None
    if value in (b"\x00", b"\x01"):
        return bool(value == b"\x01")
    text = _text(value)
    return next((meant for meant, spelt in _SPELT.items() if text in spelt), None)


def matches(value: Any, wanted: Wanted) -> bool:
    """Say whether a loose value is what a condition asks for."""
    if isinstance(wanted, list | tuple):
        return any(matches(value, each) for each in wanted)
    if wanted == "null":
        return value is None
    if wanted == "not null":
        return value is not None
    if value is None:
        return False
    if isinstance(wanted, bool) or isinstance(value, bool):
        said = flag(value)
        return said is not None and said is flag(wanted)
    if isinstance(value, int | float | Decimal):
        number = number_of(wanted)
        return number is not None and value == number
    return _text(value) == word(wanted)


def _text(value: Any) -> str | None:
    try:
        return word(value)
    except Unreadable:
        return None


def number_of(value: Any) -> int | float | None:
    """Return a value as the number that it spells; None where it spells none, or one that no column holds."""
    try:
        number = Decimal(str(int(value) if isinstance(value, bool) else value).strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= _LARGEST:
        return None
    return int(number) if number == number.to_integral_value() else float(number)


def loose_number(value: Any) -> Any:
    """Return what a decimal column's text says as a number; anything else as it is."""
    number = number_of(value) if isinstance(value, str) else None
    return value if number is None else number


def agreeing(source: Source, conditions: Mapping[str, Wanted]) -> list[ColumnElement[bool]]:
    """Return what `matches` says of these columns' cells, as conditions for the database."""
    return [_agrees(source, name, wanted) for name, wanted in conditions.items()]


def _agrees(source: Source, name: str, wanted: Wanted) -> ColumnElement[bool]:
    from sqlalchemy import false, or_

    column = source.column(name)
    if column is None:
        return false()
    each = wanted if isinstance(wanted, list | tuple) else [wanted]
    return or_(false(), *(_agrees_with(source, column, one) for one in each))  # type: ignore[arg-type]


def _agrees_with(source: Source, column: Column, wanted: Scalar) -> ColumnElement[bool]:
    from sqlalchemy import false

    element = source.element(column)
    if wanted == "null":
        return element.is_(None)
    if wanted == "not null":
        return element.is_not(None)
    if source.engine == SQLITE:  # where any column holds anything
        return source.by_bytes(column).in_([bound(each) for each in _stored(column, wanted)])
    if column.kind is Kind.BOOL:
        said = flag(wanted)
        if said is None:
            return false()
        if source.engine == POSTGRESQL:
            return element == bound(said)
        return element != bound(0) if said else element == bound(0)
    if column.kind in _NUMBERS:
        number = number_of(wanted)
        return false() if number is None else element == bound(number)
    words = _SPELT[wanted] if isinstance(wanted, bool) else (word(wanted) or "",)
    return _is_one_of(source, column, [each for each in words if "\x00" not in each])


def _stored(column: Column, wanted: Scalar) -> list[Any]:
    """Return every form in which SQLite may keep what is meant."""
    words = _SPELT[wanted] if isinstance(wanted, bool) else (word(wanted) or "",)
    forms: list[Any] = [*words, *(each.encode("utf-8", "surrogateescape") for each in words)]
    if isinstance(wanted, bool) and column.kind is Kind.BYTES:
        forms.append(b"\x01" if wanted else b"\x00")
    number = number_of(wanted)
    return forms if number is None else [*forms, number]


def _is_one_of(source: Source, column: Column, words: list[str]) -> ColumnElement[bool]:
    """Return the condition that a column of texts holds one of these words, whatever its collation says."""
    from sqlalchemy import Text, and_, cast, false

    element = source.element(column)
    if column.kind is Kind.BYTES:
        forms = [each.encode("utf-8", "surrogateescape") for each in words]
        forms += [b"\x01"] if "true" in words else [b"\x00"] if "false" in words else []
        return element.in_([bound(each) for each in forms])
    if column.kind is Kind.ENUM and source.engine == POSTGRESQL:
        words = [each for each in words if each in column.labels]
        return element.in_([bound(each) for each in words]) if words else false()
    if column.kind in (Kind.TEXT, Kind.ENUM):
        given = [bound(each) for each in words]
        plain = element.in_(given)
        return and_(plain, source.by_bytes(column).in_(given)) if column.loose or source.engine == MARIADB else plain
    if source.engine == MARIADB:
        return source.by_bytes(column).in_([bound(each) for each in words])
    return cast(element, Text).in_([bound(each) for each in words])
