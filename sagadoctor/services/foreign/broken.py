"""A store whose plugin can't even be opened: it answers every question with the reason."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from pydantic import ConfigDict

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.options import Options
from sagadoctor.api.ports import CheckLine, Look, Page, StorePlugin
from sagadoctor.errors import BackendError
from sagadoctor.model.capability import Capability
from sagadoctor.model.saga import Saga
from sagadoctor.model.survey import Survey


def broken_plugin(reason: str) -> StorePlugin:
    """Return what stands for a plugin that can't be loaded: it takes any table, and opens a store that tells why."""

    class Anything(Options):
        model_config = ConfigDict(extra="allow")

    return StorePlugin(options=Anything, open=lambda _, context: BrokenStore(context.name, reason))


class BrokenStore:
    """Raises a BackendError for everything; closing it is fine."""

    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, name: str, reason: str) -> None:
        """Keep the configured name, and why there is nothing behind it."""
        self.name, self._reason = name, reason

    @property
    def _error(self) -> BackendError:
        return BackendError(self._reason, hint="mend the plugin, or take its stores out of the configuration")

    def _nothing(self) -> tuple[tuple[()], ...]:
        raise self._error

    async def now(self, deadline: Deadline) -> datetime:
        """Raise the reason."""
        raise self._error

    async def read(self, look: Look) -> AsyncIterator[Page]:
        """Raise the reason."""
        for nothing in self._nothing():
            yield Page(nothing)

    async def ended_ids(self, look: Look) -> AsyncIterator[Sequence[str]]:
        """Raise the reason."""
        for nothing in self._nothing():
            yield nothing

    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        """Raise the reason."""
        raise self._error

    async def find(self, business_key: str, deadline: Deadline) -> tuple[Saga, ...]:
        """Raise the reason."""
        raise self._error

    async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
        """Raise the reason."""
        raise self._error

    async def survey(self, look: Look) -> Survey:
        """Raise the reason."""
        raise self._error

    async def check(self, deadline: Deadline) -> tuple[CheckLine, ...]:
        """Raise the reason."""
        raise self._error

    async def close(self) -> None:
        """There is nothing to close."""
