"""What `check` says of a store: reached, readable, indexed, on time, and what its mapping can't know."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from sagadoctor.api.v1 import (
    BackendError,
    CheckLevel,
    CheckLine,
    Deadline,
    FullScanRefused,
    Look,
    SchemaMismatch,
    StoreContext,
)
from sagadoctor.api.v1.sql import MARIADB, Guest, Session, Table

from .advice import grant_reading, index_to_create
from .children import refusal
from .coverage import Coverage, sampled
from .index_use import index_use, unread
from .opened import Opened, open_mapping
from .options import SqlOptions
from .orphans import THOROUGH, orphan_steps
from .planning import Journey, Planner
from .slips import payload_keys, slips
from .state_words import state_words
from .states import ColumnStates
from .unknowable import unknowable

if TYPE_CHECKING:
    from datetime import datetime

_SKEW_SECONDS: Final = 2.0


class Checkup:
    """Collects the lines of one check."""

    def __init__(self, guest: Guest, options: SqlOptions, context: StoreContext, deadline: Deadline) -> None:
        """Keep what is asked and until when."""
        self._guest, self._options, self._context, self._deadline = guest, options, context, deadline
        self.lines: list[CheckLine] = []

    def _ok(self, about: str, text: str, seconds: float | None = None) -> None:
        self.lines.append(CheckLine(about, CheckLevel.OK, text, seconds=seconds))

    def _warn(self, about: str, text: str, todo: str = "") -> None:
        self.lines.append(CheckLine(about, CheckLevel.WARNING, text, todo))

    def _fail(self, about: str, error: BackendError) -> None:
        self.lines.append(CheckLine(about, CheckLevel.FAILED, error.reason, error.hint))

    async def run(self) -> tuple[CheckLine, ...]:
        """Try everything that a scan needs, in the order in which it would fail."""
        opened = await self._reach()
        if opened is None:
            return tuple(self.lines)
        now = await self._clock()
        if not await self._privileges(opened):
            return tuple(self.lines)
        for part in (self._plan, self._lookups, self._children, self._steps):
            try:
                await part(opened)
            except BackendError as error:
                self._fail(part.__name__.strip("_"), error)
        if now is not None:
            try:
                sample = await sampled(self._guest, opened, now, self._deadline)
                self.lines += Coverage(
                    opened, sample, await payload_keys(self._guest, opened, sample, self._deadline)
                ).lines()
                self.lines += await slips(self._guest, opened, self._deadline)
            except BackendError as error:
                self._fail("rows", error)
        self.lines += unknowable(opened)
        if opened.reader.payload.not_extracted:
            names = ", ".join(opened.reader.payload.not_extracted)
            self._warn(
                "mapping",
                f"{opened.version} can't take {names} out of this payload column safely, so they are not read",
                "keep it in a column of its own, or make the payload's type json or jsonb",
            )
        return tuple(self.lines)

    async def _reach(self) -> Opened | None:
        began = time.monotonic()
        try:
            version, security = await self._guest.run(
                lambda session: (session.version, session.security), self._deadline
            )
        except BackendError as error:
            self._fail("reached", error)
            return None
        secured = f" ({security})" if security else ""
        self._ok("reached", f"{version} at {self._guest.address.shown}{secured}", time.monotonic() - began)
        began = time.monotonic()
        try:
            opened = await open_mapping(self._guest, self._options, self._context, self._deadline)
        except BackendError as error:
            self._fail("tables", error)
            if self._guest.address.engine == MARIADB and isinstance(error, SchemaMismatch):
                self._warn(
                    "tables",
                    "a table that this user may not read looks as if it weren't there",
                    "where it is there: GRANT SELECT ON `database`.`table` TO …",
                )
            return None
        found = ", ".join(f"{table.place} (about {table.rows:,} rows)" for table in opened.tables)
        self._ok("tables", f"every column of the mapping is there: {found}", time.monotonic() - began)
        return opened

    async def _clock(self) -> datetime | None:
        """Compare the clocks; return the server's present, None where it could not be asked."""
        try:
            before = self._context.clock.now()
            server: datetime = await self._guest.now(self._deadline)
            after = self._context.clock.now()
        except BackendError as error:
            self._fail("clock", error)
            return None
        middle = before + (after - before) / 2
        skew = (server - middle).total_seconds()
        if abs(skew) > _SKEW_SECONDS + (after - before).total_seconds():
            self._warn(
                "clock",
                f"the server's clock is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} this machine's",
                "sagas are judged by the server's clock; mend whichever is wrong",
            )
        else:
            self._ok("clock", f"within {max(abs(skew), 0.1):.1f} s of this machine's")
        return server

    async def _privileges(self, opened: Opened) -> bool:
        """Say what this user may do; return whether it may read everything."""

        def work(session: Session) -> tuple[list[Table], list[str]]:
            catalog = session.catalog
            return unread(session, opened), sorted({word for table in opened.tables for word in catalog.excess(table)})

        try:
            hidden, extra = await self._guest.run(work, self._deadline)
        except BackendError as error:
            self._fail("privileges", error)
            return True
        for table in hidden:
            place, todo = f"{self._context.name}.{table.place}", grant_reading([table], opened.engine)
            text = f"this user may not read all of {place} that the mapping names"
            self.lines.append(CheckLine("privileges", CheckLevel.FAILED, text, todo))
        if hidden:
            return False
        if not extra:
            self._ok("privileges", "reading, and nothing more")
            return True
        self._warn(
            "privileges",
            f"this user may do more than read: {', '.join(extra[:8])}",
            f"make a user that may only read: {grant_reading(opened.tables, opened.engine)}",
        )
        return True

    async def _plan(self, opened: Opened) -> None:
        look = Look(self._deadline)

        def work(session: Session) -> Journey:
            return Planner(session, opened.allowing(), look).plan()  # look-ups have lines of their own

        try:
            journey = await self._guest.run(work, self._deadline)
        except FullScanRefused as refused:
            self._fail("live scan", refused)
            return
        if opened.table.rows > self._context.big_table or _is_by_index(opened, journey):
            self._ok("live scan", "finds live sagas by an index")
        else:
            text = f"reads all of {opened.table.place}, which is small enough"
            advice = "an index for the table behind it" if opened.table.is_view else index_to_create(opened)
            self._ok("live scan", f"{text}; when it grows: {advice}")
        for note in journey.notes:
            self._warn("live scan", note)
        if journey.refused is not None:
            self._warn("live scan", journey.refused.reason, journey.refused.hint)
        told = journey.words
        if told is not None:
            self.lines += await self._guest.run(
                lambda session: list(state_words(session, opened, told)), self._deadline
            )

    async def _lookups(self, opened: Opened) -> None:
        self.lines += await self._guest.run(lambda session: list(index_use(session, opened)), self._deadline)

    async def _children(self, opened: Opened) -> None:
        words = opened.reader.words.parent
        if words is None or words.const is not None:
            return
        refused = await self._guest.run(lambda session: refusal(session, opened), self._deadline)
        if refused is None:
            self._ok("children", "sagas that others wait for are found by their parents")
        else:
            self._warn("children", refused.reason, refused.hint)

    async def _steps(self, opened: Opened) -> None:
        told, note = await self._guest.run(lambda session: orphan_steps(session, opened, THOROUGH), self._deadline)
        if note:
            self._warn("steps", note)
        if told is None:
            return
        rows = f"all {told.looked_at:,} step rows" if told.whole else f"the first and last {told.looked_at:,} step rows"
        if not told.count:
            self._ok("steps", f"{rows} were looked at, and each has its saga")
            return
        named = f", such as those of {', '.join(told.saga_ids)}" if told.saga_ids else ""
        self._warn(
            "steps",
            f"{rows} were looked at: {told.count:,} belong to no saga of this store{named}",
            "find out who removed these sagas, or wrote steps without one; where sagas of another table keep their "
            "steps here too, say which are these sagas' own: steps.where",
        )


def _is_by_index(opened: Opened, journey: Journey) -> bool:
    """Say whether every road to live rows follows an index that leads with the state or a time."""
    states, words = opened.reader.states, opened.reader.words.state
    names = {column.name for _, column in opened.reader.times.columns.values()}
    if isinstance(states, ColumnStates) and states.column is not None:
        names.add(states.column.name)
    rules = [name for rule in words.when or () for name in rule.if_]
    names |= {column.name for name in rules if (column := opened.table.find(name)) is not None}
    return bool(journey.live) and all(road.leading & names for road in journey.live)


async def check_store(
    guest: Guest, options: SqlOptions, context: StoreContext, deadline: Deadline
) -> tuple[CheckLine, ...]:
    """Try everything that a scan needs and say how it went; raises nothing."""
    return await Checkup(guest, options, context, deadline).run()
