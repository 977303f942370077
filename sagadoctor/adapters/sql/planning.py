"""Which roads a scan takes: chosen by the real indexes, proved by the engine's own plan before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sagadoctor.api.v1 import FullScanRefused, Look
from sagadoctor.api.v1.sql import POSTGRESQL, SQLITE, Column, Index, Row, Session, access

from .advice import index_to_create, unindexed
from .conditions import Since, since_condition, type_filter
from .leftovers import left_out, untimed
from .opened import Opened
from .partial import outside, predicate
from .repeats import Repeats, repeats
from .roads import SORTED_ROWS, Key, Road, row_keys, time_key
from .states import ColumnStates, RuleStates
from .vocabulary import Vocabulary, parameter, vocabulary

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_DOUBT: Final = 5
"""An engine's estimate of a table's rows may be this many times too low."""


class Journey(msgspec.Struct):
    """The roads of one scan, and what has to be said about them."""

    live: list[Road] = msgspec.field(default_factory=list)
    ended: list[Road] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    refused: FullScanRefused | None = None
    """Which rows are not read, and why; the others are."""
    full_scan: bool = False
    words: Vocabulary | None = None
    repeated: Repeats = msgspec.field(default_factory=Repeats)


class Planner:
    """Chooses roads inside one unit of work."""

    def __init__(self, session: Session, opened: Opened, look: Look) -> None:
        """Look at the table's size and its state words."""
        self.session, self.opened, self.look = session, opened, look
        self.reader = opened.reader
        self.big = opened.table.rows > opened.context.big_table
        self.vocabulary = vocabulary(session, opened, big=self.big)
        told = self.vocabulary
        self.words = told if self.big or told is None or not told.missed else None
        """The words by which rows are looked for; None where all rows are read and judged by their words."""
        self.keys, self.unique = row_keys(opened)
        self.time = time_key(opened)
        self.types = type_filter(self.reader, look)
        self.known = [*self.types, *self._having_an_id()]
        """What every road asks for: rows of these types, and rows that can be told apart."""
        self.since: Since | None = since_condition(self.reader, look)

    def plan(self) -> Journey:
        """Return the roads; raises FullScanRefused when the live rows can't be found without reading everything."""
        missing = [] if self.look.allow_full_scan else unindexed(self.opened)
        if missing:
            raise FullScanRefused(
                "every page would read all of a big table for the rows that belong to its sagas",
                source=self.opened.context.name,
                hint="; ".join(missing),
            )
        journey = Journey(words=self.vocabulary, notes=list(self.opened.scan.notes))
        journey.repeated = repeats(self.session, self.opened, big=self.big)
        if journey.repeated.note:
            journey.notes.append(journey.repeated.note)
        live = self._first_good(self._live_ways())
        if live is None:
            if not self.look.allow_full_scan:
                raise self.refusal("live sagas can't be found")
            journey.full_scan = True
            return journey
        mixed = self.opened.mixes_words or (isinstance(self.reader.states, ColumnStates) and self.words is None)
        for road in live:
            road.mixed = mixed
        missed = [self.words.missed] if self.words is not None and self.words.missed else []
        journey.live = [*live, *left_out(self, live, missed)]
        if self.opened.wants_ended(self.look):
            ended = self._first_good(self._ended_ways())
            if ended is None:
                missed.append("ended sagas")
            else:
                journey.ended = [*ended, *untimed(self, ended, missed)]
        if missed and self.look.allow_full_scan:
            journey.full_scan = True
        elif missed:
            journey.refused = self.refusal(f"not everything was looked at: {', '.join(missed)} can't be found")
        return journey

    def _having_an_id(self) -> list[ColumnElement[bool]]:
        """Return the conditions of rows that keys can page; those without an id have a road of their own."""
        source = self.reader.source
        return [source.element(column).is_not(None) for column in self.keys_that_lack()]

    def keys_that_lack(self) -> list[Column]:
        """Return the columns of the key that some row may have no value in."""
        return (
            [] if self.unique else [key.column for key in self.keys if key.column is not None and key.column.nullable]
        )

    def refusal(self, what: str) -> FullScanRefused:
        """Return the refusal with the index that would help."""
        table = self.opened.table
        return FullScanRefused(
            f"{what} without reading all of {table.place} (about {table.rows:,} rows)",
            source=self.opened.context.name,
            hint=f"{index_to_create(self.opened)} - or --allow-full-scan",
        )

    # -- the ways, best first ---------------------------------------------------------------------------------

    def _live_ways(self) -> Iterable[list[Road]]:
        states = self.reader.states
        constant = self.reader.constant
        if constant is not None:
            return [[]] if constant.ended else self._ways_of([[]], None)
        if isinstance(states, RuleStates):
            if not self.big:
                return self._ways_of([[states.live()]], None)
            return self._ways_of([[part] for part in states.parts(ended=False)], None)
        if self.words is None or not isinstance(states, ColumnStates):
            return self._ways_of([[]], None) if not self.big else []
        return self._by_words(states, self.words.live)

    def _ended_ways(self) -> Iterable[list[Road]]:
        states = self.reader.states
        constant = self.reader.constant
        extra = [self.since.either] if self.since is not None else []
        if constant is not None:
            return self._ways_of([extra], None, since=bool(extra)) if constant.ended else [[]]
        if isinstance(states, RuleStates):
            if not self.big:
                return self._ways_of([[states.ended(), *extra]], None, since=bool(extra))
            return self._ways_of([[part, *extra] for part in states.parts(ended=True)], None, since=bool(extra))
        if self.words is None or not isinstance(states, ColumnStates):
            return [[]] if not self.big else []  # the live road reads every row already
        column = states.column
        if column is not None and column.loose and self.words.live:  # rows that the live roads have read already
            live = [parameter(self.opened, column, raw) for raw in self.words.live]
            extra = [*extra, self.reader.source.element(column).not_in(live)]
        if self.words.partial is not None and not self.words.all_ended and column is not None:
            # The index doesn't tell what words the rows have that it leaves out: they are judged here.
            ended = [parameter(self.opened, column, raw) for raw in self.words.ended]
            held = [[self.reader.source.element(column).in_(ended), *extra]] if ended else []
            return self._ways_of([*held, [outside(self.words.partial), *extra]], None, since=self.since is not None)
        return self._by_words(states, self.words.ended, extra, since=self.since is not None)

    def _by_words(
        self,
        states: ColumnStates,
        raws: Sequence[Any],
        extra: Sequence[ColumnElement[bool]] = (),
        *,
        since: bool = False,
    ) -> Iterable[list[Road]]:
        """Return the ways to rows with one of these words."""
        if not raws:
            return [[]]
        column = states.column
        assert column is not None
        element = self.reader.source.element(column)
        given = [parameter(self.opened, column, raw) for raw in raws]
        each = [[element == one, *extra] for one in given]
        return self._ways_of(each, column.name, [[element.in_(given), *extra]], since=since)

    def _ways_of(
        self,
        each: Sequence[list[ColumnElement[bool]]],
        state: str | None,
        together: Sequence[list[ColumnElement[bool]]] | None = None,
        *,
        since: bool = False,
    ) -> Iterator[list[Road]]:
        """Yield the ways for some sets of conditions: by state and time, by time, by state, by key.

        `since`: the conditions hold the time to a range, so that an index on it alone is of use.
        """
        at_once = together if together is not None else each
        time = self.time
        if state is not None and time is not None and self._has_index(state, time.column.name if time.column else ""):
            yield [self._road(conditions, time, {state}) for conditions in each]
        if time is not None and time.column is not None:
            ranged = since and self._has_index(time.column.name)
            if ranged or self._partial():
                leading = {time.column.name} if ranged else set[str]()
                yield [self._road(conditions, time, leading) for conditions in at_once]
        indexed = state is not None and self._has_index(state)
        ordered = time if time is not None and (indexed or not self.big) and self._may_exceed_cap(at_once) else None
        if state is not None and indexed:
            yield [self._road(conditions, ordered, {state}) for conditions in each]
        if self._partial():
            yield [self._road(conditions, None, set()) for conditions in at_once]
        if state is not None and self.words is not None and self.words.partial is not None:
            condition = predicate(self.words.partial)  # for planners that see no implication: the condition itself
            within = [[*conditions, condition] for conditions in at_once]
            yield [self._road(conditions, time, set()) for conditions in within]
            yield [self._road(conditions, None, set()) for conditions in within]
        if not self.big and ordered is not None:
            yield [self._road(conditions, ordered, set()) for conditions in at_once]
        others = {index.columns[0] for index in self.opened.table.indexes if index.columns} - {None}
        yield [self._road(conditions, None, self._useful(others)) for conditions in at_once]

    def _useful(self, leading: set[str | None]) -> set[str]:
        """Return the columns of `where` and of rules that an index begins with."""
        named = {column.name for name in self.reader.words.where if (column := self.opened.table.find(name))}
        if self.reader.words.state.when is not None:
            for rule in self.reader.words.state.when:
                named |= {column.name for name in rule.if_ if (column := self.opened.table.find(name))}
        return {name for name in leading if name in named}

    def _first_good(self, ways: Iterable[list[Road]]) -> list[Road] | None:
        for roads in ways:
            if all(self.is_good(road) for road in roads):
                return roads
        return None

    def is_good(self, road: Road) -> bool:
        """Say whether a road may be taken, and fit its pages to what the plan says."""
        plan = self._explained(road)
        found = access(plan, self.opened.table, road.leading, self.opened.engine)
        if self.opened.engine == POSTGRESQL:
            road.in_order = not found.sorts or self._has_order(road)
        if found.sorts and not road.in_order:
            road.rows = SORTED_ROWS
        return not (self.big and (found.sequential or self._walks_along(plan)))

    def _has_order(self, road: Road) -> bool:
        """Say whether an index that narrows the rows down gives them in order, although the planner would sort."""
        with self.session.snapshot(in_order=True):
            plan = self.session.explain(road.statement())
        found = access(plan, self.opened.table, road.leading, self.opened.engine)
        return not found.sorts and not found.sequential

    def _explained(self, road: Road) -> list[Row]:
        """Return the engine's plan; where it refuses the index that the road was told to take, without it."""
        try:
            return self.session.explain(road.statement())
        except Exception:
            if road.index is None or self.opened.engine == POSTGRESQL:
                raise
        road.index = None
        return self.session.explain(road.statement())

    def _walks_along(self, plan: Sequence[Row]) -> bool:
        """Say whether SQLite would walk along a whole index from end to end: told to take it, it does."""
        if self.opened.engine != SQLITE:
            return False
        whole = tuple(f" INDEX {index.name}" for index in self.opened.table.indexes if index.predicate is None)
        return any(str(row[3]).startswith("SCAN ") and str(row[3]).endswith(whole) for row in plan)

    # -- the parts of a road ----------------------------------------------------------------------------------

    def _road(self, conditions: list[ColumnElement[bool]], time: Key | None, leading: set[str]) -> Road:
        keys = self.keys
        every = [*conditions, *self.known]
        without: list[ColumnElement[bool]] | None = None
        if time is not None:
            without = self.since.of_untimed(every) if self.since is not None else every
            every = [*(self.since.of_timed(every) if self.since is not None else every), time.element.is_not(None)]
            keys = (time, *(key for key in keys if key.at != time.at))
        names = [
            column for column in (*leading, time.column.name if time is not None and time.column else None) if column
        ]
        whole = [index for index in self.opened.table.indexes if index.predicate is None and not index.primary]
        index = next((each for each in whole if leading and self._begins(each, names)), None)
        index = index or next((each for each in whole if leading and self._begins(each, names[:1])), None)
        return Road(
            self.opened,
            every,
            keys,
            self.unique,
            frozenset(leading),
            by_time=time is not None,
            untimed=without,
            index=index.name if index is not None else None,
        )

    def _has_index(self, *names: str) -> bool:
        return any(self._begins(index, names) for index in self.opened.table.indexes if index.predicate is None)

    @staticmethod
    def _begins(index: Index, names: Sequence[str]) -> bool:
        return index.columns[: len(names)] == tuple(names)

    def _partial(self) -> bool:
        return any(index.predicate is not None for index in self.opened.table.indexes)

    def _may_exceed_cap(self, together: Sequence[list[ColumnElement[bool]]]) -> bool:
        """Say whether there are more live rows than the cap, so that the oldest must come first."""
        from sqlalchemy import func, literal_column, select

        cap = self.look.live_cap
        if self.opened.table.rows * _DOUBT < cap:
            return False
        clause = self.reader.source.clause
        for conditions in together:
            some = (
                select(literal_column("1").label("one"))
                .select_from(clause)
                .where(*self.reader.where, *conditions, *self.types)
                .limit(literal_column(str(cap + 1)))
                .subquery()
            )
            if int(self.session.rows(select(func.count()).select_from(some))[0][0]) > cap:
                return True
        return False
