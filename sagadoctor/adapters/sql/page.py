"""One page: a statement run, its rows read, and what belongs to them read by their ids at the same moment."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sagadoctor.api.v1 import Saga
from sagadoctor.api.v1.sql import Row, Session

from .reader import SagaReader
from .shapes import ChildTableSteps

if TYPE_CHECKING:
    from sqlalchemy import Select

PAGE_BYTES: Final = 64 * 1024 * 1024
"""Documents of one page together; a page that grows beyond this ends early."""


@dataclass(slots=True)
class Rows:
    """What one statement brought: facts in the order of the rows, and the raw row that came last."""

    sagas: list[Saga] = field(default_factory=list)
    last: Row | None = None
    count: int = 0
    cut: bool = False
    """The page ended early because its rows were big; there may be more."""


class Companions:
    """What is read beside a page, by its ids: steps in a child table, the outbox, owners."""

    def __init__(self, reader: SagaReader) -> None:
        """Keep the reader whose rows are completed."""
        self.reader = reader

    @property
    def needed(self) -> bool:
        """Say whether a page needs more than its own rows."""
        return isinstance(self.reader.shape, ChildTableSteps)

    def complete(self, session: Session, rows: Sequence[Row]) -> list[Saga]:
        """Return the facts of rows with what belongs to them."""
        reader = self.reader
        if not isinstance(reader.shape, ChildTableSteps):
            return [reader.saga(row) for row in rows]
        keys = {key: None for row in rows if None not in (key := reader.raw_id(row))}
        steps = reader.shape.gather(session, (reader.id_parameters(key) for key in keys)) if keys else {}
        return [reader.saga(row, steps.get(reader.raw_id(row))) for row in rows]


def collect(session: Session, statement: Select[Any], companions: Companions) -> Rows:
    """Run one page in a worker's thread."""
    found = Rows()
    if not companions.needed:
        read = companions.reader.saga
        with contextlib.closing(_bounded(session, statement, found)) as rows:
            found.sagas = [read(row) for row in rows]
        return found
    with session.snapshot():
        with contextlib.closing(_bounded(session, statement, found)) as rows:
            kept = list(rows)
        found.sagas = companions.complete(session, kept)
    return found


def _bounded(session: Session, statement: Select[Any], found: Rows) -> Generator[Row, None, None]:
    size = 0
    row = None
    for row in session.stream(statement, 500):
        found.count += 1
        for cell in row:
            if type(cell) is bytes:
                size += len(cell)
        yield row
        if size > PAGE_BYTES:
            found.cut = True
            break
    found.last = row
