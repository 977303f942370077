"""The locks that a page's live sagas wait for, and who holds each: two questions by ids, at the page's own moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from sagadoctor.api.v1 import LockWait, Saga
from sagadoctor.api.v1.sql import Column, Row, Session, Table

from .asking import PROBES, Forced, Lookup, Part, probes
from .beside import Beside, Ids, among, chunks
from .identity import Identity, comparable, opener_of
from .idents import WholeId, ident
from .mapping.columns import IdFormat
from .mapping.conversation import LockWords
from .values import Unreadable

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement, Select

    from .source import Missing

MOST: Final = 20
"""Locks that one saga is told to wait for, and holders of one lock."""


class Locks:
    """Reads who waits for which lock, and which saga holds it."""

    def __init__(
        self,
        words: LockWords,
        tables: tuple[Table, Table],
        form: IdFormat | None,
        zone: ZoneInfo | None,
        missing: Missing,
        engine: str,
        place: str,
    ) -> None:
        """Find the columns of both tables, that of the locks and that of those who wait."""
        held, waiting = tables
        self._held, self._waiting = Beside(held, engine, zone, missing), Beside(waiting, engine, zone, missing)
        self._place = f"{place}.{held.place}"
        self._target = Ids(self._held, words.target)
        holders = [self._held.key(name) for name in words.holder]
        self._holders = [column for column in holders if column is not None]
        self._ats = [
            self._held.selection.add(f"key:{each.name}", self._held.source.cell(each)) for each in self._holders
        ]
        parts = tuple(ident(form, column.kind) for column in self._holders)
        self._whole = WholeId(parts)
        source = self._held.source
        self._openers = [opener_of(part, each, source) for part, each in zip(parts, self._holders, strict=True)]
        waiters = [self._waiting.key(name) for name in words.waiters.saga]
        self._waiters: list[Column] = [column for column in waiters if column is not None]
        self._wanted = Ids(self._waiting, words.waiters.target)
        self._of_waiters, self._of_targets = Forced(), Forced()

    @property
    def lookups(self) -> list[Lookup]:
        """Return what is asked of both tables: what a saga waits for, and who holds that."""
        if not self._waiters or self._target.column is None:
            return []
        waiting, held = self._waiting.source, self._held.source
        named = tuple(column.name for column in self._waiters)
        return [
            Lookup(Part.LOCKS, "locks were", waiting.table, named, self._probing, forced=self._of_waiters),
            Lookup(
                Part.LOCKS,
                "who holds locks was",
                held.table,
                (self._target.column.name,),
                lambda: self._holding(PROBES),
                forced=self._of_targets,
            ),
        ]

    def _probing(self) -> Select[Any] | None:
        each = [probes(self._waiting.source, column) for column in self._waiters]
        given = list(zip(*each, strict=False))
        return self._waited_for(given) if given else None

    def told(self, session: Session, rows: Sequence[Row], sagas: Sequence[Saga], identity: Identity) -> list[Saga]:
        """Return the sagas with the locks that they wait for."""
        live = (identity.raw(row) for row, saga in zip(rows, sagas, strict=True) if saga.is_live)
        waits = self._waits(session, [raw for raw in dict.fromkeys(live) if None not in raw], identity)
        if not waits:
            return list(sagas)
        holders = self._held_by(session, list(dict.fromkeys(target for some in waits.values() for target in some)))
        return [
            replace(saga, waits_on=self._told(targets, holders)) if saga.is_live and targets else saga
            for saga, row in zip(sagas, rows, strict=True)
            for targets in (waits.get(comparable(identity.raw(row)), []),)
        ]

    def _told(self, targets: Sequence[str], holders: dict[str, list[str]]) -> tuple[LockWait, ...]:
        return tuple(
            LockWait(target, self._place, holder) for target in targets for holder in (holders.get(target) or (None,))
        )

    def _waits(
        self, session: Session, raws: Sequence[tuple[Any, ...]], identity: Identity
    ) -> dict[tuple[Any, ...], list[str]]:
        """Return the targets that are waited for, by the raw cells of the saga's id."""
        source, found = self._waiting.source, dict[tuple[Any, ...], list[str]]()
        given = [each for raw in raws if (each := identity.parameters_beside(source, self._waiters, raw))]
        for some in chunks(given):
            for row in session.stream(self._waited_for(some)):
                targets, target = found.setdefault(comparable(row[: len(self._waiters)]), []), self._wanted.of(row)
                if target and target not in targets and len(targets) < MOST:
                    targets.append(target)
        return found

    def _waited_for(self, ids: Sequence[Sequence[ColumnElement[Any]]]) -> Select[Any]:
        keys = [self._waiting.source.element(column) for column in self._waiters]
        return self._waiting.chosen(among(keys, ids), forced=self._of_waiters)

    def _held_by(self, session: Session, targets: Sequence[str]) -> dict[str, list[str]]:
        """Return the ids of the sagas that hold these locks, as ids are printed."""
        found: dict[str, list[str]] = {}
        for some in chunks(targets):
            statement = self._holding(some)
            for row in session.stream(statement) if statement is not None else ():
                holders, holder = found.setdefault(self._target.of(row), []), self._holder(row)
                if holder and holder not in holders and len(holders) < MOST:
                    holders.append(holder)
        return found

    def _holding(self, targets: Sequence[str]) -> Select[Any] | None:
        where = self._target.among(targets)
        return None if where is None else self._held.chosen(where, forced=self._of_targets)

    def _holder(self, row: Row) -> str:
        cells = [row[at] for at in self._ats]
        try:
            opened = [None if raw is None else read(raw) for read, raw in zip(self._openers, cells, strict=True)]
            return self._whole.canonical(opened)
        except Unreadable as odd:
            return "" if odd.value is None else str(odd.value)
