"""The times of a saga's own row: read, derived where they have to be, compared with each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sagadoctor.api.v1 import ENDED, Doubt, Saga, Step
from sagadoctor.api.v1.sql import POSTGRESQL, SQLITE, Column, Kind

from .fields import moment_reader
from .forms import check_form
from .mapping.columns import TimeColumn, TimeFormat
from .mapping.saga import SagaWords
from .payload import Payload
from .placed import placed
from .selection import Selection
from .source import Source
from .times import DERIVING, naive_utc, utc_text, zone_of, zoned
from .values import Unreadable

MOMENTS: Final = ("created_at", "updated_at", "ended_at", "deadline", "next_attempt_at")
_AT: Final = {name: place for place, name in enumerate(Saga.__struct_fields__) if name in MOMENTS}
_CREATED, _UPDATED, _DEADLINE = _AT["created_at"], _AT["updated_at"], _AT["deadline"]
_ENDED, _STATE = _AT["ended_at"], Saga.__struct_fields__.index("state")
_PROGRESS: Final = ("created_at", "updated_at")
_NUMBERS: Final = (Kind.INT, Kind.FLOAT, Kind.DECIMAL)


class Moments:
    """The time columns of one mapping."""

    def __init__(self, words: SagaWords, source: Source, selection: Selection, payload: Payload) -> None:
        """Find the columns and select them."""
        self.columns: dict[str, tuple[TimeColumn, Column]] = {}
        self.cells: list[tuple[str, int, Callable[[Any], datetime | None]]] = []
        """Field, place in the row, reader."""
        self._from_ids: list[str] = []
        self._from_steps: list[str] = []
        for name in MOMENTS:
            spec: TimeColumn | None = getattr(words, name)
            if spec is not None and spec.from_ is not None:
                self._from_steps.append(name)
            found = placed_moment(name, spec, source, selection, payload) if spec is not None else None
            if spec is None or found is None:
                continue
            column, at, read = found
            self.columns[name] = (spec, column)
            self.cells.append((name, at, read))
            if spec.format in DERIVING:
                self._from_ids.append(name)

    @property
    def need_finishing(self) -> bool:
        """Say whether every row has to be finished, not just those without a time of change."""
        return bool(self._from_ids or self._from_steps or "deadline" in self.columns)

    def finish(
        self, args: list[Any], steps: tuple[Step, ...] | None, doubts: list[Doubt], newest: datetime | None = None
    ) -> tuple[str, ...]:
        """Fill in what follows from other fields; return the names of what was concluded and not read.

        `newest` is when the newest row of a step was written: the saga has moved since its own row was.
        """
        derived = [name for name in self._from_ids if args[_AT[name]] is not None]
        created = args[_CREATED]
        unreadable = any(doubt.field == "updated_at" for doubt in doubts)
        if args[_UPDATED] is None and created is not None and "updated_at" in self.columns and not unreadable:
            args[_UPDATED] = created
            derived.append("updated_at")
        for name in self._from_steps:
            if name == "updated_at" and args[_STATE] in ENDED and args[_ENDED] is None and args[_UPDATED] is not None:
                args[_ENDED] = args[_UPDATED]  # the row itself was last written when it ended
                derived.append("ended_at")
            args[_AT[name]] = _from_steps(name, steps)
            derived.append(name)
        if newest is not None and (args[_UPDATED] is None or args[_UPDATED] < newest):
            args[_UPDATED] = newest
            derived += [] if "updated_at" in derived else ["updated_at"]
        deadline = args[_DEADLINE]
        if deadline is not None and created is not None and deadline < created:
            doubts.append(Doubt("deadline", deadline.isoformat(), "the deadline lies before the saga's start"))
        return tuple(derived)

    def doubt_none(self, args: list[Any], steps: tuple[Step, ...] | None, doubts: list[Doubt]) -> None:
        """Note that nothing tells when a live saga last moved, in a store that should: it would never be late."""
        if args[_UPDATED] is not None or args[_CREATED] is not None or "updated_at" not in self.columns:
            return
        if any(doubt.field in _PROGRESS for doubt in doubts) or _from_steps("updated_at", steps) is not None:
            return
        doubts.append(Doubt("updated_at", "NULL", "nothing tells when it last moved"))


def as_moment(value: Any) -> datetime | None:
    """Return what is to go on with in place of a time that can't be read: a time, or none."""
    return value if isinstance(value, datetime) else None


def placed_moment(
    name: str, spec: TimeColumn, source: Source, selection: Selection, payload: Payload
) -> tuple[Column, int, Callable[[Any], datetime | None]] | None:
    """Select a time of the saga's own row: its column, its place and its reader; None where there is none."""
    key = f"saga.{name}"
    if spec.path is not None:
        place = placed(name, spec, source, selection, payload)
        if place is None:
            return None
        assert isinstance(place.words, TimeColumn)
        read, opened = moment_reader(place.words, source.zone), as_time(place.opened)

        def taken(raw: Any) -> datetime | None:
            value = opened(raw)
            return None if value is None else read(value)

        return place.column, place.at, taken
    column = source.column(spec.column) if spec.column is not None else None
    if column is None:
        return None
    at = selection.add(f"key:{column.name}", source.cell(column))
    return column, at, moment_cell(spec, column, source, key)


def moment_cell(spec: TimeColumn, column: Column, source: Source, key: str) -> Callable[[Any], datetime | None]:
    """Return the reader of a time column's raw cells; a database's own times in UTC take the short road."""
    check_unit(spec, column, source, key)
    short = short_moment(spec, column, source)
    if short is not None:
        return short
    plain = _is_plain(spec)
    read = moment_reader(spec, source.zone)
    opened = as_time(source.opener(column))
    if plain and (zone_of(spec.tz) if spec.tz is not None else source.zone) is None:

        def text(raw: Any) -> datetime | None:
            value = opened(raw)
            return utc_text(value) if type(value) is str else read(value)

        return text

    def cell(raw: Any) -> datetime | None:
        value = opened(raw)
        return None if value is None else read(value)

    return cell


def short_moment(spec: TimeColumn, column: Column, source: Source) -> Callable[[Any], datetime | None] | None:
    """Return what reads raw cells of a database's own times where they are in UTC, None for every other column."""
    if source.engine == SQLITE or not _is_plain(spec):
        return None
    if column.kind is Kind.TIMESTAMPTZ:
        return zoned if source.engine == POSTGRESQL else naive_utc
    zone = zone_of(spec.tz) if spec.tz is not None else source.zone
    return naive_utc if column.kind is Kind.TIMESTAMP and zone is None else None


def _is_plain(spec: TimeColumn) -> bool:
    return spec.format in (None, TimeFormat.TIMESTAMP) and not spec.values and not spec.pattern and not spec.path


def as_time(opened: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return an opener for a time: a text that can't be read is no time to go on with."""

    def cell(raw: Any) -> Any:
        try:
            return opened(raw)
        except Unreadable as odd:
            raise Unreadable(odd.raw, odd.reason) from None

    return cell


def check_unit(spec: TimeColumn, column: Column, source: Source, key: str) -> None:
    """Note a number whose unit nobody said, and a format that the column's type contradicts."""
    if spec.values or spec.pattern is not None or spec.path is not None:
        return
    if spec.format is None and column.kind in _NUMBERS:
        source.missing.units[key] = (source.table, column)
    else:
        check_form(spec.format, column, source, key)


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
