"""A mapping met with its tables: what to select, and how a row becomes a Saga. Made once, used for every row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from sagadoctor.api.v1 import ENDED, Doubt, Policy, Saga, SagaState, Step, StepStatus
from sagadoctor.api.v1.sql import Column, Table

from .attempts import Attempts
from .cells import DETAIL_BOUND, ERROR_BOUND, NAME_BOUND
from .course import Course, is_compensable, moved
from .cursor import Cursor
from .fields import text_reader
from .forms import form_of
from .identity import Identity
from .idents import Ident, ident
from .mapping.columns import ColumnWords, TextColumn
from .mapping.saga import SagaWords
from .moments import MOMENTS, Moments, as_moment
from .options import SqlOptions
from .ownership import Ownership
from .payload import Payload
from .placed import placed
from .selection import Placed, Selection
from .shapes import About, Around, InRowSteps, Shape, Told, shape
from .shapes.reading import Odd
from .source import Missing, Source
from .states import ColumnStates, ConstantState, States, Verdict, states
from .values import Unreadable, word
from .words import FailedMeans

_AT: Final = {name: place for place, name in enumerate(Saga.__struct_fields__)}
_DEFAULTS: Final = (None,) * 3 + Saga.__struct_defaults__
_TEXTS: Final = {
    "type": "saga_type",
    "business_key": "business_key",
    "version": "version",
    "error": "error",
    "waiting_for": "waiting_for",
    "parent": "parent_id",
    "repaired_by": "repaired_by",
    "correlation_id": "correlation_id",
    "trace_id": "trace_id",
}
_ID, _STATE, _RAW_STATE, _TYPE = _AT["saga_id"], _AT["state"], _AT["raw_state"], _AT["saga_type"]
_STEPS, _CURRENT, _UPDATED, _ATTEMPTS = _AT["steps"], _AT["current_step"], _AT["updated_at"], _AT["attempts"]
_OWNER, _PAYLOAD, _DOUBTS, _DERIVED = _AT["owner"], _AT["payload"], _AT["doubts"], _AT["derived"]
_WAITING: Final = _AT["waiting_for"]
_REMEMBERED: Final = 2000

CellReader = Callable[[Any], Any]


class Setting(msgspec.Struct, frozen=True):
    """What a reader knows beside its mapping."""

    store: str
    policy: Policy
    engine: str
    version: int
    zone: ZoneInfo | None


class SagaReader:
    """Reads rows of one saga table; `selection` is what a statement has to select for it."""

    def __init__(
        self,
        options: SqlOptions,
        table: Table,
        child: Table | None,
        setting: Setting,
        missing: Missing,
        *,
        detail: bool,
        place: str | None = None,
    ) -> None:
        """Find every column that the mapping names; what is missing is noted, not raised."""
        words = options.saga
        self.words, self.setting, self.detail = words, setting, detail
        self.source = Source(table, setting.engine, setting.zone, missing)
        self.selection = Selection()
        self.where = self.source.where(words.where)
        self.place = place or f"{setting.store}.{table.place}"
        self._template: list[Any] = list(_DEFAULTS)
        self._template[_AT["store"]], self._template[_AT["source"]] = setting.store, self.place
        self._fields: list[tuple[int, str, int, CellReader]] = []
        self.identity = Identity(words.id, self.source, self.selection)
        if (short := self.identity.short_road) is not None:
            self._fields.append((_ID, "id", *short))
        self.states: States = states(words.state, self.source, self.selection)
        by_word = self.states if isinstance(self.states, ColumnStates) else None
        self._verdicts: Mapping[Any, Verdict] = by_word.known if by_word is not None else {}
        self._state_at = by_word.at if by_word is not None else 0
        self.payload = Payload(words.payload, self.source, setting.version)
        self._texts(words)
        self.times = Moments(words, self.source, self.selection, self.payload)
        self._needs_finishing = self.times.need_finishing
        self._fields.extend((_AT[name], name, at, read) for name, at, read in self.times.cells)
        self._attempts = self._counted(words)
        self._owner = Ownership(words, self.source, self.selection, self.payload)
        self._cursor = Cursor(words.current_step, self.source, self.selection, setting.policy, self.payload)
        around = Around(self.source, self.selection, child, setting.policy, words.current_step, detail)
        self.shape: Shape = shape(options.steps, around)
        self._plain_steps = self.shape.plain if isinstance(self.shape, InRowSteps) else None
        self._course = Course(options.steps, setting.policy)
        if detail:
            self.payload.select(self.selection)
        self._special = (
            self._attempts is not None
            or self._owner.is_mapped
            or self.payload.is_selected
            or words.state.failed_means is FailedMeans.BY_STEPS
        )

    def _texts(self, words: SagaWords) -> None:
        for name, field in _TEXTS.items():
            spec: ColumnWords | None = getattr(words, name)
            if spec is None:
                continue
            if spec.const is not None:
                self._template[_AT[field]] = word(spec.const)
                continue
            most = (DETAIL_BOUND if self.detail else ERROR_BOUND) if name == "error" else NAME_BOUND
            place = placed(name, spec, self.source, self.selection, self.payload, most)
            if place is not None:
                self._fields.append((_AT[field], name, place.at, self._text(name, spec, place, most)))

    def _text(self, name: str, spec: ColumnWords, place: Placed, most: int) -> CellReader:
        named, opened = self.named(name, spec, place.column), place.opened
        form = form_of(spec, place.column, self.source, f"saga.{name}")
        read = text_reader(place.words, named.canonical if named is not None else form)

        def cell(raw: Any) -> Any:
            text = read(opened(raw))
            return text if text is None or len(text) <= most else text[: most - 1] + "…"

        return _remembering(cell) if name == "type" else cell

    def named(self, name: str, spec: ColumnWords, column: Column) -> Ident | None:
        """Return how another saga's id is read, in the form in which that saga's own id is printed."""
        form = spec.format if isinstance(spec, TextColumn) else None
        plain = spec.path is None and spec.pattern is None and not spec.values
        if form is None and name in ("parent", "repaired_by") and len(self.identity.columns) == 1:
            form = self.words.id.format
            return ident(form, column.kind) if plain else None
        return ident(form, column.kind) if form is not None and plain else None

    def _counted(self, words: SagaWords) -> Attempts | None:
        spec = words.attempts
        place = placed("attempts", spec, self.source, self.selection, self.payload) if spec is not None else None
        return None if spec is None or place is None else Attempts(spec, place, self.source, self.selection)

    def saga(self, row: Any, steps: Told | None = None) -> Saga:
        """Return the fact that a row tells; `steps` where they don't stand in the row."""
        doubts: list[Doubt] = []
        args = self._template.copy()
        for place, name, at, read in self._fields:
            raw = row[at]
            if raw is None:
                continue
            try:
                args[place] = read(raw)
            except Unreadable as odd:
                args[place] = odd.value if name not in MOMENTS else as_moment(odd.value)
                doubts.append(Doubt(name, odd.raw, odd.reason))
        if args[_ID] is None:
            args[_ID] = self.identity.read(self.identity.raw(row), doubts)
        verdict = self._verdicts.get(row[self._state_at]) or self.states.read(row)
        state = args[_STATE] = verdict.state
        args[_RAW_STATE] = verdict.raw_state
        if verdict.doubt is not None:
            doubts.append(verdict.doubt)
        told = self._plain_steps(row) if self._plain_steps is not None else None
        if told is None:
            told = self._steps(row, steps, About(args[_TYPE], state), doubts)
        if told is not None and self._course.is_needed:
            before, told = told, self._course.followed(told, About(args[_TYPE], state))
            if doubts and before is not told:
                doubts = moved(doubts, before, told)
            if args[_WAITING] is None and state not in ENDED:
                args[_WAITING] = self._course.waits(told)
        args[_STEPS] = told
        if state not in ENDED:
            args[_CURRENT] = self._cursor.read(row, told, args[_TYPE], doubts)
        newest = steps.newest if steps is not None else None
        if args[_UPDATED] is None or newest is not None or self._needs_finishing:
            args[_DERIVED] = self.times.finish(args, told, doubts, newest)
            if state not in ENDED:
                self.times.doubt_none(args, told, doubts)
        if self._special:
            self._specially(row, args, verdict, doubts)
        if doubts:
            args[_DOUBTS] = tuple(doubts)
        return Saga(*args)

    def _specially(self, row: Any, args: list[Any], verdict: Verdict, doubts: list[Doubt]) -> None:
        """Fill in what few mappings have."""
        if verdict.by_steps:
            args[_STATE] = self._by_steps(args[_STEPS], args[_TYPE])
        if self._attempts is not None:
            args[_ATTEMPTS] = self._attempts.read(row, doubts)
        if self._owner.is_mapped:
            args[_OWNER] = self._owner.read(row, doubts)
        if self.payload.is_selected:
            args[_PAYLOAD] = self.payload.read(row, doubts)

    def _steps(self, row: Any, steps: Told | None, about: About, doubts: list[Doubt]) -> tuple[Step, ...] | None:
        if not isinstance(self.shape, InRowSteps):
            if steps is None:
                return ()
            doubts.extend(steps.odd.doubts)
            return steps.steps
        odd = Odd()
        told = self.shape.steps(row, about, odd)
        doubts.extend(odd.doubts)
        return told

    def _by_steps(self, steps: tuple[Step, ...] | None, saga_type: str | None) -> SagaState:
        """Return what "failed" means by the steps: anything left done, or an undo that failed, is failed."""
        if steps is None:
            return SagaState.UNKNOWN
        policy = self.setting.policy.of(saga_type)
        for step in steps:
            if step.status in (StepStatus.COMPENSATION_FAILED, StepStatus.COMPENSATING, StepStatus.UNKNOWN):
                return SagaState.FAILED
            if step.status is StepStatus.COMPLETED and is_compensable(step, policy):
                return SagaState.FAILED
        return SagaState.COMPENSATED

    @property
    def constant(self) -> Verdict | None:
        """Return the verdict that holds for every row, None where rows differ."""
        return self.states.verdict if isinstance(self.states, ConstantState) else None


def _remembering(read: CellReader) -> CellReader:
    """Return a reader that knows what it has read before; for columns of few words."""
    known: dict[Any, Any] = {}

    def cell(raw: Any) -> Any:
        try:
            return known[raw]
        except KeyError:
            value = read(raw)
            if len(known) < _REMEMBERED:
                known[raw] = value
            return value

    return cell
