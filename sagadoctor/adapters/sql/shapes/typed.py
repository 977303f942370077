"""The short road through a JSON list of steps: a decoder made for the mapping's own field names.

It answers None for whatever is not plainly right; such a document is then read tolerantly, field by field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from sagadoctor.api.v1 import Step
from sagadoctor.api.v1.sql import Column, Kind

from ..mapping.columns import ColumnWords, JsonFormat, TimeColumn, TimeFormat
from ..mapping.shapes.json_list import JsonList
from ..times import epoch, time_reader, timestamps, utc_text, zone_of
from ..values import Unreadable
from .reading import MOMENTS, MOST_STEPS, StepReader

_NULL: Final = msgspec.Raw(b"null")
_EPOCHS: Final = {TimeFormat.EPOCH_S: 1_000_000, TimeFormat.EPOCH_MS: 1000, TimeFormat.EPOCH_US: 1}
_REMEMBERED: Final = 2000
_UNFIT: Final = re.compile(r'[\x00-\x1f"\\]')
"""What a field's name may not hold for the fast decoder."""

Document = bytes | memoryview
"""A whole JSON document."""


def typed_steps(
    words: JsonList, reader: StepReader, column: Column | None
) -> Callable[[Document], tuple[Step, ...] | None] | None:
    """Return the fast decoder, which answers None for whatever is not plainly right; None where it can't be made."""
    fields = words.fields
    if words.path is not None or words.ignore or words.format is JsonFormat.JSON_DOUBLE or column is None:
        return None
    status = fields.status
    if status is None or status.column is None or status.path or status.pattern or status.const or status.failed_if_set:
        return None
    if fields.name is None or reader.status is None or fields.at is not None:
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


def short_road(
    typed: Callable[[Document], tuple[Step, ...] | None] | None, at: int, skip: int
) -> Callable[[Any], tuple[Step, ...] | None] | None:
    """Return the short road from a row to its steps."""
    if typed is None or at < 0:
        return None

    def text(row: Any) -> tuple[Step, ...] | None:
        raw = row[at]
        return typed(raw) if type(raw) is bytes else None

    def binary(row: Any) -> tuple[Step, ...] | None:
        raw = row[at]
        return typed(memoryview(raw)[1:]) if type(raw) is bytes else None  # no copy for one byte less

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
    decode: Callable[[Document], list[Any]],
    reader: StepReader,
    moments: dict[str, Callable[[Any], datetime | None]],
    status_key: str,
    *,
    may_repeat: bool,
) -> Callable[[Document], tuple[Step, ...] | None]:
    assert reader.status is not None
    known = reader.status.known
    words: dict[str | None, Any] = {}
    untouched: dict[tuple[Any, ...], Step] = {}
    """Steps that nothing has happened to yet: alike in every saga, so one of each will do."""
    started_of, executed_of, undone_of, limit_of, again_of = (moments.get(name, _nothing) for name in MOMENTS)
    unpacked = msgspec.structs.astuple
    shortest = min(reader.bounds.values())
    """A document that is shorter than this holds no text that has to be cut."""
    key = json.dumps(status_key, ensure_ascii=False).encode() if may_repeat else None

    def build(data: Document) -> tuple[Step, ...] | None:
        try:
            rows = decode(data)
            count = len(rows)
            if count > MOST_STEPS or (key is not None and bytes(data).count(key) > count):
                return None
            long = len(data) > shortest
            steps: list[Step] = []
            for index, row in enumerate(rows):
                name, raw, action, undo, error, attempts, result, started, executed, undone, limit, again = unpacked(
                    row
                )
                told: bytes | None = bytes(result)
                idle = None
                if told == b"null":
                    told = None
                    if executed is None and started is None and limit is None and undone is None and again is None:
                        idle = (name, raw, action, undo, error, attempts, index)
                        step = untouched.get(idle)
                        if step is not None:
                            steps.append(step)
                            continue
                status = words.get(raw)
                if status is None:
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
                step = Step(
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
                    told,
                )
                steps.append(step)
                if idle is not None and error is None and len(untouched) < _REMEMBERED:
                    untouched[idle] = step
        except (msgspec.MsgspecError, Unreadable, ValueError, RecursionError, OverflowError):
            return None
        return tuple(steps)

    return build
