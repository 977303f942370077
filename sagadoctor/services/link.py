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
from .climb import Above, circle, climb, holders_of, lineage, parents_of
from .guard import guarded

_MOST = 2_000
_PATIENCE = 3.0
"""Seconds that another store gets at most to tell of a page's sagas: its hanging must not take this store's time."""

_CHILDREN = "what its sagas wait for"
_REPAIRS = "whether its sagas were repaired by others"
_PARENTS = "who started its sagas"
_HOLDERS = "who holds the locks that its sagas wait for"
_CIRCLES = "whether its sagas wait for each other in a circle"

Tied = tuple[str, Relation, Saga]
"""The id of one of the sagas asked about, and another saga with what that one is to it."""


class Links(msgspec.Struct):
    """Follows the ties of one store's sagas: to repairs, children, parents, lock holders, and the same in other stores.

    `silent` names the other stores that could not be asked, which are not asked again; `absent` are the lock holders
    that were last asked for and aren't there.
    """

    store: Store
    others: Sequence[Store]
    silent: set[str] = msgspec.field(default_factory=set)
    failed: dict[str, BackendError] = msgspec.field(default_factory=dict)
    """What was not looked at, in words, and why."""
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
        what = _PARENTS if upwards else _REPAIRS
        if not naming or what in self.failed:
            return []
        try:
            rows = await _asked(naming, lambda ids: self.store.fetch(ids, deadline))
        except FullScanRefused as refused:
            self.failed[what] = refused
            return []
        spelt = _Spelt(naming)
        return [(saga_id, relation, row) for row in rows for name in spelt.of(row.saga_id) for saga_id in naming[name]]

    async def _children(self, sagas: Sequence[Saga], deadline: Deadline) -> list[Tied]:
        """Return the children of live sagas that haven't ended well, unless the store can't look for them."""
        if _CHILDREN in self.failed or Capability.LINKS not in self.store.capabilities:
            return []
        parents = dict.fromkeys(saga.saga_id for saga in sagas if saga.is_live)
        if not parents:
            return []
        try:
            rows = await _asked(parents, lambda ids: self.store.children(ids, deadline))
        except FullScanRefused as refused:
            self.failed[_CHILDREN] = refused
            return []
        spelt = _Spelt(parents)
        return [
            (saga_id, Relation.CHILD, row)
            for row in rows
            if row.parent_id is not None
            for saga_id in spelt.of(row.parent_id)
        ]

    async def _circles(self, sagas: Sequence[Saga], children: Sequence[Tied], deadline: Deadline) -> list[Tied]:
        """Return the children that are above their own parents as well: of a circle none is the cause."""
        rows = {saga.saga_id: saga for saga in sagas}
        asked = [rows[saga_id] for saga_id in {saga_id for saga_id, _, _ in children} if parents_of(rows[saga_id])]
        if not asked:
            return []
        known = {plain(saga.saga_id): saga for saga in (*sagas, *(child for _, _, child in children))}
        await self._climbed(asked, known, parents_of, deadline)
        above = {saga.saga_id: lineage(saga, known, parents_of) for saga in asked}
        return [
            (saga_id, Relation.ANCESTOR, child)
            for saga_id, _, child in children
            if plain(child.saga_id) in above.get(saga_id, ())
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
            self.failed[_HOLDERS] = failed
            return []
        spelt = _Spelt(naming)
        missing = frozenset(naming) - {name for row in rows for name in spelt.of(row.saga_id)}
        elsewhere, self.absent = await self._elsewhere(missing, deadline)
        rows += elsewhere
        tied: list[Tied] = [
            (saga_id, Relation.LOCK_HOLDER, row)
            for row in rows
            for name in spelt.of(row.saga_id)
            for saga_id in naming[name]
        ]
        known = {plain(saga.saga_id): saga for saga in (*waiting, *rows)}
        await self._climbed(rows, known, lambda saga: set(holders_of(saga)) - self.absent, deadline)
        return tied + [
            (saga.saga_id, Relation.LOCK_CIRCLE, other) for saga in waiting for other in circle(saga, known, holders_of)
        ]

    async def _elsewhere(self, ids: frozenset[str], deadline: Deadline) -> tuple[list[Saga], frozenset[str]]:
        """Return those of these sagas that other stores have, and the ids that no store has: one table may be several.

        A bare number is too short a name to be looked for elsewhere. Where another store is silent, nobody is absent.
        """
        found: list[Saga] = []
        named = [each for each in ids if not each.isdigit()]
        for other in self.others if named else ():
            if other.name in self.silent:
                continue
            left = deadline.remaining()
            seconds = _PATIENCE if left is None else min(_PATIENCE, left / 4)
            try:
                found += await _asked(named, _fetching(other, deadline.sooner(seconds)), seconds)
            except BackendError:
                self.silent.add(other.name)
        spelt = _Spelt(ids)
        there = {name for row in found for name in spelt.of(row.saga_id)}
        return found, frozenset() if self.silent else ids - there

    async def _climbed(self, start: Sequence[Saga], known: dict[str, Saga], above: Above, deadline: Deadline) -> None:
        """Add to `known` who is above these; where the store fails, what is known has to do."""
        try:
            await climb(start, known, above, lambda names: _asked(names, lambda ids: self.store.fetch(ids, deadline)))
        except BackendError as failed:
            deadline.check(self.store.name)
            self.failed[_CIRCLES] = failed

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
