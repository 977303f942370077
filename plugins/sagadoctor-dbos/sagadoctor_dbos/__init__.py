"""DBOS Transact workflows as sagas, read from the system tables on PostgreSQL or SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagadoctor.api.v1 import StoreContext, StorePlugin

from .options import DbosOptions

if TYPE_CHECKING:
    from .store import DbosStore


def _open(options: Any, context: StoreContext) -> DbosStore:
    from .store import open_store

    return open_store(options, context)


plugin = StorePlugin(options=DbosOptions, open=_open, summary="DBOS Transact workflows (PostgreSQL, SQLite)")
