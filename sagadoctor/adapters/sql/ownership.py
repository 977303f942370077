"""Who works on a saga, and until when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sagadoctor.api.v1 import Doubt, Owner

from .cells import NAME_BOUND
from .fields import text_reader
from .mapping.saga import SagaWords
from .moments import moment_cell
from .selection import Selection
from .source import Source
from .values import Unreadable


class Ownership:
    """Reads the owner's name and the lease's end."""

    def __init__(self, words: SagaWords, source: Source, selection: Selection) -> None:
        """Find the columns that are mapped."""
        self._cells: dict[str, tuple[int, Callable[[Any], Any]]] = {}
        if words.owner is not None and words.owner.column is not None:
            column = source.column(words.owner.column)
            if column is not None:
                at = selection.add(f"owner:{column.name}", source.text(column, NAME_BOUND))
                read, opened = text_reader(words.owner), source.opener(column)
                self._cells["owner"] = (at, lambda raw: read(opened(raw)))
        if words.lease_until is not None and words.lease_until.column is not None:
            column = source.column(words.lease_until.column)
            if column is not None:
                at = selection.add(f"key:{column.name}", source.cell(column))
                self._cells["lease_until"] = (at, moment_cell(words.lease_until, column, source, "saga.lease_until"))

    @property
    def is_mapped(self) -> bool:
        """Say whether there is anything to read."""
        return bool(self._cells)

    def read(self, row: Any, doubts: list[Doubt]) -> Owner | None:
        """Return the owner; None where the row names none and has no lease."""
        told: dict[str, Any] = {}
        for field, (at, read) in self._cells.items():
            if row[at] is None:
                continue
            try:
                told[field] = read(row[at])
            except Unreadable as odd:
                told[field] = odd.value
                doubts.append(Doubt(field, odd.raw, odd.reason))
        name, lease = told.get("owner"), told.get("lease_until")
        return None if not name and lease is None else Owner(name or "", lease_until=lease)
