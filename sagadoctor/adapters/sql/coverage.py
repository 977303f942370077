"""How much of a bounded sample of rows a mapping can read: live ones, and those that ended lately.

What can't be read is told with its place, a short example without secrets, and the id to look at. What a mapping names
and no row has is told too: a path that leads nowhere turns rules off without a word.
"""

from __future__ import annotations

import contextlib
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1 import CheckLevel, CheckLine, FullScanRefused, Look, Redactor, Saga, SagaState, StepStatus
from sagadoctor.api.v1.sql import Guest

from .live import scan_pages
from .mapping.columns import ColumnWords
from .opened import Opened
from .page import collect
from .shapes import TableSteps
from .slips import ALIKE, first_key
from .states import ColumnStates
from .untold import untold
from .words import toml_key

if TYPE_CHECKING:
    from datetime import datetime

    from sagadoctor.api.v1 import Deadline, Doubt

LIVE_ROWS: Final = 1_000
ROWS: Final = 1_200
_FEW: Final = 200
_LATELY: Final = timedelta(days=30)
_LONGEST: Final = 60
_NAMED: Final = 8
_EXAMPLES: Final = 3
_FIELDS: Final = {"saga_type": "type", "parent_id": "parent"}
"""Facts that the mapping calls otherwise."""
_ALWAYS: Final = ("saga_type", "created_at", "updated_at")
"""What every row should tell, where it is mapped."""
_RARE: Final = ("error", "repaired_by", "waiting_for", "parent", "ended_at", "next_attempt_at", "deadline")
"""What may well be in no row of a sample."""
_STEP_FIELDS: Final = ("action", "compensation", "started_at", "executed_at", "compensated_at", "timeout_at", "error")


async def sampled(guest: Guest, opened: Opened, now: datetime, deadline: Deadline) -> tuple[Saga, ...]:
    """Return some live rows, those that have stood still longest first, and some that ended in the last 30 days.

    Where nothing finds these without reading all of a big table, or there are none, they are just any.
    """
    sagas: list[Saga] = []
    look = Look(deadline, ended_since=now - _LATELY, live_cap=LIVE_ROWS)
    with contextlib.suppress(FullScanRefused):
        async with aclosing(scan_pages(guest, opened, look)) as pages:  # type: ignore[type-var]
            async for page in pages:
                sagas += page.sagas
                if len(sagas) >= ROWS:
                    break
    return tuple(sagas[:ROWS]) or await _any(guest, opened, deadline)


async def _any(guest: Guest, opened: Opened, deadline: Deadline) -> tuple[Saga, ...]:
    from sqlalchemy import literal_column, select

    reader = opened.reader
    statement = select(*reader.selection.items).select_from(reader.source.clause).where(*reader.where)
    some = statement.limit(literal_column(str(_FEW)))
    rows = await guest.run(lambda session: collect(session, some, opened.scan), deadline)
    return tuple(rows.sagas)


class Coverage:
    """What a sample says of a mapping."""

    def __init__(self, opened: Opened, sample: Sequence[Saga], keys: Sequence[str] = ()) -> None:
        """Keep both; `keys` are those of some payloads."""
        self._opened, self._sample, self._keys = opened, sample, keys
        self._masked = Redactor()

    @property
    def _looked_at(self) -> str:
        sagas = self._sample
        live = sum(saga.is_live for saga in sagas)
        return f"{len(sagas):,} rows ({live:,} live, {len(sagas) - live:,} ended)"

    def lines(self) -> Iterator[CheckLine]:
        """Yield what was read, what could not be, and what is named and never there."""
        if not self._sample:
            yield CheckLine("rows", CheckLevel.OK, "the table is empty")
            return
        yield self._rows()
        yield from self._states()
        yield from self._step_words()
        yield from self._absent()

    def _rows(self) -> CheckLine:
        sagas = self._sample
        by_words = isinstance(self._opened.reader.states, ColumnStates)  # whose unknown words are told by themselves
        kinds: dict[str, list[tuple[Saga, Doubt]]] = {}
        for saga in sagas:
            told: set[str] = set()
            for doubt in saga.doubts:
                kind = doubt.field.split("[")[0]
                if kind not in told and not (kind == "state" and by_words):
                    told.add(kind)
                    kinds.setdefault(kind, []).append((saga, doubt))
        if not kinds:
            return CheckLine("rows", CheckLevel.OK, f"{self._looked_at} were read, and everything in them")
        often = sorted(kinds.items(), key=lambda each: -len(each[1]))
        told_of = ", ".join(f"{kind} in {len(found)}" for kind, found in often[:_NAMED])
        examples = "; ".join(self._example(*found[0]) for _, found in often[:_EXAMPLES])
        return CheckLine(
            "rows", CheckLevel.WARNING, f"of {self._looked_at}, unreadable: {told_of}", f"such as {examples}"
        )

    def _example(self, saga: Saga, doubt: Doubt) -> str:
        raw = self._masked.cut(doubt.raw, _LONGEST)
        name = self._masked.cut(saga.saga_id, _LONGEST) or "a row without an id"
        told = f"{self.place(doubt.field)} of {name} is {raw!r}: {doubt.reason}"
        plain = name == saga.saga_id and name.isprintable()
        return (
            f"{told} (sagadoctor show --store {shlex.quote(self._opened.context.name)} -- {shlex.quote(name)})"
            if plain
            else told
        )

    def place(self, field: str) -> str:
        """Return store, table and column of a fact, as far as they are known."""
        opened, options = self._opened, self._opened.options
        name = field.rsplit(".", 1)[-1] if field.startswith("steps[") else field
        if not field.startswith("steps"):
            words = getattr(options.saga, _FIELDS.get(name, name), None)
            column = ", ".join(words.columns) if name == "id" and words is not None else _column(words)
            if column is not None and column.startswith("$") and options.saga.payload is not None:
                column = f"{options.saga.payload.column} at {column}"
            return f"{opened.reader.place}.{column or name}"
        shape = opened.reader.shape
        fields = getattr(options.steps, "fields", None)
        column = _column(getattr(fields, name, None)) or _column(getattr(options.steps, name, None))
        if isinstance(shape, TableSteps):
            table = f"{opened.context.name}.{shape.source.table.place}"
            return f"{table}.{column}" if column else table
        held = getattr(options.steps, "column", None)
        return f"{opened.reader.place}.{held or 'steps'}" + (f" ({field})" if field != "steps" else "")

    def _states(self) -> Iterator[CheckLine]:
        """Say what states were found, where they aren't words that are told by themselves."""
        if isinstance(self._opened.reader.states, ColumnStates):
            return
        counted = Counter(saga.state for saga in self._sample)
        told = ", ".join(f"{state.value} {count:,}" for state, count in counted.most_common())
        if counted[SagaState.UNKNOWN]:
            todo = "say another rule under saga.state.when, or one without conditions at its end: { if = {}, is = … }"
            yield CheckLine("states", CheckLevel.WARNING, f"{told}: no rule fits the unknown ones", todo)
        else:
            yield CheckLine("states", CheckLevel.OK, told)

    def _step_words(self) -> Iterator[CheckLine]:
        """Say what each word of a step's status is read as."""
        words: Counter[tuple[str, StepStatus]] = Counter()
        for saga in self._sample:
            read = (step for step in saga.steps or () if step.raw_status is not None and not step.derived)
            words.update((step.raw_status or "", step.status) for step in read)
        meant: dict[str, list[str]] = {}
        for raw, status in sorted(words):
            if status is not StepStatus.UNKNOWN:
                meant.setdefault(self._word(raw), []).append(status.value)
        known = [f"{raw} = {' or '.join(each)}" for raw, each in meant.items()]
        unknown = [(raw, count) for (raw, status), count in words.most_common() if status is StepStatus.UNKNOWN]
        if known:
            yield CheckLine("step words", CheckLevel.OK, ", ".join(known[:30]))
        if unknown:
            told = ", ".join(
                f"{self._word(raw)!r} ({count:,} step{'' if count == 1 else 's'})" for raw, count in unknown[:20]
            )
            first = toml_key(self._word(unknown[0][0]))
            key = _STATUS.get(self._opened.options.steps.shape, "steps.status")
            todo = f'say what it means: {key}.values = {{ {first} = "…" }}'
            yield CheckLine("step words", CheckLevel.WARNING, f"the mapping doesn't know {told}", todo)

    def _word(self, raw: str) -> str:
        return self._masked.cut(raw, _LONGEST)

    def _absent(self) -> Iterator[CheckLine]:
        """Say what is mapped and no row tells."""
        saga, sagas = self._opened.options.saga, self._sample
        near: dict[str, str] = {}
        for field in Saga.__struct_fields__:
            words = getattr(saga, _FIELDS.get(field, field), None)
            if not isinstance(words, ColumnWords) or words.const is not None or field == "payload":
                continue
            if any(getattr(each, field) is not None for each in sagas):
                continue
            name = _FIELDS.get(field, field)
            if words.path is not None or words.pattern is not None:
                near[f"saga.{name}"] = self._near(words) or f"look at {self.place(field)} of a row"
            elif field in _ALWAYS and not any(_doubted(each, name) for each in sagas):
                text = f"saga.{name}: no row of {self._looked_at} has a value in {self.place(field)}"
                yield CheckLine("coverage", CheckLevel.WARNING, text, "map the column that has, or leave it out")
        options = self._opened.options
        for text in untold(sagas, saga, options.steps, self._opened.reader.payload.not_extracted):
            key = text.partition(" ")[0]
            level = CheckLevel.OK if key.rpartition(".")[2] in _RARE else CheckLevel.WARNING
            yield CheckLine("coverage", level, text, near.get(key, "look at a row, and mend the path or the pattern"))
        yield from self._absent_of_steps()

    def _near(self, words: ColumnWords) -> str:
        """Return which key of the payload may be meant by a path; empty where that can't be said."""
        key = first_key(words) if words.column is None else None
        if key is None or not self._keys or key in self._keys:
            return ""
        near = get_close_matches(key, self._keys, 1, ALIKE)
        there = ", ".join(self._word(each) for each in self._keys[:_NAMED])
        return f"did you mean {near[0]!r}?" if near else f"the payload has {there}"

    def _absent_of_steps(self) -> Iterator[CheckLine]:
        steps = [step for saga in self._sample for step in saga.steps or ()]
        fields = getattr(self._opened.options.steps, "fields", None)
        if fields is None:
            return
        if not steps and self._opened.options.steps.shape != "none":
            text = f"none of {self._looked_at} has a step"
            yield CheckLine("coverage", CheckLevel.WARNING, text, "look at steps.column, steps.path or the foreign key")
            return
        never = [name for name in _STEP_FIELDS if getattr(fields, name) is not None and not _tell(steps, name)]
        if never:
            told = ", ".join(_named(name, _source(getattr(fields, name))) for name in never)
            yield CheckLine("coverage", CheckLevel.OK, f"no step of {len(steps):,} has {told}")


_STATUS: Final = {
    "json_list": "steps.fields.status",
    "child_table": "steps.fields.status",
    "json_object": "steps",
    "op_table": "steps",
    "log_table": "steps",
}


def _named(field: str, source: str) -> str:
    return field if field == source else f"{field} ({source})"


def _steps(count: int) -> str:
    return f"{count:,} step{'' if count == 1 else 's'}"


def _tell(steps: Iterable[Any], name: str) -> bool:
    return any(getattr(step, name) is not None for step in steps)


def _doubted(saga: Saga, name: str) -> bool:
    return any(doubt.field == name for doubt in saga.doubts)


def _source(words: Any) -> str:
    return str(words.path if words.column is None else words.column)


def _column(words: Any) -> str | None:
    found = getattr(words, "column", None)
    path = getattr(words, "path", None)
    if path is not None:
        return f"{found} at {path}" if found else str(path)
    return found
