"""Who works on a saga, and until when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sagadoctor.api.v1 import Doubt, Owner

from .fields import text_reader
from .forms import form_of
from .mapping.saga import SagaWords
from .moments import placed_moment
from .payload import Payload
from .placed import placed
from .selection import Selection
from .source import Source
from .values import Unreadable


class Ownership:
    """Reads the owner's name and the lease's end."""

    def __init__(self, words: SagaWords, source: Source, selection: Selection, payload: Payload) -> None:
        """Find the columns that are mapped."""
        self._cells: dict[str, tuple[int, Callable[[Any], Any]]] = {}
        place = placed("owner", words.owner, source, selection, payload) if words.owner is not None else None
        if place is not None and words.owner is not None:
            read = text_reader(place.words, form_of(words.owner, place.column, source, "saga.owner"))
            opened = place.opened
            self._cells["owner"] = (place.at, lambda raw: read(opened(raw)))
        if words.lease_until is not None:
            found = placed_moment("lease_until", words.lease_until, source, selection, payload)
            if found is not None:
                self._cells["lease_until"] = found[1:]

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
