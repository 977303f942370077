"""Sagas in the tables of a PostgreSQL, MariaDB, MySQL or SQLite database, read through a declared mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagadoctor.api.v1 import StoreContext, StorePlugin

from .options import SqlOptions
from .presets import expand

if TYPE_CHECKING:
    from sagadoctor.api.v1.proposing import Inquiry, Proposal

    from .store import SqlStore


def _open(options: Any, context: StoreContext) -> SqlStore:
    from .store import SqlStore

    return SqlStore(options, context)


async def _propose(inquiry: Inquiry) -> Proposal:
    from .guess.propose import propose

    return await propose(inquiry)


plugin = StorePlugin(
    options=SqlOptions,
    open=_open,
    expand=expand,
    propose=_propose,
    summary="sagas in SQL tables (PostgreSQL, MariaDB, MySQL, SQLite)",
)
