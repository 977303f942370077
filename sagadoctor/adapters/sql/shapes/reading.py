"""One step out of loose values, whatever shape they came in."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sagadoctor.api.v1 import Doubt, Step, StepStatus

from ..cells import DETAIL_BOUND, ERROR_BOUND
from ..fields import Reader, found_in, moment_reader, number_reader, text_reader, translator
from ..mapping.columns import ColumnWords, NumberColumn, TextColumn, TimeColumn
from ..mapping.step_words import StatusWords, StepFields, StepWords
from ..values import Unreadable, raw_text, word
from ..words import step_status, step_synonym

MOST_STEPS: Final = 1000
"""More steps than this in one saga are cut to the first and the last half of it."""

TEXTS: Final = ("name", "action", "compensation", "error")
MOMENTS: Final = ("started_at", "executed_at", "compensated_at", "timeout_at", "next_attempt_at")
BY_STATUS: Final = {
    StepStatus.EXECUTING: "started_at",
    StepStatus.COMPENSATING: "started_at",
    StepStatus.COMPLETED: "executed_at",
    StepStatus.FAILED: "executed_at",
    StepStatus.TIMED_OUT: "executed_at",
    StepStatus.SKIPPED: "executed_at",
    StepStatus.COMPENSATED: "compensated_at",
}
"""What the moment of a row is, by the row's word."""
WHOLE: Final = ""
"""The source of a field that is a path into the step as a whole."""


class Odd:
    """Collects what was odd about one saga's steps."""

    def __init__(self) -> None:
        """Begin with nothing odd."""
        self.doubts: list[Doubt] = []

    def note(self, field: str, odd: Unreadable) -> Any:
        """Note an unreadable value, return what to go on with."""
        self.doubts.append(Doubt(field, odd.raw, odd.reason))
        return odd.value

    def say(self, field: str, raw: Any, reason: str) -> None:
        """Note anything else."""
        self.doubts.append(Doubt(field, raw_text(raw), reason))


class StatusReader:
    """A step's status by the mapping's values, the usual synonyms, or "failed where an error is set"."""

    def __init__(self, words: StatusWords) -> None:
        """Keep the words."""
        self._values = {key: step_status(meant) for key, meant in words.values.items()}
        self._names = {key: key for key in words.values}
        self._translate = translator(
            ColumnWords.model_construct(path=words.path, pattern=words.pattern, values=None, column=words.column)
        )
        self.source = words.column if words.column is not None else (WHOLE if words.path is not None else None)
        self.error_source = words.failed_if_set
        self._otherwise = step_status(words.otherwise)
        self.const = step_status(words.const) if words.const is not None else None
        self._known: dict[str, StepStatus] = {}

    def known(self, text: str) -> StepStatus | None:
        """Return what a plain word means, None for one that nobody knows."""
        found = self._known.get(text)
        if found is None:
            found = self._values.get(text) or step_synonym(text)
            if found is not None and len(self._known) < 2000:
                self._known[text] = found
        return found

    def read(self, values: Mapping[str, Any], whole: Any) -> tuple[StepStatus, str | None]:
        """Return status and raw word; raises Unreadable with (unknown, raw word) as its value."""
        if self.const is not None:
            return self.const, None
        if self.source is None:
            failed = self.error_source is not None and values.get(self.error_source) not in (None, "")
            return (StepStatus.FAILED if failed else self._otherwise), None
        value = whole if self.source == WHOLE else values.get(self.source)
        raw = word(value) if self.source != WHOLE else None
        direct = found_in(self._names, value) if value is not None else None
        if direct is not None:
            return self._values[direct], raw
        text = word(self._translate(value)) if value is not None else None
        if text is None:
            raise Unreadable(
                "NULL" if raw is None else raw_text(raw), "the step says no status", (StepStatus.UNKNOWN, raw)
            )
        status = self.known(text)
        if status is None:
            reason = "a word for a step's status that the mapping doesn't know"
            raise Unreadable(raw_text(text), reason, (StepStatus.UNKNOWN, raw or text))
        return status, raw or text


class StepReader:
    """Reads one step's fields from loose values by their sources' names."""

    def __init__(self, fields: StepFields, words: StepWords, zone: ZoneInfo | None, *, detail: bool) -> None:
        """Make a reader for each field that is mapped."""
        self.words, self.zone = words, zone
        self.bounds = {
            "name": ERROR_BOUND,
            "action": ERROR_BOUND,
            "compensation": ERROR_BOUND,
            "error": DETAIL_BOUND if detail else ERROR_BOUND,
        }
        self.readers: list[tuple[str, str | None, Reader]] = []
        self.constants: dict[str, Any] = {}
        self._ignore = words.ignore
        self.ignores = bool(words.ignore)
        self.tells_moments = fields.at is not None
        self.fields = fields
        for name in TEXTS:
            spec = getattr(fields, name)
            if spec is None and name == "name":
                spec = words.name
            if spec is not None:
                self._add(name, spec, text_reader(spec))
        for name in (*MOMENTS, "at"):
            spec = getattr(fields, name)
            if spec is not None:
                assert isinstance(spec, TimeColumn)
                self._add(name, spec, moment_reader(spec, zone))
        if fields.attempts is not None:
            assert isinstance(fields.attempts, NumberColumn)
            self._add("attempts", fields.attempts, number_reader(fields.attempts))
        if fields.result is not None:
            self._add("result", fields.result, result_reader(fields.result))
        status = fields.status if fields.status is not None else words.status
        self.status = StatusReader(status) if status is not None else None

    def _add(self, name: str, spec: ColumnWords, read: Reader) -> None:
        if spec.const is not None:
            self.constants[name] = word(spec.const)
        else:
            self.readers.append((name, spec.column if spec.column is not None else WHOLE, read))

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the names of the columns or keys that are read, each once."""
        names = [source for _, source, _ in self.readers if source]
        if self.status is not None:
            names.extend(name for name in (self.status.source, self.status.error_source) if name)
        return tuple(dict.fromkeys(names))

    def wants_all_of(self, source: str) -> bool:
        """Say whether a column is wanted however long it is: a step's result, or a document that a path leads into."""
        fields, words = self.fields, self.words
        status = fields.status if fields.status is not None else words.status
        named = [getattr(fields, name) for name in (*TEXTS, *MOMENTS, "at", "attempts")]
        deep = [spec for spec in (*named, words.name, status) if spec is not None and spec.path is not None]
        return any(spec.column == source for spec in (*deep, fields.result) if spec is not None)

    def told(self, field: str, values: Mapping[str, Any]) -> Any:
        """Return one field alone, None where nothing tells it; raises Unreadable."""
        for name, source, read in self.readers:
            if name == field:
                value = values if source == WHOLE else values.get(source or "")
                return None if value is None else read(value)
        return self.constants.get(field)

    def is_ignored(self, name: str) -> bool:
        """Say whether the mapping leaves out steps of this name."""
        return self.ignores and any(fnmatch.fnmatchcase(name, pattern) for pattern in self._ignore)

    def step(
        self, index: int, values: Mapping[str, Any], odd: Odd, whole: Any = None, *, name: str | None = None
    ) -> Step:
        """Return the step; whatever can't be read is noted and left empty. `name` is what it is called elsewhere."""
        found: dict[str, Any] = dict(self.constants)
        if name is not None:
            found["name"] = name
        for field, source, read in self.readers:
            value = whole if source == WHOLE else values.get(source or "")
            if value is None:
                continue
            try:
                found[field] = read(value)
            except Unreadable as unreadable:
                found[field] = odd.note(f"steps[{index}].{field}", unreadable)
        for field, most in self.bounds.items():
            text = found.get(field)
            if text is not None:
                found[field] = self._clean(text, most, f"steps[{index}].{field}", odd)
        if not found.get("name"):
            found["name"] = f"step {index}"
            odd.say(f"steps[{index}].name", None, "the step has no name")
        status, raw = StepStatus.UNKNOWN, None
        if self.status is not None:
            try:
                status, raw = self.status.read(values, whole)
            except Unreadable as unreadable:
                status, raw = odd.note(f"steps[{index}].status", unreadable) or (StepStatus.UNKNOWN, None)
        at = found.pop("at", None)
        if at is not None and status in BY_STATUS and found.get(BY_STATUS[status]) is None:
            found[BY_STATUS[status]] = at
        self._check_order(index, found, odd)
        return Step(index=index, status=status, raw_status=raw, **found)

    @staticmethod
    def _clean(text: str, most: int, field: str, odd: Odd) -> str:
        if len(text) > most:
            text = text[: most - 1] + "…"
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            text = text.encode("utf-8", "replace").decode("utf-8")
            odd.say(field, text, "half a character (a lone surrogate)")
        return text

    @staticmethod
    def _check_order(index: int, found: Mapping[str, Any], odd: Odd) -> None:
        started, limit = found.get("started_at"), found.get("timeout_at")
        if started is not None and limit is not None and limit < started:
            odd.say(f"steps[{index}].timeout_at", limit.isoformat(), "the deadline lies before the step's start")


def moment_of_row(reader: StepReader, values: Mapping[str, Any]) -> datetime | None:
    """Return when a row was written; None where it doesn't tell, or not legibly."""
    try:
        at = reader.told("at", values)
    except Unreadable as unreadable:
        at = unreadable.value
    return at if isinstance(at, datetime) else None


def has_times(fields: StepFields) -> bool:
    """Say whether the mapping tells when a step began or ended."""
    return any(getattr(fields, name) is not None for name in ("started_at", "executed_at", "compensated_at", "at"))


def result_reader(spec: TextColumn) -> Reader:
    """Return the reader of a step's result: JSON bytes, None for JSON null."""
    translate = translator(spec)

    def read(value: Any) -> bytes | None:
        value = translate(value)
        if value is None:
            return None
        if isinstance(value, bytes):
            data = value
        elif isinstance(value, str):
            data = value.encode("utf-8", "replace")
        else:
            data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        return None if data in (b"null", b"") else data

    return read


def bounded(steps: Sequence[Step], count: int, odd: Odd) -> tuple[Step, ...]:
    """Return at most MOST_STEPS steps: the first and the last ones, and say how many there are."""
    if count <= MOST_STEPS:
        return tuple(steps)
    half = MOST_STEPS // 2
    odd.say("steps", count, f"{count} steps; only the first and the last {half} were kept")
    return (*steps[:half], *steps[-half:])
