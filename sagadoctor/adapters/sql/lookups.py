"""Would the database read all of a big table for a question by ids? Asked of its own plan; such a one is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sagadoctor.api.v1 import BackendError
from sagadoctor.api.v1.sql import POSTGRESQL, Session, access

from .advice import create_index, has_index
from .asking import Lookup, Part

if TYPE_CHECKING:
    from sqlalchemy import Select


_GUARDING: Final = frozenset((Part.OUTBOX, Part.OWNERS))
_NOTED: Final = frozenset((Part.RECEIVED, Part.TAKEN, Part.REPLIES, Part.LOCKS))


class Refusal(msgspec.Struct, frozen=True):
    """A look-up that is not made: why, and the statement that would help."""

    part: Part
    reason: str
    todo: str
    final: bool = False
    """Also where somebody allows that all of a table is read."""

    @property
    def is_guarding(self) -> bool:
        """Say whether it could keep a repair from being offered: without it the store is not completely seen."""
        return self.part in _GUARDING

    @property
    def is_note(self) -> bool:
        """Say whether a scan is complete without it, and only says so."""
        return self.part in _NOTED and bool(self.reason)

    def __str__(self) -> str:
        """Return both in one sentence."""
        return f"{self.reason}: {self.todo}"


def refusals(session: Session, lookups: Iterable[Lookup], most: int) -> tuple[Refusal, ...]:
    """Return which of these would read all of a table of more than `most` rows."""
    found: list[Refusal] = []
    for lookup in lookups:
        table = lookup.table
        if lookup.never:
            found.append(Refusal(lookup.part, f"{lookup.what} not looked at", lookup.never, final=True))
        elif table.rows > most and not table.is_view and not is_by_index(session, lookup):
            if lookup.part is Part.TAKEN and any(each.part is Part.RECEIVED for each in found):
                found.append(Refusal(lookup.part, "", ""))  # the index that finds the one finds the other
                continue
            where = f"no index finds them in {table.place} (about {table.rows:,} rows)"
            found.append(Refusal(lookup.part, f"{lookup.what} not looked at: {where}", todo(lookup, session.engine)))
    return tuple(found)


def todo(lookup: Lookup, engine: str) -> str:
    """Return the statement that would let a table be asked."""
    return lookup.advice() if lookup.advice is not None else create_index(lookup.table, list(lookup.by[:1]), engine)


def is_by_index(session: Session, lookup: Lookup) -> bool:
    """Say whether the engine goes by an index that narrows a look-up down, told to take it where it has to be."""
    statement = lookup.statement()
    if statement is None:  # no id fits the column: by its catalogue
        return any(has_index(lookup.table, name) for name in lookup.by[:1])
    if _narrows(session, lookup, statement):
        return True
    forced = lookup.forced
    if forced is None or session.engine == POSTGRESQL:  # whose guests can't read in order at all, but where they must
        return False
    leading = lookup.leading or frozenset(lookup.by[:1])
    for index in lookup.table.indexes:
        if index.predicate is None and not index.primary and index.columns[:1] and index.columns[0] in leading:
            forced.index = index.name
            told = lookup.statement()
            with contextlib.suppress(BackendError):  # an index that can't be taken here: other rules of comparing
                if told is not None and _narrows(session, lookup, told):
                    return True
    forced.index = None
    return False


def _narrows(session: Session, lookup: Lookup, statement: Select[Any]) -> bool:
    leading = lookup.leading or frozenset(lookup.by[:1])
    return not access(session.explain(statement), lookup.table, leading, session.engine).sequential
