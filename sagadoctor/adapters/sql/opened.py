"""A mapping met with its database: real names, readers, and what both together can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from sagadoctor.api.v1 import Capability, Deadline, FullScanRefused, Look, Saga, SagaState, SchemaMismatch, StoreContext
from sagadoctor.api.v1.sql import POSTGRESQL, Guest, Session, Table

from .mapping.columns import AnyTable, IdFormat, TableName
from .mapping.saga import Alive
from .options import SqlOptions
from .page import Companions
from .reader import SagaReader, Setting
from .searching import business_key_element
from .source import Missing
from .states import ColumnStates
from .times import zone_of
from .units import unit_wanted

if TYPE_CHECKING:
    from .conversation import Conversation
    from .locks import Locks
    from .lookups import Refusal
    from .outbox import Outbox
    from .owners import Owners

_AROUND: Final = ("outbox", "received", "replies", "locks")
_LINKS: Final = ("parent", "repaired_by")


class Opened(msgspec.Struct, frozen=True):
    """What the statements need: the tables and the readers for a scan and for a detail view."""

    options: SqlOptions
    context: StoreContext
    version: str
    product: str
    scan: Companions
    detail: Companions
    tables: tuple[Table, ...]
    child: Table | None
    capabilities: frozenset[Capability]

    @property
    def reader(self) -> SagaReader:
        """Return the reader of a scan's rows."""
        return self.scan.reader

    @property
    def table(self) -> Table:
        """Return the saga table."""
        return self.reader.source.table

    @property
    def engine(self) -> str:
        """Return the engine's name."""
        return self.reader.source.engine

    def is_like(self, other: Opened) -> bool:
        """Say whether the tables still have the same columns."""
        return [table.columns for table in self.tables] == [table.columns for table in other.tables]

    def allowing(self) -> Opened:
        """Return the same with every look-up made that the database can make, whatever it has to read for it."""
        refused = tuple(each for each in self.scan.refused if each.final)
        return replace(self, scan=self.scan.without(refused), detail=self.detail.without(refused))

    def refusal(self, part: str) -> FullScanRefused | None:
        """Say why a look-up is not made; None where it is."""
        found = next((each for each in self.scan.refused if each.part == part), None)
        return None if found is None else FullScanRefused(found.reason, source=self.context.name, hint=found.todo)

    @property
    def mixes_words(self) -> bool:
        """Say whether live and ended words can be one word to the engine, so that they are read together."""
        states = self.reader.states
        return isinstance(states, ColumnStates) and states.column is not None and states.column.loose

    def is_live(self, saga: Saga) -> bool:
        """Say whether a row counts as live: by its state, unless its word says that it ended somehow."""
        if saga.state is not SagaState.UNKNOWN:
            return saga.is_live
        states = self.reader.states
        return not (isinstance(states, ColumnStates) and states.meanings.of(saga.raw_state).ended)

    def wants_ended(self, look: Look) -> bool:
        """Say whether ended rows are to be read; without times of change only when all are, else they go by id."""
        return look.all_ended or (look.ended_since is not None and Capability.TIMES in self.capabilities)

    def is_wanted(self, saga: Saga, look: Look) -> bool:
        """Say whether an ended row is asked for: all are, or it moved since; one that tells no time always did."""
        if look.all_ended or look.ended_since is None or not self.wants_ended(look):
            return look.all_ended
        told = [moment for moment in self._moved_at(saga) if moment is not None]
        return not told or max(told) >= look.ended_since

    def _moved_at(self, saga: Saga) -> list[datetime | None]:
        """Return the times by which the database was asked; where it couldn't be, all that the row tells."""
        told = self.reader.times.columns.get("updated_at")
        if told is not None and told[0].from_ is None:
            return [saga.updated_at or saga.created_at]
        if told is not None or "ended_at" in self.reader.times.columns:
            return [saga.ended_at]
        moments = [saga.updated_at, saga.created_at]
        for step in saga.steps or ():
            moments.extend((step.started_at, step.executed_at, step.compensated_at))
        return moments


class _Tables:
    """Finds the tables that a mapping names; what is missing is collected."""

    def __init__(self, session: Session, missing: Missing, options: SqlOptions, context: StoreContext) -> None:
        self._session, self._missing, self._bearable = session, missing, context.big_table
        self._options, self._origin = options, context.origin
        self.found: list[Table] = []
        self._near: dict[str, list[tuple[str, ...]]] = {}
        """The parts of the mapping that are about a table, by its place."""
        missing.said = self.said

    def find(self, name: AnyTable | None, place: str, by: Iterable[Sequence[str | None]] = ()) -> Table | None:
        """Return a table; of a query `place` is its key, and `by` are columns that it will be looked up by."""
        if name is None:
            return None
        try:
            if isinstance(name, TableName):
                table = self._session.catalog.table(list(name.parts))
            else:
                table = self._query(name, f"{place}.query", by)
        except SchemaMismatch as mismatch:
            said = self._told(place, "parts" if isinstance(name, TableName) else "query")
            self._missing.note(said + mismatch.reason + (f" ({mismatch.hint})" if mismatch.hint else ""))
            return None
        near = self._near.setdefault(table.place, [])
        near.append(tuple(place.split(".")[:-1]))
        if place == "saga.table" and getattr(self._options.steps, "table", None) is None:
            near.append(("steps",))
        if table not in self.found:
            self.found.append(table)
        return table

    def said(self, table: Table, name: str) -> str:
        """Return where the mapping names a column of a table."""
        from .saying import places

        return places(self._options, self._origin, name, self._near.get(table.place, ()))

    def _told(self, place: str, last: str) -> str:
        from .saying import told

        said = told(self._origin, (*place.split("."), last))
        return f"{said}: " if said else ""

    def _query(self, words: AnyTable, place: str, by: Iterable[Sequence[str | None]]) -> Table:
        from .mapping.query import QueryTable
        from .query_tables import open_query

        assert isinstance(words, QueryTable)
        sets = [[name for name in names if name is not None] for names in by]
        return open_query(self._session, words, place, [names for names in sets if names], self._bearable)


async def open_mapping(guest: Guest, options: SqlOptions, context: StoreContext, deadline: Deadline) -> Opened:
    """Introspect and compile; raises SchemaMismatch with everything that is missing, all at once."""
    return await guest.run(lambda session: _open(session, options, context), deadline)


def _open(session: Session, options: SqlOptions, context: StoreContext) -> Opened:
    missing = Missing()
    tables = _Tables(session, missing, options, context)
    words, saga = options.steps, options.saga
    alive = saga.owner.alive if saga.owner is not None else None
    table = tables.find(saga.table, "saga.table", (saga.id.columns, (saga.state.column,)))
    child = tables.find(getattr(words, "table", None), "steps.table", (getattr(words, "foreign_key", ()),))
    outbox = received = replies = None
    if (said := options.outbox) is not None:
        outbox = tables.find(said.table, "outbox.table", ((said.id,), said.saga_id or ()))
    workers = tables.find(alive.table, "saga.owner.alive.table", ((alive.id,),)) if alive is not None else None
    if (took := options.received) is not None:
        received = tables.find(took.table, "received.table", ((took.message,), (took.message, took.consumer)))
    if (told := options.replies) is not None:
        replies = tables.find(
            told.table, "replies.table", ((told.answers.column,),) if told.answers.path is None else ()
        )
    held = waiting = None
    if (holds := options.locks) is not None:
        held = tables.find(holds.table, "locks.table", ((holds.target,),))
        waiting = tables.find(holds.waiters.table, "locks.waiters.table", (holds.waiters.saga,))
    missing.check()
    assert table is not None
    zone = zone_of(options.tz or context.tz)
    setting = Setting(context.name, context.policy, session.engine, session.version_number, zone)

    def companions(*, detail: bool) -> Companions:
        reader = SagaReader(options, table, child, setting, missing, detail=detail)
        return Companions(
            reader,
            context.clock,
            _outbox(options, outbox, reader),
            _owners(alive, workers, setting, missing, saga.owner.format if saga.owner is not None else None),
            _conversation(options, received, replies, setting, missing, session.version),
            _locks(options, held, waiting, setting, missing),
        )

    scan, detail = companions(detail=False), companions(detail=True)
    for key, (where, column) in missing.units.items():
        missing.note(f"{_place(context, key)}: {unit_wanted(session, where, column, key)}")
    for key, text in missing.forms.items():
        missing.note(f"{_place(context, key)}: {text}")
    missing.check()
    is_big = any(table.rows > context.big_table for table in tables.found)
    asks = bool(scan.lookups) or not _is_plainly_by_id(scan.reader)
    refused = _refused(session, scan, context.big_table) if asks and (is_big or scan.conversation is not None) else ()
    if is_big:
        for told, other in zip(scan.lookups, detail.lookups, strict=True):
            if told.forced is not None and other.forced is not None:
                other.forced.index = told.forced.index
    return Opened(
        options,
        context,
        session.version,
        session.product,
        scan.without(refused) if refused else scan,
        detail.without(refused) if refused else detail,
        tuple(tables.found),
        child,
        _capabilities(options, scan.reader),
    )


def _place(context: StoreContext, key: str) -> str:
    from .saying import told

    return told(context.origin, tuple(key.split("."))) or f"stores.{context.name}.{key}"


def _is_plainly_by_id(reader: SagaReader) -> bool:
    """Say whether a saga is found by its id whatever the plan says: PostgreSQL takes a unique index where one fits."""
    table, columns = reader.source.table, reader.identity.columns
    if reader.source.engine != POSTGRESQL or table.is_view or any(column.loose for column in columns):
        return False
    return bool(columns) and table.is_unique([column.name for column in columns])


def _refused(session: Session, companions: Companions, most: int) -> tuple[Refusal, ...]:
    """Return which look-ups are not made, because all of a big table would be read for each page."""
    from .find import by_id
    from .lookups import refusals

    return refusals(session, (*companions.lookups, *by_id(companions.reader)), most)


def _outbox(options: SqlOptions, table: Table | None, reader: SagaReader) -> Outbox | None:
    if options.outbox is None or table is None:
        return None
    from .outbox import Outbox

    return Outbox(options.outbox, table, reader.source, reader.selection, reader.setting.zone, reader.setting.store)


def _owners(
    words: Alive | None, table: Table | None, setting: Setting, missing: Missing, form: IdFormat | None
) -> Owners | None:
    if words is None or table is None:
        return None
    from .owners import Owners

    return Owners(words, table, setting.engine, setting.zone, missing, form)


def _conversation(
    options: SqlOptions,
    received: Table | None,
    replies: Table | None,
    setting: Setting,
    missing: Missing,
    database: str,
) -> Conversation | None:
    if options.outbox is None or (received is None and replies is None):
        return None
    from .conversation import Around, Conversation
    from .received import Received
    from .replies import Replies

    around = Around(setting.engine, setting.version, database, setting.zone, missing, setting.store)
    return Conversation(
        Received(options.received, received, around) if received is not None else None,
        Replies(options.replies, options.outbox, replies, around) if replies is not None else None,
    )


def _locks(
    options: SqlOptions, held: Table | None, waiting: Table | None, setting: Setting, missing: Missing
) -> Locks | None:
    if held is None or waiting is None:
        return None
    from .locks import Locks

    form = options.saga.id.format
    return Locks(options.locks, (held, waiting), form, setting.zone, missing, setting.engine, setting.store)


def _capabilities(options: SqlOptions, reader: SagaReader) -> frozenset[Capability]:
    saga = options.saga
    told = {Capability.ENDED}
    if options.steps.shape != "none":
        told.add(Capability.STEPS)
    if "updated_at" in reader.times.columns or reader.shape.has_times:
        told.add(Capability.TIMES)
    if business_key_element(reader) is not None:
        told.add(Capability.BUSINESS_KEYS)
    for name in _AROUND:
        if getattr(options, name) is not None:
            told.add(Capability(name))
    if any(getattr(saga, name) is not None for name in _LINKS):
        told.add(Capability.LINKS)
    if saga.payload is not None:
        told.add(Capability.PAYLOAD)
    return frozenset(told)
