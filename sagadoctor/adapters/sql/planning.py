"""Which roads a scan takes: chosen by the real indexes, proved by the engine's own plan before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1 import Doubt, FullScanRefused, Look
from sagadoctor.api.v1.sql import Index, Session, access

from .advice import index_to_create, unindexed
from .conditions import since_condition, type_filter
from .opened import Opened
from .roads import SORTED_ROWS, Key, Road, row_keys, time_key
from .states import ColumnStates, RuleStates
from .vocabulary import Vocabulary, by_bytes, predicate, vocabulary

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_MOST_REPEATED: Final = 1000
_DOUBT: Final = 5
"""An engine's estimate of a table's rows may be this many times too low."""


@dataclass(slots=True)
class Journey:
    """The roads of one scan, and what has to be said about them."""

    live: list[Road] = field(default_factory=list)
    ended: list[Road] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: FullScanRefused | None = None
    """Why the ended rows are not read; the live ones are."""
    full_scan: bool = False
    words: Vocabulary | None = None
    repeated: frozenset[str] = frozenset()
    """Ids that more than one row has."""


class Planner:
    """Chooses roads inside one unit of work."""

    def __init__(self, session: Session, opened: Opened, look: Look) -> None:
        """Look at the table's size and its state words."""
        self.session, self.opened, self.look = session, opened, look
        self.reader = opened.reader
        self.big = opened.table.rows > opened.context.big_table
        self.words = vocabulary(session, opened, big=self.big)
        self.keys, self.unique = row_keys(opened)
        self.time = time_key(opened)
        self.types = type_filter(self.reader, look)

    def plan(self) -> Journey:
        """Return the roads; raises FullScanRefused when the live rows can't be found without reading everything."""
        missing = [] if self.look.allow_full_scan else unindexed(self.opened)
        if missing:
            raise FullScanRefused(
                "every page would read all of a big table for the rows that belong to its sagas",
                source=self.opened.context.name,
                hint="; ".join(missing),
            )
        journey = Journey(words=self.words)
        if not self.big and not self.opened.table.is_unique([column.name for column in self.reader.identity.columns]):
            journey.repeated = self._repeated()
        if self.words is not None and self.words.note:
            journey.notes.append(self.words.note)
        if self.words is not None and not self.words.complete:
            journey.notes.append("the state column holds more different words than can be looked at")
        live = self._first_good(self._live_ways())
        if live is None:
            if not self.look.allow_full_scan:
                raise self.refusal("live sagas can't be found")
            journey.full_scan = True
            return journey
        journey.live = live
        self._plan_nulls(journey)
        if self.opened.wants_ended(self.look):
            ended = self._first_good(self._ended_ways())
            if ended is not None:
                journey.ended = [*ended, *self._untimed(ended, journey)]
            elif self.look.allow_full_scan:
                journey.full_scan = True
            else:
                journey.refused = self.refusal("ended sagas were not looked at: they can't be found")
        return journey

    def _repeated(self) -> frozenset[str]:
        """Return the ids that more than one row has, where no index forbids it; texts compare as bytes."""
        from sqlalchemy import func, literal_column, select

        elements = [by_bytes(self.opened, column) for column in self.reader.identity.columns]
        statement = (
            select(*(element.label(f"e{at}") for at, element in enumerate(elements)))
            .select_from(self.reader.source.clause)
            .where(*self.reader.where)
            .group_by(*elements)
            .having(func.count() > literal_column("1"))
            .limit(literal_column(str(_MOST_REPEATED)))
        )
        doubts: list[Doubt] = []
        rows = [row for row in self.session.stream(statement) if None not in row]
        return frozenset(self.reader.identity.read(row, doubts) for row in rows)

    def refusal(self, what: str) -> FullScanRefused:
        """Return the refusal with the index that would help."""
        table = self.opened.table
        return FullScanRefused(
            f"{what} without reading all of {table.place} (about {table.rows:,} rows)",
            source=self.opened.context.name,
            hint=f"{index_to_create(self.opened)} - or --allow-full-scan",
        )

    # -- the ways, best first ---------------------------------------------------------------------------------

    def _live_ways(self) -> list[list[Road]]:
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

    def _ended_ways(self) -> list[list[Road]]:
        states = self.reader.states
        constant = self.reader.constant
        extra = since_condition(self.reader, self.look)
        if constant is not None:
            return self._ways_of([extra], None, since=bool(extra)) if constant.ended else [[]]
        if isinstance(states, RuleStates):
            if not self.big:
                return self._ways_of([[states.ended(), *extra]], None, since=bool(extra))
            return self._ways_of([[part, *extra] for part in states.parts(ended=True)], None, since=bool(extra))
        if self.words is None or not isinstance(states, ColumnStates):
            return [[]] if not self.big else []  # the live road reads every row already
        return self._by_words(states, self.words.ended, extra)

    def _by_words(
        self, states: ColumnStates, raws: Sequence[Any], extra: Sequence[ColumnElement[bool]] = ()
    ) -> list[list[Road]]:
        """Return the ways to rows with one of these words."""
        if not raws:
            return [[]]
        column = states.column
        assert column is not None
        source = self.reader.source
        element = source.element(column)
        each = [[element == source.parameter(column, raw), *extra] for raw in raws]
        together = [element.in_([source.parameter(column, raw) for raw in raws]), *extra]
        return self._ways_of(each, column.name, [together], since=bool(extra))

    def _ways_of(
        self,
        each: Sequence[list[ColumnElement[bool]]],
        state: str | None,
        together: Sequence[list[ColumnElement[bool]]] | None = None,
        *,
        since: bool = False,
    ) -> list[list[Road]]:
        """Return the ways for some sets of conditions: by state and time, by time, by state, by key.

        `since`: the conditions hold the time to a range, so that an index on it alone is of use.
        """
        at_once = together if together is not None else each
        time = self.time
        ways: list[list[Road]] = []
        if state is not None and time is not None and self._has_index(state, time.column.name if time.column else ""):
            ways.append([self._road(conditions, time, {state}) for conditions in each])
        if time is not None and time.column is not None:
            ranged = since and self._has_index(time.column.name)
            if ranged or self._partial():
                leading = {time.column.name} if ranged else set[str]()
                ways.append([self._road(conditions, time, leading) for conditions in at_once])
        indexed = state is not None and self._has_index(state)
        ordered = time if time is not None and (indexed or not self.big) and self._may_exceed_cap(at_once) else None
        if state is not None and indexed:
            ways.append([self._road(conditions, ordered, {state}) for conditions in each])
        if self._partial():
            ways.append([self._road(conditions, None, set()) for conditions in at_once])
        for index in self.opened.table.indexes if self.big else ():
            if index.predicate is not None:  # for planners that see no implication: the condition itself
                within = [[*conditions, predicate(index)] for conditions in at_once]
                ways.append([self._road(conditions, time, set()) for conditions in within])
                ways.append([self._road(conditions, None, set()) for conditions in within])
        if not self.big and ordered is not None and not ways:
            ways.append([self._road(conditions, ordered, set()) for conditions in at_once])
        others = {index.columns[0] for index in self.opened.table.indexes if index.columns} - {None}
        ways.append([self._road(conditions, None, self._useful(others)) for conditions in at_once])
        return ways

    def _useful(self, leading: set[str | None]) -> set[str]:
        """Return the columns of `where` and of rules that an index begins with."""
        named = {column.name for name in self.reader.words.where if (column := self.opened.table.find(name))}
        if self.reader.words.state.when is not None:
            for rule in self.reader.words.state.when:
                named |= {column.name for name in rule.if_ if (column := self.opened.table.find(name))}
        return {name for name in leading if name in named}

    def _first_good(self, ways: list[list[Road]]) -> list[Road] | None:
        for roads in ways:
            if all(self.is_good(road) for road in roads):
                return roads
        return None

    def is_good(self, road: Road) -> bool:
        """Say whether a road may be taken, and fit its pages to what the plan says."""
        plan = self.session.explain(road.statement())
        found = access(plan, self.opened.table, road.leading, self.opened.engine)
        if found.sorts:
            road.rows = SORTED_ROWS
        return not (self.big and found.sequential)

    # -- the parts of a road ----------------------------------------------------------------------------------

    def _road(self, conditions: list[ColumnElement[bool]], time: Key | None, leading: set[str]) -> Road:
        keys = self.keys
        every = [*conditions, *self.types]
        if time is not None:
            every.append(time.element.is_not(None))
            keys = (time, *(key for key in keys if key.at != time.at))
        names = [
            column for column in (*leading, time.column.name if time is not None and time.column else None) if column
        ]
        index = next((each for each in self.opened.table.indexes if leading and self._begins(each, names)), None)
        index = index or next(
            (each for each in self.opened.table.indexes if names and self._begins(each, names[:1])), None
        )
        return Road(
            self.opened,
            every,
            keys,
            self.unique,
            frozenset(leading),
            by_time=time is not None,
            index=index.name if index is not None and leading and not index.primary else None,
        )

    def _plan_nulls(self, journey: Journey) -> None:
        """Add what an order leaves out: rows without a state, without a time, without an id."""
        from sqlalchemy import and_, or_

        states = self.reader.states
        table = self.opened.table
        elements: list[tuple[str, ColumnElement[bool]]] = []
        state = states.column if isinstance(states, ColumnStates) and self.words is not None else None
        if state is not None and state.nullable:
            elements.append(("state", self.reader.source.element(state).is_(None)))
        if self.big and isinstance(states, RuleStates):
            elements.append(("a matching rule", states.unmatched()))
        timed = [road for road in journey.live if road.by_time]
        time = self.time
        if timed and time is not None and time.column is not None and time.column.nullable:
            for road in timed:
                kept = [each for each in road.conditions if not _is_not_null(each)]
                conditions = and_(time.element.is_(None), *kept)
                elements.append((time.column.name, conditions))
        if not self.unique:
            nulls = [
                self.reader.source.element(column).is_(None)
                for column in self.reader.identity.columns
                if column.nullable
            ]
            if nulls:
                elements.append(("id", or_(*nulls)))
        for name, condition in elements:
            road = Road(self.opened, [condition, *self.types], self.keys, self.unique, rows=SORTED_ROWS)
            leading = {name} | {each for other in journey.live for each in other.leading}
            if isinstance(states, ColumnStates) and states.column is not None:
                leading.add(states.column.name)
            road.leading = frozenset(leading)
            if name == "id":
                road.keys, road.unique = (), False
                road.rows = 1000
            if not self.is_good(road):
                journey.notes.append(f"rows of {table.place} without {name} were not looked for: no index finds them")
            else:
                journey.live.append(road)

    def _untimed(self, roads: Sequence[Road], journey: Journey) -> list[Road]:
        """Return roads to the ended rows that an order by time leaves out, because they tell no time of change."""
        from sqlalchemy import and_

        time = self.time
        if time is None or time.column is None or not time.column.nullable:
            return []
        found: list[Road] = []
        for timed in roads:
            if not timed.by_time:
                continue
            kept = [each for each in timed.conditions if not _is_not_null(each)]
            road = Road(self.opened, [and_(time.element.is_(None), *kept)], self.keys, self.unique, rows=SORTED_ROWS)
            road.leading = timed.leading | {time.column.name}
            if self.is_good(road):
                found.append(road)
            else:
                place = self.opened.table.place
                note = f"ended rows of {place} without {time.column.name} were not looked for: no index finds them"
                journey.notes.append(note)
        return found

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


def _is_not_null(condition: Any) -> bool:
    from sqlalchemy.sql import operators

    return getattr(condition, "operator", None) is operators.is_not
