"""A saga's own data: left where it is in a scan, fetched for one saga, asked by path where the database can."""

from __future__ import annotations

from typing import Any

from sagadoctor.api.v1 import Doubt
from sagadoctor.api.v1.sql import POSTGRESQL, Kind

from .documents import EXTRACTED, extracted
from .forms import check_form
from .mapping.columns import ColumnWords, JsonColumn
from .paths import parse_path
from .selection import Placed, Selection
from .source import Source


class Payload:
    """The payload column of one mapping."""

    def __init__(self, words: JsonColumn | None, source: Source, version: int) -> None:
        """Find the column; nothing is selected yet."""
        self._words, self._source, self._version = words, source, version
        self._column = source.column(words.column) if words is not None and words.column is not None else None
        if words is not None and self._column is not None:
            check_form(words.format, self._column, source, "saga.payload")
        self._at = self._size_at = -1
        self.not_extracted: list[str] = []
        """Fields that lie in the payload and that this database can't take out of it."""

    def holds(self, spec: ColumnWords) -> bool:
        """Say whether a field is a path into the payload."""
        named = self._words.column if self._words is not None else None
        return spec.path is not None and spec.column in (None, named)

    def cell(self, name: str, spec: ColumnWords, selection: Selection) -> Placed | None:
        """Select a field that the database takes out of the payload; None where it can't."""
        column, words = self._column, self._words
        if column is None or words is None or spec.path is None:
            return None
        engine = self._source.engine
        path = parse_path(spec.path)
        expression = extracted(column, self._source.element(column), path, words.format, engine, self._version)
        if expression is None:
            self.not_extracted.append(name)
            return None
        at = selection.add(f"path:{spec.path}", expression)
        left = spec.model_copy(update={"path": None, "column": column.name})
        return Placed(at, EXTRACTED, self._source.opener(EXTRACTED), left)

    def select(self, selection: Selection) -> None:
        """Select the payload itself, for a detail view."""
        if self._column is not None:
            document, size = self._source.document(self._column)
            self._at = selection.add("payload", document)
            self._size_at = selection.add("payload size", size)

    @property
    def is_selected(self) -> bool:
        """Say whether rows hold the payload."""
        return self._at >= 0

    def read(self, row: Any, doubts: list[Doubt]) -> bytes | None:
        """Return the payload as it stands; one that is too big is noted."""
        raw = row[self._at]
        if raw is None:
            size = row[self._size_at]
            if size is not None:
                doubts.append(Doubt("payload", f"({int(size)} bytes)", "too big to be fetched"))
            return None
        text = raw if isinstance(raw, bytes) else str(raw).encode()
        is_jsonb = self._column is not None and self._column.kind is Kind.JSONB
        return text[1:] if is_jsonb and self._source.engine == POSTGRESQL else text
