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
    Redactor,
    StoreContext,
)
from sagadoctor.api.v1.sql import Guest, Session

from .advice import grant_reading, index_to_create
from .children import refusal
from .opened import Opened, open_mapping
from .options import SqlOptions
from .orphans import THOROUGH, orphan_steps
from .page import collect
from .planning import Journey, Planner
from .states import ColumnStates
from .untold import untold
from .words import FailedMeans, says_only_failed, toml_key

if TYPE_CHECKING:
    from datetime import datetime

_SKEW_SECONDS: Final = 2.0
_SAMPLE: Final = 200
_LONGEST_WORD: Final = 60
_UNKNOWABLE: Final = {
    Capability.STEPS: "no steps: half-compensated sagas can't be found",
    Capability.TIMES: "no time of change: progress is what two scans see, so the first scan judges nothing",
    Capability.BUSINESS_KEYS: "no business key: sagas can't be found by it, nor those that share one",
    Capability.PAYLOAD: "no payload: messages can't be rebuilt from this store",
}
_UNSEARCHABLE: Final = (
    "business keys are read, but the database can't search what they are made of (pattern, values, const): sagas "
    "can't be found by key, nor those that share one"
)


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
        for part in (self._privileges, self._plan, self._children, self._steps, self._sample):
            try:
                await part(opened)
            except BackendError as error:
                self._fail(part.__name__.strip("_"), error)
        self._mapping(opened)
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
        self._warn(
            "privileges",
            f"this user may do more than read: {', '.join(extra[:8])}",
            f"make a user that may only read: {grant_reading(opened.tables, opened.engine)}",
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
        self._words(opened, journey)

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

    def _words(self, opened: Opened, journey: Journey) -> None:
        states = opened.reader.states
        if not isinstance(states, ColumnStates) or journey.words is None:
            return
        unknown: list[str] = []
        failed: list[str] = []
        known: list[str] = []
        masked = Redactor()
        for raw in (*journey.words.live, *journey.words.ended):
            verdict = states.classify(raw)
            word = masked.cut(verdict.raw_state or "", _LONGEST_WORD)
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
                "state words",
                f"the mapping doesn't know {shown}",
                f'say state.values = {{ {toml_key(min(unknown))} = "…" }}',
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
        counted = Counter(
            field for saga in rows.sagas for field in {doubt.field.split("[")[0] for doubt in saga.doubts}
        )
        counted.pop("state", None)
        left_out = opened.reader.payload.not_extracted
        for text in untold(rows.sagas, self._options.saga, self._options.steps, left_out):
            self._warn("rows", text, "look at a row, and mend the path or the pattern")
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
            if capability in opened.capabilities:
                continue
            if capability is Capability.BUSINESS_KEYS and self._options.saga.business_key is not None:
                self._warn("mapping", _UNSEARCHABLE, "map the key as it stands in a column, or in the payload")
            else:
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
