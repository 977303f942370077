"""A JSON document in the saga's own row that holds its steps."""

from __future__ import annotations

from typing import Any, Final

from sagadoctor.api.v1.sql import POSTGRESQL, Column, Kind

from ..forms import check_form
from ..mapping.columns import JsonFormat
from ..paths import follow, parse_path
from .decoding import decoded, kind_of
from .port import Around
from .reading import Odd

_ARTICLES: Final = {list: "a list", dict: "an object"}


class Document:
    """Finds the column, selects it with its size, and decodes it whatever is odd about it."""

    def __init__(self, column: str, form: JsonFormat | None, path: str | None, around: Around) -> None:
        """Find and select the column."""
        source, selection = around.source, around.selection
        self._format = form
        self._path = parse_path(path) if path is not None else None
        self.column: Column | None = source.column(column)
        self.at = self._size_at = -1
        self.skip = 0
        """Bytes before the document, which PostgreSQL sends with binary JSON."""
        if self.column is not None:
            check_form(form, self.column, source, "steps")
            document, size = source.document(self.column)
            self.at = selection.add(f"steps:{self.column.name}", document)
            self._size_at = selection.add(f"steps size:{self.column.name}", size)
            self.skip = 1 if source.engine == POSTGRESQL and self.column.kind is Kind.JSONB else 0

    def read(self, row: Any, wanted: type[list[Any]] | type[dict[str, Any]], odd: Odd) -> Any:
        """Return the list or object that is wanted, None where there is none; why is noted."""
        raw = row[self.at]
        if raw is None:
            size = row[self._size_at]
            if size is None:
                odd.say("steps", None, f"no steps in this row; {_ARTICLES[wanted]} in JSON was expected")
            else:
                odd.say("steps", f"({int(size)} bytes)", "too big to be fetched")
            return None
        data = raw if isinstance(raw, bytes) else str(raw).encode()
        data = data[self.skip :]
        value = self._decoded(data, odd)
        if value is None or isinstance(value, wanted):
            return value
        odd.say("steps", data, f"a JSON {kind_of(value)} where {_ARTICLES[wanted]} was expected")
        return None

    def _decoded(self, data: bytes, odd: Odd) -> Any:
        value = decoded(data, "steps", odd)
        if isinstance(value, str):
            if self._format is not JsonFormat.JSON_DOUBLE:
                odd.say("steps", data, 'JSON in a JSON string; say format = "json_double" if it is meant so')
            value = decoded(value.encode("utf-8", "replace"), "steps", odd)
        return follow(value, self._path) if self._path is not None else value
