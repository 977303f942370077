"""Fetching the sagas that a page's cases are tied to: by id, once a page, never one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Store
from sagadoctor.errors import BackendError
from sagadoctor.model.case import LinkedSaga, Relation
from sagadoctor.model.saga import ENDED, Saga
from sagadoctor.redaction import Redactor

from .guard import guarded

_MOST = 2_000
_PATIENCE = 3.0
"""Seconds that another store gets at most to tell of a page's sagas: its hanging must not take this store's time."""


async def linked_sagas(
    sagas: Sequence[Saga], store: Store, others: Sequence[Store], deadline: Deadline, silent: set[str]
) -> Mapping[str, tuple[LinkedSaga, ...]]:
    """Return, by saga id, the sagas that repair it and the same saga in other stores; BackendError of this store.

    Another store that can't answer is put into `silent` and not asked again.
    """
    found: dict[str, list[LinkedSaga]] = {}
    for saga_id, repair in await _repairs(sagas, store, deadline):
        found.setdefault(saga_id, []).append(LinkedSaga(Relation.REPAIRED_BY, repair))
    shared = {saga.saga_id: saga for saga in sagas if not saga.saga_id.isdigit()}
    for other in others if shared else ():
        if other.name in silent:
            continue
        left = deadline.remaining()
        seconds = _PATIENCE if left is None else min(_PATIENCE, left / 4)
        try:
            twins = await _fetch(other, shared, deadline.sooner(seconds), seconds)
        except BackendError:
            silent.add(other.name)
            continue
        for twin in twins:
            here = shared.get(twin.saga_id)
            if here is not None and here.saga_type == twin.saga_type:
                found.setdefault(here.saga_id, []).append(LinkedSaga(Relation.SAME_ID, twin))
    return {saga_id: tuple(links) for saga_id, links in found.items()}


async def _repairs(sagas: Sequence[Saga], store: Store, deadline: Deadline) -> list[tuple[str, Saga]]:
    """Return each saga that was started to repair another one, with that one's id."""
    wanted: dict[str, list[str]] = {}
    loosely: dict[str, list[str]] = {}
    for saga in sagas:
        if saga.repaired_by is not None and saga.state in ENDED:
            wanted.setdefault(saga.repaired_by, []).append(saga.saga_id)
            loosely.setdefault(_plain(saga.repaired_by), []).append(saga.saga_id)
    if not wanted:
        return []
    return [
        (saga_id, repair)
        for repair in await _fetch(store, wanted, deadline)
        for saga_id in wanted.get(repair.saga_id) or loosely.get(_plain(repair.saga_id)) or ()
    ]


def _plain(saga_id: str) -> str:
    """Return an id without what differs from one spelling to another; a row may name an id in any of them."""
    return "".join(filter(str.isalnum, saga_id.casefold().removeprefix("urn:uuid:")))


async def _fetch(store: Store, ids: Iterable[str], deadline: Deadline, seconds: float | None = None) -> list[Saga]:
    asked = list(ids)
    found: list[Saga] = []
    async with guarded(Redactor(), seconds):
        for start in range(0, len(asked), _MOST):
            found += await store.fetch(asked[start : start + _MOST], deadline)
        strangers = {type(saga).__name__ for saga in found if not isinstance(saga, Saga)}
        if strangers:
            raise TypeError(f"fetch() gave {', '.join(sorted(strangers))}, not Saga")
    return found
