"""`json_list`: steps as a list of objects in a JSON column of the saga's row.

Rows that are as they should be are decoded by a decoder made for the mapping's own field names; a row with
anything odd in it is read again, tolerantly, field by field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from sagadoctor.api.v1 import Step
from sagadoctor.api.v1.sql import POSTGRESQL, Column, Kind

from ..mapping.columns import ColumnWords, JsonFormat, TimeColumn, TimeFormat
from ..mapping.steps import JsonList, StepFields
from ..paths import follow, parse_path
from ..selection import Selection
from ..source import Source
from ..times import epoch, time_reader, timestamps, utc_text, zone_of
from ..values import Unreadable, blob_type
from .reading import MOMENTS, MOST_STEPS, Odd, StepReader, bounded

_NULL: Final = msgspec.Raw(b"null")
_EPOCHS: Final = {TimeFormat.EPOCH_S: 1_000_000, TimeFormat.EPOCH_MS: 1000, TimeFormat.EPOCH_US: 1}
_UNFIT: Final = re.compile(r'[\x00-\x1f"\\]')
"""What a field's name may not hold for the fast decoder."""
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
        self.plain = _plain(_typed(words, self.reader, column), self._at, self._skip)
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


def _typed(
    words: JsonList, reader: StepReader, column: Column | None
) -> Callable[[bytes], tuple[Step, ...] | None] | None:
    """Return the fast decoder, which answers None for whatever is not plainly right; None where it can't be made."""
    fields = words.fields
    if words.path is not None or words.ignore or words.format is JsonFormat.JSON_DOUBLE or column is None:
        return None
    status = fields.status
    if status is None or status.column is None or status.path or status.pattern or status.const or status.failed_if_set:
        return None
    if fields.name is None or reader.status is None:
        return None
    keys: dict[str, str] = {}
    types: list[tuple[str, Any, Any]] = []
    moments: dict[str, Callable[[Any], datetime | None]] = {}
    for name in ("name", "status", "action", "compensation", "error", "attempts", "result", *MOMENTS):
        if name == "status":
            keys[name] = status.column
            types.append((name, str | None, None))
            continue
        spec: ColumnWords | None = getattr(fields, name)
        if spec is not None and not _is_plain(spec):
            return None
        keys[name] = spec.column if spec is not None and spec.column is not None else f"(no field is mapped to {name})"
        if name == "result":
            types.append((name, msgspec.Raw, _NULL))
        elif name == "attempts":
            types.append((name, int | None, None))
        elif isinstance(spec, TimeColumn):
            kind, read = _moment(spec, reader)
            types.append((name, kind, None))
            moments[name] = read
        else:
            types.append((name, str | None, None))
    if len(set(keys.values())) != len(keys) or any(_UNFIT.search(key) for key in keys.values()):
        return None
    model = msgspec.defstruct("_Step", types, rename=keys, gc=False)
    decode = msgspec.json.Decoder(list[model]).decode  # type: ignore[valid-type]
    return _builder(decode, reader, moments, keys["status"], may_repeat=column.kind is not Kind.JSONB)


def _plain(
    typed: Callable[[bytes], tuple[Step, ...] | None] | None, at: int, skip: int
) -> Callable[[Any], tuple[Step, ...] | None] | None:
    """Return the short road from a row to its steps."""
    if typed is None or at < 0:
        return None

    def text(row: Any) -> tuple[Step, ...] | None:
        raw = row[at]
        return typed(raw) if type(raw) is bytes else None

    def binary(row: Any) -> tuple[Step, ...] | None:
        raw = row[at]
        return typed(raw[1:]) if type(raw) is bytes else None

    return binary if skip else text


def _is_plain(spec: ColumnWords) -> bool:
    return spec.column is not None and spec.path is None and spec.pattern is None and not spec.values


def _moment(spec: TimeColumn, reader: StepReader) -> tuple[Any, Callable[[Any], datetime | None]]:
    if spec.format in _EPOCHS:
        return int | float | None, epoch(_EPOCHS[spec.format], "")
    if spec.format not in (None, TimeFormat.ISO, TimeFormat.TIMESTAMP):
        return str | None, time_reader(spec.format, reader.zone)
    zone = zone_of(spec.tz) if spec.tz is not None else reader.zone
    return str | None, utc_text if zone is None else timestamps(zone)


def _nothing(moment: Any) -> None:
    del moment


def _builder(
    decode: Callable[[bytes], list[Any]],
    reader: StepReader,
    moments: dict[str, Callable[[Any], datetime | None]],
    status_key: str,
    *,
    may_repeat: bool,
) -> Callable[[bytes], tuple[Step, ...] | None]:
    assert reader.status is not None
    known = reader.status.known
    words: dict[str, Any] = {}
    started_of, executed_of, undone_of, limit_of, again_of = (moments.get(name, _nothing) for name in MOMENTS)
    unpacked = msgspec.structs.astuple
    shortest = min(reader.bounds.values())
    """A document that is shorter than this holds no text that has to be cut."""
    key = json.dumps(status_key, ensure_ascii=False).encode() if may_repeat else None

    def build(data: bytes) -> tuple[Step, ...] | None:
        try:
            rows = decode(data)
            count = len(rows)
            if count > MOST_STEPS or (key is not None and data.count(key) > count):
                return None
            long = len(data) > shortest
            steps: list[Step] = []
            for index, row in enumerate(rows):
                name, raw, action, undo, error, attempts, result, started, executed, undone, limit, again = unpacked(
                    row
                )
                if raw in words:
                    status = words[raw]
                else:
                    status = known(raw) if raw is not None else None
                    if status is None:
                        return None
                    words[raw] = status
                if not name or (long and (len(name) > shortest or (error is not None and len(error) > shortest))):
                    return None
                if started is not None:
                    started = started_of(started)
                if executed is not None:
                    executed = executed_of(executed)
                if undone is not None:
                    undone = undone_of(undone)
                if limit is not None:
                    limit = limit_of(limit)
                    if started is not None and limit is not None and limit < started:
                        return None
                if again is not None:
                    again = again_of(again)
                told = bytes(result)
                steps.append(
                    Step(
                        name,
                        index,
                        status,
                        raw,
                        action,
                        undo,
                        started,
                        executed,
                        undone,
                        limit,
                        attempts,
                        again,
                        error,
                        None if told == b"null" else told,
                    )
                )
        except (msgspec.MsgspecError, Unreadable, ValueError, RecursionError, OverflowError):
            return None
        return tuple(steps)

    return build
