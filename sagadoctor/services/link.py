"""Fetching the sagas that a page's cases are tied to: by id, once a page, never one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Store
from sagadoctor.errors import BackendError
from sagadoctor.model.case import LinkedSaga, Relation
from sagadoctor.model.saga import ENDED, Saga

_MOST = 2_000


async def linked_sagas(
    sagas: Sequence[Saga], store: Store, others: Sequence[Store], deadline: Deadline
) -> Mapping[str, tuple[LinkedSaga, ...]]:
    """Return, by saga id, the sagas that repair it, its parent, and the same saga in other stores.

    A store that can't answer adds nothing here; its own reading says that it could not be seen.
    """
    found: dict[str, list[LinkedSaga]] = {}
    wanted = {saga.repaired_by: saga.saga_id for saga in sagas if saga.repaired_by is not None and saga.state in ENDED}
    if wanted:
        for repair in await _fetch(store, list(wanted), deadline):
            found.setdefault(wanted[repair.saga_id], []).append(LinkedSaga(Relation.REPAIRED_BY, repair))
    shared = {saga.saga_id: saga for saga in sagas if not saga.saga_id.isdigit()}
    for other in others:
        if not shared:
            break
        for twin in await _fetch(other, list(shared), deadline):
            here = shared.get(twin.saga_id)
            if here is not None and here.saga_type == twin.saga_type:
                found.setdefault(here.saga_id, []).append(LinkedSaga(Relation.SAME_ID, twin))
    return {saga_id: tuple(links) for saga_id, links in found.items()}


async def _fetch(store: Store, ids: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
    try:
        return await store.fetch(ids[:_MOST], deadline)
    except BackendError:
        return ()
