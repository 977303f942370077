"""Values of the saga's own row that tell of its steps: found, selected and read as the mapping says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from sagadoctor.api.v1.sql import Column

from ..cells import NAME_BOUND
from ..fields import Reader
from ..mapping.columns import ColumnWords, TimeColumn
from ..moments import moment_cell
from ..values import Unreadable
from .port import Around
from .reading import Odd


class Cell(msgspec.Struct, frozen=True):
    """One value of a row: where it stands and what makes a value of it."""

    at: int
    read: Callable[[Any], Any]
    """Takes the raw cell, never NULL; raises Unreadable."""

    def value(self, row: Any, field: str, odd: Odd) -> Any:
        """Return the value, None for NULL; what can't be read is noted under the field's name."""
        raw = row[self.at]
        if raw is None:
            return None
        try:
            return self.read(raw)
        except Unreadable as unreadable:
            return odd.note(field, unreadable)


def cell_of(around: Around, spec: ColumnWords | None, read: Reader, most: int = NAME_BOUND) -> Cell | None:
    """Return the cell of a column; None where none is mapped, or it isn't there (which is noted)."""
    found = column_of(around, spec)
    if spec is None or found is None:
        return None
    source = around.source
    if spec.path is not None:
        expression, _ = source.document(found)
        at = around.selection.add(f"document:{found.name}", expression)
    else:
        at = around.selection.add(f"steps:{most}:{found.name}", source.text(found, most))
    opened = source.opener(found)
    return Cell(at, lambda raw: read(opened(raw)))


def moment_of(around: Around, spec: TimeColumn | None, key: str) -> Cell | None:
    """Return the cell of a time; `key` names it in the configuration."""
    found = column_of(around, spec)
    if spec is None or found is None:
        return None
    read: Callable[[Any], datetime | None] = moment_cell(spec, found, around.source, key)
    if spec.path is not None:
        return Cell(around.selection.add(f"document:{found.name}", around.source.document(found)[0]), read)
    return Cell(around.selection.add(f"key:{found.name}", around.source.cell(found)), read)


def column_of(around: Around, spec: ColumnWords | None) -> Column | None:
    """Return the real column; a missing one is noted."""
    return around.source.column(spec.column) if spec is not None and spec.column is not None else None
