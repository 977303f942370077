"""What has to be remembered of a saga for its retries to be counted from one look to the next."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sagadoctor.ids import digest
from sagadoctor.model.observation import Trial
from sagadoctor.model.policy import SagaPolicy
from sagadoctor.model.saga import Saga

from .anatomy import attempts, error
from .assemble import assemble
from .fingerprint import reached
from .masking import masked

_MOST: Final = 2**31
"""A larger count is no count of attempts, and none that every ledger could hold."""


def trial(saga: Saga, policy: SagaPolicy, now: datetime) -> Trial | None:
    """Return how often a live saga was tried, and a mark that stays while the same thing fails for the same reason.

    None where nothing was tried, no error says that it failed, or another row has the same id. Of the error only a hash
    of its masked text is kept.
    """
    if not saga.is_live or not _was_tried(saga) or any(doubt.field == "id" for doubt in saga.doubts):
        return None
    case = assemble(saga, policy, now)
    count, said = attempts(case, policy), error(case, case.current)
    if count is None or not 1 <= count <= _MOST or not said:
        return None
    cause = masked(said)
    if not cause:
        return None
    step = case.current.name if case.current is not None else None
    return Trial(saga.saga_id, digest((reached(saga), step, cause), 24), count)


def _was_tried(saga: Saga) -> bool:
    """Say whether any number of attempts is told: nearly always none is, and nothing else has to be worked out."""
    return bool(saga.attempts) or any(step.attempts for step in saga.steps or ())
