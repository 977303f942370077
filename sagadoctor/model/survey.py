"""Aggregates over many sagas that the store computed; a survey rule reads these and no single row."""

from __future__ import annotations

from datetime import datetime

import msgspec


class SharedKey(msgspec.Struct, frozen=True, gc=False):
    """Live sagas of one type that carry one business key; `saga_ids` is a bounded sample, oldest first."""

    saga_type: str | None
    business_key: str
    count: int
    saga_ids: tuple[str, ...]
    oldest: datetime | None = None
    newest: datetime | None = None


class OrphanSteps(msgspec.Struct, frozen=True, gc=False):
    """Steps in a table of their own whose saga isn't there; of `looked_at` rows, `count` are such.

    `saga_ids` is a bounded sample of the ids that they name; `whole` tells that all rows were looked at.
    """

    source: str
    count: int
    looked_at: int
    saga_ids: tuple[str, ...] = ()
    whole: bool = True


class Survey(msgspec.Struct, frozen=True, gc=False):
    """What one store said about its sagas taken together; `source` is the place to name in evidence."""

    store: str
    source: str
    shared_keys: tuple[SharedKey, ...] = ()
    has_times: bool = True
    first_scan: bool = False
    """Without times: this reader's ledger holds no earlier observation of the store."""
    orphans: OrphanSteps | None = None
    """None where the store keeps no steps apart from their sagas, or could not look."""
    notes: tuple[str, ...] = ()
    """What was not looked for, in words."""
    stirred_at: datetime | None = None
    """When a row of any live saga was last written, where that tells whether anybody wakes the sleeping ones."""
    truncated: bool = False
    """There are more shared keys than are told."""
