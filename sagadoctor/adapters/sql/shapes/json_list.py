"""`json_list`: steps as a list of objects in a JSON column of the saga's row.

Rows that are as they should be are decoded by a decoder made for the mapping's own field names; a row with
anything odd in it is read again, tolerantly, field by field.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sagadoctor.api.v1 import Step
from sagadoctor.api.v1.sql import POSTGRESQL, Kind

from ..mapping.columns import JsonFormat
from ..mapping.steps import JsonList, StepFields
from ..paths import follow, parse_path
from ..selection import Selection
from ..source import Source
from ..values import blob_type
from .reading import MOST_STEPS, Odd, StepReader, bounded
from .typed import short_road, typed_steps

_DEEP: Final = "nested too deeply to be read"


class JsonListSteps:
    """Reads the steps column of one mapping."""

    in_row = True

    def __init__(self, words: JsonList, source: Source, selection: Selection, *, detail: bool = False) -> None:
        """Find the column, select it and make its decoders."""
        self._format = words.format
        self._path = parse_path(words.path) if words.path is not None else None
        self.reader = StepReader(words.fields, words, source.zone, detail=detail)
        self.has_times = has_times(words.fields)
        column = source.column(words.column)
        self._at = self._size_at = -1
        self._skip = 0
        if column is not None:
            document, size = source.document(column)
            self._at = selection.add(f"steps:{column.name}", document)
            self._size_at = selection.add(f"steps size:{column.name}", size)
            self._skip = 1 if source.engine == POSTGRESQL and column.kind is Kind.JSONB else 0
        self.plain = short_road(typed_steps(words, self.reader, column), self._at, self._skip)
        """Reads a row's steps where they are plainly right, else answers None; None where there is no short road."""

    @property
    def document_at(self) -> int:
        """Return where the document stands in a row."""
        return self._at

    def steps(self, row: Any, odd: Odd) -> tuple[Step, ...] | None:
        """Return a row's steps, None where they can't be read; what is odd is noted."""
        raw = row[self._at]
        if raw is None:
            size = row[self._size_at]
            if size is None:
                odd.say("steps", None, "no steps in this row; a JSON list was expected")
            else:
                odd.say("steps", f"({int(size)} bytes)", "too big to be fetched")
            return None
        data = raw if isinstance(raw, bytes) else str(raw).encode()
        return self._tolerant(data[1:] if self._skip else data, odd)

    def _tolerant(self, data: bytes, odd: Odd) -> tuple[Step, ...] | None:
        value = self._decoded(data, odd)
        if value is None:
            return None
        if not isinstance(value, list):
            odd.say("steps", data, f"a JSON {_kind(value)} where a list was expected")
            return None
        count = len(value)
        items = list(enumerate(value))
        if count > MOST_STEPS:
            items = items[: MOST_STEPS // 2] + items[-(MOST_STEPS // 2) :]
        steps: list[Step] = []
        for index, entry in items:
            if isinstance(entry, dict):
                step = self.reader.step(index, entry, odd, entry)
            else:
                odd.say(
                    f"steps[{index}]",
                    json.dumps(entry, default=str),
                    f"a JSON {_kind(entry)} where an object was expected",
                )
                step = Step(name=f"step {index}", index=index)
            if not self.reader.is_ignored(step.name):
                steps.append(step)
        return bounded(steps, count, odd)

    def _decoded(self, data: bytes, odd: Odd) -> Any:
        value = decoded(data, "steps", odd)
        if isinstance(value, str):
            if self._format is not JsonFormat.JSON_DOUBLE:
                odd.say("steps", data, 'JSON in a JSON string; say format = "json_double" if it is meant so')
            value = decoded(value.encode("utf-8", "replace"), "steps", odd)
        return follow(value, self._path) if self._path is not None else value


def has_times(fields: StepFields) -> bool:
    """Say whether the mapping tells when a step began or ended."""
    return any(getattr(fields, name) is not None for name in ("started_at", "executed_at", "compensated_at"))


def _kind(value: Any) -> str:
    names = {dict: "object", list: "list", str: "string", bool: "boolean", int: "number", float: "number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def decoded(data: bytes, field: str, odd: Odd) -> Any:
    """Decode JSON whatever is odd about it; None (and a doubt) where it can't be."""
    guess = blob_type(data)
    if guess is not None:
        odd.say(field, data, f"not JSON: looks like {guess}; it is never loaded")
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        odd.say(field, data, "not UTF-8; what can't be read was replaced")
    strange: set[str] = set()

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) != len(found):
            names = [name for name, _ in found]
            twice = sorted({name for name in names if names.count(name) > 1})
            strange.add(f"the same key twice ({', '.join(twice)[:100]}); the last one was taken")
        return made

    def constant(name: str) -> float:
        strange.add(f"{name} is no JSON")
        return float(name.replace("Infinity", "inf"))

    def number(digits: str) -> int | str:
        return int(digits) if len(digits) < 400 else digits

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_int=number)
    except RecursionError:
        odd.say(field, text, _DEEP)
        return None
    except ValueError as error:
        odd.say(field, data if b"\x00" in data else text, f"not JSON: {error}")
        return None
    for reason in sorted(strange):
        odd.say(field, text, reason)
    if value is None:
        odd.say(field, "null", "JSON null where steps were expected")
    return value
