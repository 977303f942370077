"""What `check` says of a store: reached, readable, indexed, on time, and what its mapping can't know."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from sagadoctor.api.v1 import (
    BackendError,
    Capability,
    CheckLevel,
    CheckLine,
    Deadline,
    FullScanRefused,
    Look,
    StoreContext,
)
from sagadoctor.api.v1.sql import Guest, Session

from .advice import index_to_create
from .opened import Opened, open_mapping
from .options import SqlOptions
from .page import collect
from .planning import Journey, Planner
from .states import ColumnStates
from .words import FailedMeans, says_only_failed

if TYPE_CHECKING:
    from datetime import datetime

_SKEW_SECONDS: Final = 2.0
_SAMPLE: Final = 200
_UNKNOWABLE: Final = {
    Capability.STEPS: "no steps: half-compensated sagas can't be found",
    Capability.TIMES: "no time of change: progress is what two scans see, so the first scan judges nothing",
    Capability.BUSINESS_KEYS: "no business key: sagas can't be found by it, nor those that share one",
    Capability.PAYLOAD: "no payload: messages can't be rebuilt from this store",
}


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
        await self._clock()
        for part in (self._privileges, self._plan, self._sample):
            try:
                await part(opened)
            except BackendError as error:
                self._fail(part.__name__.strip("_"), error)
        self._mapping(opened)
        return tuple(self.lines)

    async def _reach(self) -> Opened | None:
        began = time.monotonic()
        try:
            version = await self._guest.run(lambda session: session.version, self._deadline)
        except BackendError as error:
            self._fail("reached", error)
            return None
        self._ok("reached", f"{version} at {self._guest.address.shown}", time.monotonic() - began)
        began = time.monotonic()
        try:
            opened = await open_mapping(self._guest, self._options, self._context, self._deadline)
        except BackendError as error:
            self._fail("tables", error)
            return None
        found = ", ".join(f"{table.place} (about {table.rows:,} rows)" for table in opened.tables)
        self._ok("tables", f"every column of the mapping is there: {found}", time.monotonic() - began)
        return opened

    async def _clock(self) -> None:
        try:
            before = self._context.clock.now()
            server: datetime = await self._guest.now(self._deadline)
            after = self._context.clock.now()
        except BackendError as error:
            self._fail("clock", error)
            return
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

    async def _privileges(self, opened: Opened) -> None:
        def work(session: Session) -> list[str]:
            catalog = session.catalog
            return sorted({word for table in opened.tables for word in catalog.excess(table)})

        extra = await self._guest.run(work, self._deadline)
        if not extra:
            self._ok("privileges", "reading, and nothing more")
            return
        place = ", ".join(table.place for table in opened.tables)
        self._warn(
            "privileges",
            f"this user may do more than read: {', '.join(extra[:8])}",
            f"make a user that may only read: GRANT SELECT ON {place} TO …",
        )

    async def _plan(self, opened: Opened) -> None:
        look = Look(self._deadline)

        def work(session: Session) -> Journey:
            return Planner(session, opened, look).plan()

        try:
            journey = await self._guest.run(work, self._deadline)
        except FullScanRefused as refused:
            self._fail("live scan", refused)
            return
        big = opened.table.rows > self._context.big_table
        if big or any(road.leading for road in journey.live):
            self._ok("live scan", "finds live sagas by an index")
        else:
            text = f"reads all of {opened.table.place}, which is small enough"
            self._ok("live scan", f"{text}; when it grows: {index_to_create(opened)}")
        for note in journey.notes:
            self._warn("live scan", note)
        self._words(opened, journey)

    def _words(self, opened: Opened, journey: Journey) -> None:
        states = opened.reader.states
        if not isinstance(states, ColumnStates) or journey.words is None:
            return
        unknown: list[str] = []
        failed: list[str] = []
        known: list[str] = []
        for raw in (*journey.words.live, *journey.words.ended):
            verdict = states.classify(raw)
            word = verdict.raw_state or ""
            if verdict.doubt is None:
                known.append(f"{word} = {verdict.state}")
            elif says_only_failed(word):
                failed.append(word)
            else:
                unknown.append(word)
        if known:
            self._ok("state words", ", ".join(sorted(known)[:30]))
        if unknown:
            shown = ", ".join(repr(word) for word in sorted(unknown)[:20])
            self._warn(
                "state words", f"the mapping doesn't know {shown}", f'say state.values = {{ {unknown[0]} = "…" }}'
            )
        if failed and self._options.saga.state.failed_means is not FailedMeans.UNKNOWN:
            shown = ", ".join(repr(word) for word in sorted(failed))
            self._warn(
                "state words",
                f"{shown} can mean that all is undone, or that an undo failed",
                'say state.failed_means = "compensated", "failed", "by_steps" or "unknown"',
            )

    async def _sample(self, opened: Opened) -> None:
        from sqlalchemy import literal_column, select

        reader = opened.reader
        statement = (
            select(*reader.selection.items)
            .select_from(reader.source.clause)
            .where(*reader.where)
            .limit(literal_column(str(_SAMPLE)))
        )
        rows = await self._guest.run(lambda session: collect(session, statement, opened.scan), self._deadline)
        counted = Counter(doubt.field.split("[")[0] for saga in rows.sagas for doubt in saga.doubts)
        counted.pop("state", None)
        if not rows.sagas:
            self._ok("rows", "the table is empty")
        elif not counted:
            self._ok("rows", f"{len(rows.sagas)} rows were read, and everything in them")
        else:
            told = ", ".join(f"{field} in {count}" for field, count in counted.most_common(8))
            example = next(saga for saga in rows.sagas if any(doubt.field != "state" for doubt in saga.doubts))
            doubt = next(each for each in example.doubts if each.field != "state")
            self._warn(
                "rows", f"of {len(rows.sagas)} rows, unreadable: {told}", f"such as {doubt.field}: {doubt.reason}"
            )

    def _mapping(self, opened: Opened) -> None:
        for capability, text in _UNKNOWABLE.items():
            if capability not in opened.capabilities:
                self._warn("mapping", text)
        if opened.reader.payload.not_extracted:
            names = ", ".join(opened.reader.payload.not_extracted)
            self._warn(
                "mapping",
                f"{opened.version} can't take {names} out of this payload column safely, so they are not read",
                "keep it in a column of its own, or make the payload's type json or jsonb",
            )
        fields = getattr(self._options.steps, "fields", None)
        if fields is not None and fields.error is None and self._options.saga.error is None:
            self._warn("mapping", "no error texts: causes can't be grouped")
        if self._options.saga.version is None and "updated_at" not in opened.reader.times.columns:
            self._warn("mapping", "no version and no time of change: only a row's whole content tells that it changed")


async def check_store(
    guest: Guest, options: SqlOptions, context: StoreContext, deadline: Deadline
) -> tuple[CheckLine, ...]:
    """Try everything that a scan needs and say how it went; raises nothing."""
    return await Checkup(guest, options, context, deadline).run()
