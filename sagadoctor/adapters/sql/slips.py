"""Names in a mapping that no document has, where one that is nearly called so is there: for `check`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final

from sagadoctor.api.v1 import CheckLevel, CheckLine, Deadline, FullScanRefused, Saga
from sagadoctor.api.v1.sql import Guest

from .fields import at_path
from .find import fetch_rows
from .mapping.columns import ColumnWords
from .opened import Opened
from .paths import parse_path
from .shapes import InRowSteps
from .values import Unreadable

ALIKE: Final = 0.8
"""How much two names have to be alike for one to be taken for a slip of the other, of 1."""
_PAYLOADS: Final = 20
"""Payloads whose keys are looked at."""
_DOCUMENTS: Final = "100"
_LONGEST: Final = 60


async def payload_keys(guest: Guest, opened: Opened, sample: Sequence[Saga], deadline: Deadline) -> list[str]:
    """Return the names of what stands in some rows' payloads, never what they hold."""
    if opened.options.saga.payload is None or not sample:
        return []
    try:
        found = await fetch_rows(guest, opened, [saga.saga_id for saga in sample[:_PAYLOADS]], deadline, detail=True)
    except FullScanRefused:  # told among the look-ups
        return []
    names: dict[str, None] = {}
    for saga in found:
        with contextlib.suppress(ValueError, RecursionError):
            told = json.loads(saga.payload or b"null")
            names.update(dict.fromkeys(told if isinstance(told, dict) else ()))
    return [name for name in names if name.isprintable() and len(name) < _LONGEST]


async def slips(guest: Guest, opened: Opened, deadline: Deadline) -> list[CheckLine]:
    """Return what is to be said of names that no step's object has."""
    shape, words = opened.reader.shape, opened.options.steps
    fields = getattr(words, "fields", None)
    if words.shape != "json_list" or fields is None or not isinstance(shape, InRowSteps):
        return []
    from sqlalchemy import literal_column, select

    reader = opened.reader
    item = reader.selection.items[shape.document_at]
    some = select(item).select_from(reader.source.clause).where(*reader.where).limit(literal_column(_DOCUMENTS))
    rows = await guest.run(lambda session: session.rows(some), deadline)
    path = getattr(words, "path", None)
    read = at_path(parse_path(path) if path is not None else None)
    objects: list[object] = []
    for (cell,) in rows:
        with contextlib.suppress(ValueError, RecursionError, Unreadable):
            told = read(cell if isinstance(cell, list | dict) else json.loads(cell or "[]"))
            objects += told if isinstance(told, list) else []
    named = [(name, each) for name in type(fields).model_fields if (each := getattr(fields, name)) is not None]
    return list(_missing(objects, [(name, each) for name, each in named if isinstance(each, ColumnWords)]))


def _missing(documents: Iterable[Any], words: Sequence[tuple[str, ColumnWords]]) -> Iterator[CheckLine]:
    """Warn of names that no step's object has, where one is there that is nearly called so."""
    there: set[str] = set()
    for each in documents:
        if isinstance(each, dict):
            there.update(map(str, each))
    mapped = {first for _, each in words if (first := first_key(each)) is not None}
    for name, each in words:
        key = first_key(each)
        if key is None or not there or key in there:
            continue
        near = get_close_matches(key, sorted(there - mapped), 1, ALIKE)
        if near:
            text = f"steps.fields.{name}: no step has {key!r}, and there is {near[0]!r}"
            yield CheckLine("coverage", CheckLevel.WARNING, text, f'perhaps {name} = "{near[0]}" is meant')


def first_key(words: ColumnWords) -> str | None:
    """Return the name that a mapping looks for first: a key of an object, or the first step of a path."""
    if words.column is not None:
        return words.column
    path = parse_path(words.path) if words.path is not None else ()
    return path[0] if path and isinstance(path[0], str) else None
