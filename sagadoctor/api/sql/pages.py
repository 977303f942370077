"""Pages by key: each page a statement of its own that goes on where the last one ended, never OFFSET."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .address import MARIADB

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement


def beyond(
    elements: Sequence[ColumnElement[Any]], last: Sequence[ColumnElement[Any]], engine: str
) -> ColumnElement[bool]:
    """Return the condition of rows that come after `last` in the order of `elements`.

    PostgreSQL and SQLite take an index for a comparison of rows; MariaDB wants it spelt out.
    """
    from sqlalchemy import and_, or_, tuple_

    if len(elements) == 1:
        return elements[0] > last[0]
    if engine != MARIADB:
        return tuple_(*elements) > tuple_(*last)
    after: ColumnElement[bool] = elements[-1] > last[-1]
    for element, value in zip(elements[-2::-1], last[-2::-1], strict=True):
        after = or_(element > value, and_(element == value, after))
    return and_(elements[0] >= last[0], after)
