"""Fetching the sagas that a page's cases are tied to: by id, once a page, never one by one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Store
from sagadoctor.diagnosis.assemble import assemble
from sagadoctor.diagnosis.examine import examine
from sagadoctor.errors import BackendError, FullScanRefused
from sagadoctor.model.capability import Capability
from sagadoctor.model.case import LinkedSaga, Relation
from sagadoctor.model.finding import Severity
from sagadoctor.model.policy import Policy
from sagadoctor.model.saga import ENDED, Saga
from sagadoctor.redaction import Redactor

from .by_id import plain
from .guard import guarded

_MOST = 2_000
_HIGHEST = 16
"""Parents of parents that are followed to find a circle; a longer one is not seen."""
_PATIENCE = 3.0
"""Seconds that another store gets at most to tell of a page's sagas: its hanging must not take this store's time."""

Tied = tuple[str, Relation, Saga]
"""The id of one of the sagas asked about, and another saga with what that one is to it."""


class Links(msgspec.Struct):
    """Follows the ties of one store's sagas: to repairs, children, parents, lock holders, and the same in other stores.

    `silent` names the other stores that could not be asked, which are not asked again; `unfollowed` says why children
    can't be looked for, once that is known; `absent` are the lock holders that were last asked for and aren't there.
    """

    store: Store
    others: Sequence[Store]
    silent: set[str] = msgspec.field(default_factory=set)
    unfollowed: FullScanRefused | None = None
    unclimbed: BackendError | None = None
    """Why circles of sagas could not be looked for."""
    unheld: BackendError | None = None
    """Why it is not known who holds the locks that sagas wait for."""
    absent: frozenset[str] = frozenset()

    def gone(self, saga: Saga) -> frozenset[str]:
        """Return which of the holders that this saga waits for were looked for just now and aren't there."""
        if not saga.waits_on or not self.absent:
            return frozenset()
        return self.absent & frozenset(holders_of(saga))

    async def of(
        self, sagas: Sequence[Saga], deadline: Deadline, *, parents: bool = False
    ) -> Mapping[str, tuple[LinkedSaga, ...]]:
        """Return, by saga id, the sagas that it is tied to; raises BackendError of this store.

        `parents` are fetched for a person only: no rule asks for them.
        """
        tied = await self._named(sagas, Relation.REPAIRED_BY, deadline)
        if parents:
            tied += await self._named(sagas, Relation.PARENT, deadline)
        children = await self._children(sagas, deadline)
        tied += children
        tied += await self._circles(sagas, children, deadline)
        tied += await self._holders(sagas, deadline)
        tied += await self._twins(sagas, deadline)
        found: dict[str, list[LinkedSaga]] = {}
        for saga_id, relation, other in tied:
            found.setdefault(saga_id, []).append(LinkedSaga(relation, other))
        return {saga_id: tuple(links) for saga_id, links in found.items()}

    async def _named(self, sagas: Sequence[Saga], relation: Relation, deadline: Deadline) -> list[Tied]:
        """Return the sagas that rows themselves name: their parent, or what was started to repair them."""
        naming: dict[str, list[str]] = {}
        upwards = relation is Relation.PARENT
        for saga in sagas:
            repair = saga.repaired_by if saga.repaired_by is not None and saga.state in ENDED else None
            named = saga.parent_id if upwards else repair
            if named is not None:
                naming.setdefault(named, []).append(saga.saga_id)
        if not naming:
            return []
        rows = await _asked(naming, lambda ids: self.store.fetch(ids, deadline))
        spelt = _Spelt(naming)
        return [(saga_id, relation, row) for row in rows for name in spelt.of(row.saga_id) for saga_id in naming[name]]

    async def _children(self, sagas: Sequence[Saga], deadline: Deadline) -> list[Tied]:
        """Return the children of live sagas that haven't ended well, unless the store can't look for them."""
        if self.unfollowed is not None or Capability.LINKS not in self.store.capabilities:
            return []
        parents = dict.fromkeys(saga.saga_id for saga in sagas if saga.is_live)
        if not parents:
            return []
        try:
            rows = await _asked(parents, lambda ids: self.store.children(ids, deadline))
        except FullScanRefused as refused:
            self.unfollowed = refused
            return []
        spelt = _Spelt(parents)
        return [
            (saga_id, Relation.CHILD, row)
            for row in rows
            if row.parent_id is not None
            for saga_id in spelt.of(row.parent_id)
        ]

    async def _circles(self, sagas: Sequence[Saga], children: Sequence[Tied], deadline: Deadline) -> list[Tied]:
        """Return the children that are above their own parents as well: whoever waits in a circle, none is the cause.

        From each saga that has both a parent and a child it is followed upwards, one question for each step up.
        """
        if not children:
            return []
        rows = {saga.saga_id: saga for saga in sagas}
        asked = {saga_id for saga_id, _, _ in children if rows[saga_id].parent_id is not None}
        if not asked:
            return []
        above = {plain(saga.saga_id): saga.parent_id for saga in (*sagas, *(child for _, _, child in children))}
        for _ in range(_HIGHEST):
            tops = {top for saga_id in asked if (top := _ancestors(saga_id, above)[-1]) and plain(top) not in above}
            if not tops:
                break
            above.update(dict.fromkeys(map(plain, tops)))
            try:
                found = await _asked(tops, lambda ids: self.store.fetch(ids, deadline))
            except BackendError as failed:
                deadline.check(self.store.name)
                self.unclimbed = failed
                break
            # What has ended waits for nobody: no circle goes through it.
            above.update({plain(saga.saga_id): saga.parent_id for saga in found if saga.is_live})
        lines = {saga_id: set(map(plain, _ancestors(saga_id, above)[1:])) for saga_id in asked}
        return [
            (saga_id, Relation.ANCESTOR, child)
            for saga_id, _, child in children
            if saga_id in asked and plain(child.saga_id) in lines[saga_id]
        ]

    async def _holders(self, sagas: Sequence[Saga], deadline: Deadline) -> list[Tied]:
        """Return who holds the locks that sagas wait for, and who waits with them in a circle."""
        waiting = [saga for saga in sagas if saga.is_live and saga.waits_on]
        naming: dict[str, list[str]] = {}
        for saga in waiting:
            for holder in holders_of(saga):
                naming.setdefault(holder, []).append(saga.saga_id)
        self.absent = frozenset()
        if not naming:
            return []
        try:
            rows = await _asked(naming, lambda ids: self.store.fetch(ids, deadline))
        except BackendError as failed:
            deadline.check(self.store.name)
            self.unheld = failed
            return []
        spelt = _Spelt(naming)
        self.absent = frozenset(naming) - {name for row in rows for name in spelt.of(row.saga_id)}
        tied: list[Tied] = [
            (saga_id, Relation.LOCK_HOLDER, row)
            for row in rows
            for name in spelt.of(row.saga_id)
            for saga_id in naming[name]
        ]
        known = {plain(saga.saga_id): saga for saga in (*waiting, *rows)}
        for _ in range(_HIGHEST):
            further = {name for saga in known.values() for name in holders_of(saga) if plain(name) not in known}
            further -= self.absent
            if not further:
                break
            try:
                found = await _asked(further, lambda ids: self.store.fetch(ids, deadline))
            except BackendError as failed:
                deadline.check(self.store.name)
                self.unclimbed = failed
                break
            known.update({plain(saga.saga_id): saga for saga in found})
            if not found:
                break
        return tied + [
            (saga.saga_id, Relation.LOCK_CIRCLE, other) for saga in waiting for other in _lock_circle(saga, known)
        ]

    async def _twins(self, sagas: Sequence[Saga], deadline: Deadline) -> list[Tied]:
        """Return the same sagas as other stores tell them."""
        if not self.others:
            return []
        shared = {saga.saga_id: saga for saga in sagas if not saga.saga_id.isdigit()}
        tied: list[Tied] = []
        for other in self.others if shared else ():
            if other.name in self.silent:
                continue
            left = deadline.remaining()
            seconds = _PATIENCE if left is None else min(_PATIENCE, left / 4)
            sooner = deadline.sooner(seconds)
            try:
                twins = await _asked(shared, _fetching(other, sooner), seconds)
            except BackendError:
                self.silent.add(other.name)
                continue
            for twin in twins:
                here = shared.get(twin.saga_id)
                if here is not None and here.saga_type == twin.saga_type:
                    tied.append((here.saga_id, Relation.SAME_ID, twin))
        return tied


def with_sick_children(linked: Sequence[LinkedSaga], policy: Policy, now: datetime) -> tuple[LinkedSaga, ...]:
    """Leave out live children that are well by what is known of their own type: whoever waits for one waits rightly."""
    return tuple(link for link in linked if link.relation is not Relation.CHILD or _is_sick(link.saga, policy, now))


def _is_sick(saga: Saga, policy: Policy, now: datetime) -> bool:
    if not saga.is_live:
        return True
    known = policy.of(saga.saga_type)
    return any(each.severity is not Severity.INFO for each in examine(assemble(saga, known, now), known, now))


def _ancestors(saga_id: str, above: Mapping[str, str | None]) -> list[str]:
    """Return the saga and those above it, as far up as is known, each once."""
    line = [saga_id]
    seen = {plain(saga_id)}
    while (parent := above.get(plain(line[-1]))) is not None:
        line.append(parent)
        if plain(parent) in seen:
            break
        seen.add(plain(parent))
    return line


def holders_of(saga: Saga) -> list[str]:
    """Return the ids of the other sagas that hold what this live one waits for."""
    named = {wait.holder_id for wait in saga.waits_on if wait.holder_id is not None} if saga.is_live else set()
    return sorted(name for name in named if plain(name) != plain(saga.saga_id))


def _lock_circle(saga: Saga, known: Mapping[str, Saga]) -> list[Saga]:
    """Return the others in the shortest circle of sagas that wait for each other's locks; empty where there is none."""
    start = plain(saga.saga_id)
    before: dict[str, str] = {}
    edge = [start]
    while edge:
        reached: list[str] = []
        for name in edge:
            for holder in map(plain, holders_of(known[name]) if name in known else ()):
                if holder == start:
                    return _way_back(name, start, before, known)
                if holder not in before:
                    before[holder] = name
                    reached.append(holder)
        edge = reached
    return []


def _way_back(name: str, start: str, before: Mapping[str, str], known: Mapping[str, Saga]) -> list[Saga]:
    others: list[Saga] = []
    while name != start:
        others.append(known[name])
        name = before[name]
    return others[::-1]


class _Spelt:
    """Ids as rows spell them: exactly first, then loosely; a row may name another one in any usual spelling."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._exactly = frozenset(ids)
        self._loosely: dict[str, list[str]] = {}
        for spelt in self._exactly:
            self._loosely.setdefault(plain(spelt), []).append(spelt)

    def of(self, saga_id: str) -> Sequence[str]:
        """Return the spellings that mean this id."""
        return (saga_id,) if saga_id in self._exactly else self._loosely.get(plain(saga_id), ())


def _fetching(store: Store, deadline: Deadline) -> Callable[[Sequence[str]], Awaitable[Sequence[Saga]]]:
    return lambda ids: store.fetch(ids, deadline)


async def _asked(
    ids: Iterable[str], question: Callable[[Sequence[str]], Awaitable[Sequence[Saga]]], seconds: float | None = None
) -> list[Saga]:
    asked = list(ids)
    found: list[Saga] = []
    async with guarded(Redactor(), seconds):
        for start in range(0, len(asked), _MOST):
            found += await question(asked[start : start + _MOST])
        strangers = {type(saga).__name__ for saga in found if not isinstance(saga, Saga)}
        if strangers:
            raise TypeError(f"a store told {', '.join(sorted(strangers))}, not Saga")
    return found
