"""A mapping met with its database, once: real names, readers, and what both together can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sagadoctor.api.v1 import Capability, Deadline, SchemaMismatch, StoreContext
from sagadoctor.api.v1.sql import Guest, Session, Table

from .mapping.columns import TableName
from .mapping.steps import ChildTable
from .options import SqlOptions
from .page import Companions
from .reader import SagaReader, Setting
from .source import Missing
from .times import zone_of

_LINKS: Final = ("parent", "repaired_by")


@dataclass(frozen=True, slots=True)
class Opened:
    """What the statements need: the tables and the readers for a scan and for a detail view."""

    options: SqlOptions
    context: StoreContext
    version: str
    product: str
    reader: SagaReader
    detail: SagaReader
    child: Table | None
    capabilities: frozenset[Capability]

    @property
    def table(self) -> Table:
        """Return the saga table."""
        return self.reader.source.table

    @property
    def engine(self) -> str:
        """Return the engine's name."""
        return self.reader.source.engine

    def companions(self, *, detail: bool = False) -> Companions:
        """Return what completes a page of rows."""
        return Companions(self.detail if detail else self.reader)


async def open_mapping(guest: Guest, options: SqlOptions, context: StoreContext, deadline: Deadline) -> Opened:
    """Introspect and compile; raises SchemaMismatch with everything that is missing, all at once."""
    return await guest.run(lambda session: _open(session, options, context), deadline)


def _open(session: Session, options: SqlOptions, context: StoreContext) -> Opened:
    missing = Missing()
    tables: list[Table | None] = []
    words = options.steps
    wanted = [options.saga.table, *([words.table] if isinstance(words, ChildTable) else [])]
    for name in wanted:
        tables.append(_table(session, name, missing))
    missing.check()
    table = tables[0]
    assert table is not None
    child = tables[1] if len(tables) > 1 else None
    zone = zone_of(options.tz or context.tz)
    setting = Setting(context.name, context.policy, session.engine, session.version_number, zone)
    reader = SagaReader(options, table, child, setting, missing, detail=False)
    detail = SagaReader(options, table, child, setting, missing, detail=True)
    missing.check()
    return Opened(
        options, context, session.version, session.product, reader, detail, child, _capabilities(options, reader)
    )


def _table(session: Session, name: TableName, missing: Missing) -> Table | None:
    try:
        return session.catalog.table(list(name.parts))
    except SchemaMismatch as mismatch:
        missing.note(mismatch.reason + (f" ({mismatch.hint})" if mismatch.hint else ""))
        return None


def _capabilities(options: SqlOptions, reader: SagaReader) -> frozenset[Capability]:
    saga = options.saga
    told = {Capability.ENDED}
    if options.steps.shape != "none":
        told.add(Capability.STEPS)
    updated = saga.updated_at
    trusted = "updated_at" in reader.moments or (updated is not None and updated.from_ == "steps")
    if trusted or reader.shape.has_times:
        told.add(Capability.TIMES)
    if saga.business_key is not None and "business_key" not in reader.not_extracted:
        told.add(Capability.BUSINESS_KEYS)
    if options.outbox is not None:
        told.add(Capability.OUTBOX)
    if any(getattr(saga, name) is not None for name in _LINKS):
        told.add(Capability.LINKS)
    if saga.payload is not None:
        told.add(Capability.PAYLOAD)
    return frozenset(told)


def places(tables: Sequence[Table | None]) -> str:
    """Return the names of tables as a person writes them."""
    return ", ".join(table.place for table in tables if table is not None)
