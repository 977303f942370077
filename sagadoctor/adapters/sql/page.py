"""One page: a statement run, its rows read, and what belongs to them read by their ids at the same moment."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from sagadoctor.api.v1 import Saga
from sagadoctor.api.v1.sql import SQLITE, Row, Session

from .identity import comparable
from .reader import SagaReader
from .shapes import InRowSteps, TableSteps

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Select

    from sagadoctor.api.v1 import Clock

    from .asking import Lookup
    from .conversation import Conversation
    from .locks import Locks
    from .lookups import Refusal
    from .outbox import Outbox
    from .owners import Owners

PAGE_BYTES: Final = 64 * 1024 * 1024
"""Documents of one page together; a page that grows beyond this ends early."""
_AT_ONCE: Final = 500


class Rows(msgspec.Struct):
    """What one statement brought: facts in the order of the rows, and the raw row that came last."""

    sagas: list[Saga] = msgspec.field(default_factory=list)
    last: Row | None = None
    count: int = 0
    cut: bool = False
    """The page ended early because its rows were big; there may be more."""
    keys: list[list[Any]] = msgspec.field(default_factory=list)
    """The raw key of every row, where keys may repeat."""


class Companions(msgspec.Struct, frozen=True):
    """A row's reader, and what is read beside a page by its ids: steps in a child table, the outbox, owners, locks."""

    reader: SagaReader
    clock: Clock
    outbox: Outbox | None = None
    owners: Owners | None = None
    conversation: Conversation | None = None
    """About the entries of the outbox; it is mapped too."""
    locks: Locks | None = None
    refused: tuple[Refusal, ...] = ()
    """What is not looked up, because all of a big table would be read for it."""
    unasked: frozenset[str] = frozenset()
    """The parts that are refused."""

    @property
    def lookups(self) -> list[Lookup]:
        """Return every question that is asked by ids beside a page's rows."""
        steps = self.reader.shape.lookups if isinstance(self.reader.shape, TableSteps) else []
        beside = (self.outbox, self.conversation, self.owners, self.locks)
        return [*steps, *(lookup for each in beside if each is not None for lookup in each.lookups)]

    def without(self, refused: tuple[Refusal, ...]) -> Companions:
        """Return the same with these look-ups left out."""
        return replace(self, refused=refused, unasked=frozenset(each.part for each in refused))

    @property
    def needed(self) -> bool:
        """Say whether a page needs more than its own rows."""
        beside = (self.outbox, self.owners, self.locks)
        return isinstance(self.reader.shape, TableSteps) or any(each is not None for each in beside)

    def complete(self, session: Session, rows: Sequence[Row]) -> list[Saga]:
        """Return the facts of rows with what belongs to them."""
        reader = self.reader
        if isinstance(reader.shape, TableSteps):
            keys = [reader.identity.raw(row) for row in rows]
            wanted = [key for key in dict.fromkeys(keys) if None not in key]
            steps = reader.shape.gather(session, reader.identity, wanted)
            sagas = [reader.saga(row, steps.get(comparable(key))) for row, key in zip(rows, keys, strict=True)]
        else:
            sagas = [reader.saga(row) for row in rows]
        if self.outbox is not None and rows:
            if "outbox" not in self.unasked:
                sagas = self._with_outbox(session, self.outbox, rows, sagas)
            if self.conversation is not None:
                named = [self.outbox.message_of(row) for row in rows]
                sagas = self.conversation.told(session, sagas, named, self.unasked)
        if self.owners is not None and rows and "owners" not in self.unasked:
            sagas = self._with_owners(session, self.owners, sagas)
        if self.locks is not None and rows and "locks" not in self.unasked:
            sagas = self.locks.told(session, rows, sagas, reader.identity)
        return sagas

    def _with_outbox(self, session: Session, outbox: Outbox, rows: Sequence[Row], sagas: list[Saga]) -> list[Saga]:
        links = [outbox.link_of(row, self.reader.identity.raw(row)) for row in rows]
        found = outbox.gather(session, links, self.reader.identity)
        entries = [found.get(comparable(link)) for link in links]
        pairs = zip(entries, sagas, strict=True)
        return [
            replace(saga, outbox=tuple(told.told), doubts=(*saga.doubts, *told.doubts)) if told is not None else saga
            for told, saga in pairs
        ]

    def _with_owners(self, session: Session, owners: Owners, sagas: list[Saga]) -> list[Saga]:
        names = [saga.owner.name for saga in sagas if saga.owner is not None and saga.owner.name]
        if not names:
            return sagas
        now: datetime = self.clock.now() if session.engine == SQLITE else session.now()
        found = owners.gather(session, names, now)
        out: list[Saga] = []
        for saga in sagas:
            told = found.get(saga.owner.name) if saga.owner is not None else None
            if told is None or saga.owner is None:
                out.append(saga)
            else:
                out.append(replace(saga, owner=replace(told, lease_until=saga.owner.lease_until)))
        return out


def collect(
    session: Session,
    statement: Select[Any],
    companions: Companions,
    key: Callable[[Row], list[Any]] | None = None,
    *,
    in_order: bool = False,
) -> Rows:
    """Run one page in a worker's thread; `key` has every row's raw key kept, `in_order` keeps to an index's order."""
    found = Rows()
    reader = companions.reader
    at = reader.shape.document_at if isinstance(reader.shape, InRowSteps) else 0
    if companions.needed or key is not None:
        with session.snapshot(in_order=in_order):
            with contextlib.closing(session.stream(statement, _AT_ONCE)) as rows:
                kept = list(_kept(rows, at, found))
            found.sagas = companions.complete(session, kept)
        if key is not None:
            found.keys = [key(row) for row in kept]
        return found
    moment = session.snapshot(in_order=True) if in_order else contextlib.nullcontext()
    with moment, contextlib.closing(session.stream(statement, _AT_ONCE)) as rows:
        found.sagas = list(map(reader.saga, _kept(rows, at, found)))
    return found


def _kept(rows: Iterable[Row], document_at: int, found: Rows) -> Generator[Row, None, None]:
    """Yield rows until the documents in them have grown beyond a bound."""
    size = 0
    row = None
    for row in rows:
        document = row[document_at]
        if type(document) is bytes:
            size += len(document)
            if size > PAGE_BYTES:
                found.cut = True
        found.count += 1
        yield row
        if found.cut:
            break
    found.last = row
