"""A mapping met with its tables: what to select, and how a row becomes a Saga. Made once, used for every row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sagadoctor.api.v1 import ENDED, Doubt, Owner, Policy, Saga, SagaState, Step, StepStatus
from sagadoctor.api.v1.sql import POSTGRESQL, SQLITE, Column, Kind, Table

from .cells import DETAIL_BOUND, ERROR_BOUND, NAME_BOUND
from .cursor import Cursor
from .documents import EXTRACTED, extracted
from .fields import doublings, moment_reader, number_reader, text_reader
from .idents import Ident, TextIdent, WholeId, ident
from .mapping.columns import BaseColumn, ColumnWords, NumberColumn, TimeColumn
from .mapping.saga import SagaWords
from .options import SqlOptions
from .paths import parse_path
from .selection import Selection
from .shapes import ChildTableSteps, JsonListSteps, Shape, shape
from .shapes.reading import Odd
from .source import Missing, Source
from .states import ConstantState, RuleStates, States, Verdict, states
from .times import DERIVING, naive_utc, zone_of, zoned
from .values import Unreadable, as_text, whole, word
from .words import FailedMeans

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

FIELDS: Final = Saga.__struct_fields__
_AT: Final = {name: place for place, name in enumerate(FIELDS)}
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
_MOMENTS: Final = ("created_at", "updated_at", "ended_at", "deadline", "next_attempt_at")
_REMEMBERED: Final = 2000

CellReader = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Setting:
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
        self.words = words
        self.setting = setting
        self.detail = detail
        self.source = Source(table, setting.engine, setting.zone, missing)
        self.selection = Selection()
        self.where = self.source.where(words.where)
        self.not_extracted: list[str] = []
        """Fields that lie in the payload and that this database can't take out of it."""
        self._fields: list[tuple[int, str, int, CellReader]] = []
        self._template: list[Any] = list(_DEFAULTS)
        self._template[0] = setting.store
        self._derived: list[str] = []
        self.place = self._template[_AT["source"]] = place or f"{setting.store}.{table.place}"
        self._doubled: tuple[int, CellReader, int, CellReader, float] | None = None
        self._ids(words)
        self.states: States = states(words.state, self.source, self.selection)
        self._texts(words)
        self._moments(words)
        self._attempts(words)
        self._owner(words)
        self._cursor = Cursor(words.current_step, self.source, self.selection, setting.policy)
        self.shape: Shape = shape(options.steps, self.source, self.selection, child, detail=detail)
        self._payload_at = self._payload_size_at = -1
        self._plain_steps = self.shape.plain if isinstance(self.shape, JsonListSteps) else None
        if detail:
            self._payload(words)
        self._odd_times = (
            bool(self._derived)
            or "deadline" in self.moments
            or any((spec := getattr(words, name)) is not None and spec.from_ is not None for name in _MOMENTS)
        )
        self._special = (
            self._doubled is not None
            or self._owner_cell is not None
            or self._lease_cell is not None
            or self._payload_at >= 0
            or words.state.failed_means is FailedMeans.BY_STEPS
        )

    def _ids(self, words: SagaWords) -> None:
        self.id_columns: list[Column] = []
        self._id_cells: list[tuple[int, CellReader]] = []
        parts = []
        for name in words.id.columns:
            column = self.source.column(name)
            if column is None:
                continue
            at = self.selection.add(f"key:{column.name}", self.source.cell(column))
            self.id_columns.append(column)
            self._id_cells.append((at, self.source.opener(column)))
            parts.append(ident(words.id.format, column.kind))
        self.ident = WholeId(tuple(parts))
        if len(parts) == 1:
            at, opened = self._id_cells[0]
            self._add("id", "saga_id", at, _id_cell(parts[0], opened, self.id_columns[0]))

    def _add(self, name: str, place: str, at: int, read: CellReader) -> None:
        self._fields.append((_AT[place], name, at, read))

    def _texts(self, words: SagaWords) -> None:
        for name, place in _TEXTS.items():
            spec: ColumnWords | None = getattr(words, name)
            if spec is None:
                continue
            if spec.const is not None:
                self._template[_AT[place]] = word(spec.const)
            elif spec.path is not None and self._is_payload(spec):
                self._from_payload(name, place, spec)
            else:
                column = self.source.column(spec.column or "")
                if column is not None:
                    self._text(name, place, spec, column)

    def _text(self, name: str, place: str, spec: ColumnWords, column: Column) -> None:
        most = (DETAIL_BOUND if self.detail else ERROR_BOUND) if name == "error" else NAME_BOUND
        expression = self.source.text(column, most)
        if spec.path is not None or column.kind in (Kind.JSON, Kind.JSONB):
            expression, _ = self.source.document(column)
        at = self.selection.add(f"{name}:{column.name}", expression)
        read = text_reader(spec)
        opened = self.source.opener(column)

        def cell(raw: Any) -> Any:
            text = read(opened(raw))
            return text if text is None or len(text) <= most else text[: most - 1] + "…"

        self._add(name, place, at, _remembering(cell) if name == "type" else cell)

    def _is_payload(self, spec: ColumnWords) -> bool:
        payload = self.words.payload
        return spec.column is None or (payload is not None and payload.column == spec.column)

    def _from_payload(self, name: str, place: str, spec: ColumnWords) -> None:
        payload = self.words.payload
        column = self.source.column(payload.column) if payload is not None and payload.column is not None else None
        if payload is None or column is None or spec.path is None:
            return
        engine, version = self.setting.engine, self.setting.version
        path = parse_path(spec.path)
        expression = extracted(column, self.source.element(column), path, payload.format, engine, version)
        if expression is None:
            self.not_extracted.append(name)
            return
        at = self.selection.add(f"{name}:{spec.path}", expression)
        read = text_reader(spec.model_copy(update={"path": None, "column": column.name}))
        opened = self.source.opener(EXTRACTED)
        self._add(name, place, at, lambda raw: read(opened(raw)))

    def _moments(self, words: SagaWords) -> None:
        self.moments: dict[str, tuple[TimeColumn, Column]] = {}
        for name in _MOMENTS:
            spec: TimeColumn | None = getattr(words, name)
            if spec is None or spec.from_ is not None or spec.column is None:
                continue
            column = self.source.column(spec.column)
            if column is None:
                continue
            self.moments[name] = (spec, column)
            at = self.selection.add(f"time:{column.name}", self.source.text(column, NAME_BOUND))
            self._add(name, name, at, self._moment(spec, column))
            if spec.format in DERIVING:
                self._derived.append(name)

    def _moment(self, spec: TimeColumn, column: Column) -> CellReader:
        """Return the reader of a time column; PostgreSQL's own times in UTC take the short road."""
        self._check_unit(spec, column)
        plain = spec.format in (None, "timestamp") and not spec.values and spec.pattern is None and spec.path is None
        if plain and self.setting.engine != SQLITE:
            zone = zone_of(spec.tz) if spec.tz is not None else self.setting.zone
            if column.kind is Kind.TIMESTAMPTZ:
                return zoned if self.setting.engine == POSTGRESQL else naive_utc
            if column.kind is Kind.TIMESTAMP and zone is None:
                return naive_utc
        read = moment_reader(spec, self.setting.zone)
        opened = self.source.opener(column)

        def cell(raw: Any) -> datetime | None:
            value = opened(raw)
            return None if value is None else read(value)

        return cell

    def _check_unit(self, spec: TimeColumn, column: Column) -> None:
        numbers = (Kind.INT, Kind.FLOAT, Kind.DECIMAL)
        if spec.format is None and column.kind in numbers and not spec.values and spec.pattern is None:
            self.source.missing.note(
                f"{self.source.table.place}.{column.name} is a number ({column.type_text}): say its unit, such as "
                f'{{ column = "{column.name}", format = "epoch_ms" }}'
            )

    def _attempts(self, words: SagaWords) -> None:
        spec = words.attempts
        if spec is None or spec.column is None:
            return
        assert isinstance(spec, NumberColumn)
        column = self.source.column(spec.column)
        if column is None:
            return
        at = self.selection.add(f"number:{column.name}", self.source.text(column, NAME_BOUND))
        opened = self.source.opener(column)
        read = number_reader(spec)
        if isinstance(spec.base, BaseColumn):
            base = self.source.column(spec.base.column)
            if base is not None:
                base_at = self.selection.add(f"number:{base.name}", self.source.text(base, NAME_BOUND))
                self._log2(at, opened, base_at, self.source.opener(base), float(spec.base.default))
                return
        self._add("attempts", "attempts", at, lambda raw: read(opened(raw)))

    def _log2(self, at: int, opened: CellReader, base_at: int, base_opened: CellReader, default: float) -> None:
        self._doubled = (
            at,
            opened,
            base_at,
            base_opened,
            default,
        )

    def _doublings(self, row: Any, doubts: list[Doubt]) -> int | None:
        """Return how often a base that stands in a column of its own was doubled."""
        assert self._doubled is not None
        at, opened, base_at, base_opened, default = self._doubled
        try:
            number = None if row[at] is None else whole(opened(row[at]))
            base = None if row[base_at] is None else whole(base_opened(row[base_at]))
        except Unreadable as odd:
            doubts.append(Doubt("attempts", odd.raw, odd.reason))
            return None
        return doublings(number, base or default)

    def _owner(self, words: SagaWords) -> None:
        self._owner_cell: tuple[int, CellReader] | None = None
        self._lease_cell: tuple[int, CellReader] | None = None
        self.owner_column: Column | None = None
        if words.owner is not None and words.owner.column is not None:
            column = self.source.column(words.owner.column)
            if column is not None:
                at = self.selection.add(f"owner:{column.name}", self.source.text(column, NAME_BOUND))
                read, opened = text_reader(words.owner), self.source.opener(column)
                self.owner_column = column
                self._owner_cell = (at, lambda raw: read(opened(raw)))
        if words.lease_until is not None and words.lease_until.column is not None:
            column = self.source.column(words.lease_until.column)
            if column is not None:
                at = self.selection.add(f"time:{column.name}", self.source.text(column, NAME_BOUND))
                assert isinstance(words.lease_until, TimeColumn)
                self._lease_cell = (at, self._moment(words.lease_until, column))

    def _payload(self, words: SagaWords) -> None:
        column = self.source.column(words.payload.column) if words.payload and words.payload.column else None
        if column is not None:
            document, size = self.source.document(column)
            self._payload_at = self.selection.add("payload", document)
            self._payload_size_at = self.selection.add("payload size", size)
            self._payload_skip = 1 if self.setting.engine == "postgresql" and column.kind is Kind.JSONB else 0

    def id_of(self, row: Any, doubts: list[Doubt]) -> str:
        """Return a row's id in its canonical form."""
        return self.id_from([row[at] for at, _ in self._id_cells], doubts)

    def id_from(self, cells: Sequence[Any], doubts: list[Doubt]) -> str:
        """Return an id's raw cells in the canonical form."""
        try:
            pairs = zip(self._id_cells, cells, strict=True)
            return self.ident.canonical([None if raw is None else opened(raw) for (_, opened), raw in pairs])
        except Unreadable as odd:
            doubts.append(Doubt("id", odd.raw, odd.reason))
            return "" if odd.value is None else str(odd.value)

    def raw_id(self, row: Any) -> tuple[Any, ...]:
        """Return the raw cells of a row's id."""
        return tuple(row[at] for at, _ in self._id_cells)

    def id_parameters(self, raw: Sequence[Any]) -> list[ColumnElement[Any]]:
        """Return the raw cells of an id as parameters."""
        return [self.source.parameter(column, cell) for column, cell in zip(self.id_columns, raw, strict=True)]

    def saga(self, row: Any, steps: tuple[tuple[Step, ...], Odd] | None = None) -> Saga:
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
                args[place] = odd.value
                doubts.append(Doubt(name, odd.raw, odd.reason))
        if args[1] is None:
            args[1] = self.id_from(self.raw_id(row), doubts)
        verdict = self.states.read(row)
        state = args[2] = verdict.state
        args[3] = verdict.raw_state
        if verdict.doubt is not None:
            doubts.append(verdict.doubt)
        told = self._plain_steps(row) if self._plain_steps is not None else None
        if told is None:
            told = self._steps(row, steps, doubts)
        args[_STEPS] = told
        if state not in ENDED:
            args[_CURRENT] = self._cursor.read(row, told, args[_TYPE], doubts)
        if args[_UPDATED] is None or self._odd_times:
            args[_DERIVED] = self._times(args, told, doubts)
        if self._special:
            self._specially(row, args, told, verdict, doubts)
        if doubts:
            args[_DOUBTS] = tuple(doubts)
        return Saga(*args)

    def _specially(
        self, row: Any, args: list[Any], steps: tuple[Step, ...] | None, verdict: Verdict, doubts: list[Doubt]
    ) -> None:
        """Fill in what few mappings have."""
        if verdict.by_steps:
            args[2] = self._by_steps(steps, args[_TYPE])
        if self._doubled is not None:
            args[_ATTEMPTS] = self._doublings(row, doubts)
        if self._owner_cell is not None or self._lease_cell is not None:
            args[_OWNER] = self._owned(row, doubts)
        if self._payload_at >= 0:
            args[_PAYLOAD] = self._payload_of(row, doubts)

    def _steps(
        self, row: Any, steps: tuple[tuple[Step, ...], Odd] | None, doubts: list[Doubt]
    ) -> tuple[Step, ...] | None:
        if isinstance(self.shape, ChildTableSteps):
            if steps is None:
                return ()
            doubts.extend(steps[1].doubts)
            return steps[0]
        odd = Odd()
        told = self.shape.steps(row, odd)
        doubts.extend(odd.doubts)
        return told

    def _times(self, args: list[Any], steps: tuple[Step, ...] | None, doubts: list[Doubt]) -> tuple[str, ...]:
        derived = [name for name in self._derived if args[_AT[name]] is not None]
        created, updated = args[_CREATED], args[_UPDATED]
        unreadable = updated is None and any(doubt.field == "updated_at" for doubt in doubts)
        if updated is None and created is not None and "updated_at" in self.moments and not unreadable:
            args[_UPDATED] = created
            derived.append("updated_at")
        for name in _MOMENTS:
            spec = getattr(self.words, name)
            if spec is not None and spec.from_ == "steps":
                args[_AT[name]] = _from_steps(name, steps)
                derived.append(name)
        deadline = args[_DEADLINE]
        if deadline is not None and created is not None and deadline < created:
            doubts.append(Doubt("deadline", deadline.isoformat(), "the deadline lies before the saga's start"))
        return tuple(derived)

    def _owned(self, row: Any, doubts: list[Doubt]) -> Owner | None:
        name = lease = None
        for field, cell in (("owner", self._owner_cell), ("lease_until", self._lease_cell)):
            if cell is None or row[cell[0]] is None:
                continue
            try:
                value = cell[1](row[cell[0]])
            except Unreadable as odd:
                value = odd.value
                doubts.append(Doubt(field, odd.raw, odd.reason))
            if field == "owner":
                name = value
            else:
                lease = value
        return None if not name and lease is None else Owner(name or "", lease_until=lease)

    def _payload_of(self, row: Any, doubts: list[Doubt]) -> bytes | None:
        raw = row[self._payload_at]
        if raw is None:
            size = row[self._payload_size_at]
            if size is not None:
                doubts.append(Doubt("payload", f"({int(size)} bytes)", "too big to be fetched"))
            return None
        data = raw if isinstance(raw, bytes) else str(raw).encode()
        return data[self._payload_skip :]

    def _by_steps(self, steps: tuple[Step, ...] | None, saga_type: str | None) -> SagaState:
        """Return what "failed" means by the steps: anything left done, or an undo that failed, is failed."""
        if steps is None:
            return SagaState.UNKNOWN
        policy = self.setting.policy.of(saga_type)
        for step in steps:
            if step.status in (StepStatus.COMPENSATION_FAILED, StepStatus.COMPENSATING, StepStatus.UNKNOWN):
                return SagaState.FAILED
            if step.status is StepStatus.COMPLETED:
                said = policy.step(step.name)
                named = step.compensation is not None or (said is not None and said.compensation is not None)
                compensable = said.compensable if said is not None and said.compensable is not None else named
                if compensable:
                    return SagaState.FAILED
        return SagaState.COMPENSATED

    @property
    def tells_rules(self) -> bool:
        """Say whether states come from rules over several columns."""
        return isinstance(self.states, RuleStates)

    @property
    def constant(self) -> Verdict | None:
        """Return the verdict that holds for every row, None where rows differ."""
        return self.states.verdict if isinstance(self.states, ConstantState) else None


_STEPS, _TYPE, _CURRENT = _AT["steps"], _AT["saga_type"], _AT["current_step"]
_CREATED, _UPDATED, _DEADLINE = _AT["created_at"], _AT["updated_at"], _AT["deadline"]
_ATTEMPTS, _OWNER, _PAYLOAD, _DOUBTS, _DERIVED = (
    _AT["attempts"],
    _AT["owner"],
    _AT["payload"],
    _AT["doubts"],
    _AT["derived"],
)


def _id_cell(part: Ident, opened: CellReader, column: Column) -> CellReader:
    """Return the reader of an id of one column; a UUID that the database wrote is in its canonical form already."""
    if column.kind is Kind.UUID or isinstance(part, TextIdent):
        return opened if not isinstance(part, TextIdent) else _text_id
    return lambda raw: part.canonical(opened(raw))


def _text_id(raw: Any) -> str:
    """Return a text id as it is; bytes that are no text spelt out, so that two of them stay two."""
    if not isinstance(raw, bytes):
        return str(raw)
    return as_text(raw, "backslashreplace")


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


def _from_steps(name: str, steps: tuple[Step, ...] | None) -> datetime | None:
    """Return the first time of any step for created_at, the last one for every other name."""
    times = [
        moment
        for step in steps or ()
        for moment in (step.started_at, step.executed_at, step.compensated_at)
        if moment is not None
    ]
    if not times:
        return None
    return min(times) if name == "created_at" else max(times)
