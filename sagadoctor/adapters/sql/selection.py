"""What one statement selects: every expression once, known by its place in the row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement

    from sagadoctor.api.v1.sql import Column

    from .mapping.columns import ColumnWords


class Selection(msgspec.Struct):
    """Expressions in the order in which a row holds them."""

    items: list[ColumnElement[Any]] = msgspec.field(default_factory=list)
    _known: dict[str, int] = msgspec.field(default_factory=dict)

    def add(self, key: str, expression: ColumnElement[Any]) -> int:
        """Select an expression, unless one of this key is there; return its place."""
        at = self._known.get(key)
        if at is None:
            at = self._known[key] = len(self.items)
            self.items.append(expression.label(f"c{at}"))
        return at


class Placed(msgspec.Struct, frozen=True):
    """A field of a row: where it stands, what makes a loose value of its raw cell, and what is left to apply."""

    at: int
    column: Column
    opened: Callable[[Any], Any]
    words: ColumnWords
    """Without its path where the database has followed that."""
