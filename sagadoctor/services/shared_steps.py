"""Steps without a saga that are those of another store's sagas: one table of steps may serve several stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Store
from sagadoctor.errors import BackendError
from sagadoctor.model.survey import Survey
from sagadoctor.redaction import Redactor

from .guard import guarded

_PATIENCE: Final = 3.0
"""Seconds that another store gets at most."""


async def claimed(survey: Survey, others: Sequence[Store], deadline: Deadline) -> Survey:
    """Return the survey without steps that other stores have the sagas of, as far as their sample names them.

    Where all ids of the sample are there, the table is shared, and a note says how to tell the steps apart.
    """
    orphans = survey.orphans
    if orphans is None or not orphans.count or not orphans.saga_ids:
        return survey
    missing = set(orphans.saga_ids)
    owners: list[str] = []
    for other in others:
        if not missing:
            break
        left = deadline.remaining()
        seconds = _PATIENCE if left is None else min(_PATIENCE, left / 4)
        try:
            async with guarded(Redactor(), seconds):
                found = {saga.saga_id for saga in await other.fetch(sorted(missing), deadline.sooner(seconds))}
        except BackendError:
            continue
        if found & missing:
            owners.append(other.name)
            missing -= found
    if missing:
        return survey
    note = (
        f"{orphans.source}: it also holds steps of sagas that {', '.join(owners)} tells of, so steps without a saga "
        "were not looked for; say which rows are these sagas' own: steps.where"
    )
    return replace(survey, orphans=None, notes=(*survey.notes, note))
