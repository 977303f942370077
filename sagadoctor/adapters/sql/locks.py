"""The locks that a page's live sagas wait for, and who holds each: two questions by ids, at the page's own moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from sagadoctor.api.v1 import LockWait, Saga
from sagadoctor.api.v1.sql import Column, Row, Session, Table

from .advice import create_index, has_index
from .beside import Beside, among, chunks, tolerant
from .cells import ID_BOUND
from .identity import Identity, comparable, opener_of
from .idents import WholeId, ident
from .mapping.columns import ColumnWords, IdFormat
from .mapping.conversation import LockWords
from .values import Unreadable, word

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

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
        self._engine, self._place = engine, f"{place}.{held.place}"
        self._target = self._held.source.column(words.target)
        self._named = self._held.field("target", ColumnWords(column=words.target), ID_BOUND)
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
        self._wanted = self._waiting.field("wanted", ColumnWords(column=words.waiters.target), ID_BOUND)
        self.notes: tuple[str, ...] = ()
        """What is not read, and the statements that would help."""

    def settle(self, most: int) -> None:
        """Find out whether both tables can be read without reading all of a big one."""
        wanted = [
            (beside.source.table, column.name)
            for beside, column in (
                (self._waiting, self._waiters[0] if self._waiters else None),
                (self._held, self._target),
            )
            if column is not None and beside.is_big(most) and not has_index(beside.source.table, column.name)
        ]
        self.notes = tuple(
            f"locks were not looked at: no index finds them in {table.place} (about {table.rows:,} rows): "
            f"{create_index(table, [name], self._engine)}"
            for table, name in wanted
        )

    def told(self, session: Session, rows: Sequence[Row], sagas: Sequence[Saga], identity: Identity) -> list[Saga]:
        """Return the sagas with the locks that they wait for."""
        if self.notes:
            return list(sagas)
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
        from sqlalchemy import select

        beside, found = self._waiting, dict[tuple[Any, ...], list[str]]()
        source, width = beside.source, len(self._waiters)
        keys = [source.element(column) for column in self._waiters]
        given = [each for raw in raws if (each := identity.parameters_beside(source, self._waiters, raw))]
        for some in chunks(given):
            waits = select(*beside.selection.items).select_from(source.clause).where(among(keys, some))
            for row in session.stream(waits):
                targets, target = found.setdefault(comparable(row[:width]), []), _text(tolerant(self._wanted, row))
                if target and target not in targets and len(targets) < MOST:
                    targets.append(target)
        return found

    def _held_by(self, session: Session, targets: Sequence[str]) -> dict[str, list[str]]:
        """Return the ids of the sagas that hold these locks, as ids are printed."""
        from sqlalchemy import select

        beside, found = self._held, dict[str, list[str]]()
        source, target = beside.source, self._target
        for some in chunks(targets) if target is not None else ():
            assert target is not None
            given = beside.given(target, some)
            statement = select(*beside.selection.items).select_from(source.clause)
            for row in session.stream(statement.where(source.element(target).in_(given))) if given else ():
                holders, holder = found.setdefault(_text(tolerant(self._named, row)), []), self._holder(row)
                if holder and holder not in holders and len(holders) < MOST:
                    holders.append(holder)
        return found

    def _holder(self, row: Row) -> str:
        cells = [row[at] for at in self._ats]
        try:
            opened = [None if raw is None else read(raw) for read, raw in zip(self._openers, cells, strict=True)]
            return self._whole.canonical(opened)
        except Unreadable as odd:
            return "" if odd.value is None else str(odd.value)


def _text(value: Any) -> str:
    try:
        return word(value) or ""
    except Unreadable as odd:
        return str(odd.value)
