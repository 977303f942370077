"""What a backend must offer; async on the outside, whatever it does inside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from sagadoctor.clock import Clock
from sagadoctor.model.capability import Capability
from sagadoctor.model.policy import Policy
from sagadoctor.model.saga import Saga
from sagadoctor.model.survey import Survey

from .deadline import Deadline
from .options import Options

if TYPE_CHECKING:
    from .proposal import Inquiry, Proposal

API_VERSION = 1


class Look(msgspec.Struct, frozen=True):
    """What one scan wants to read of a store.

    `ended_since`: ended rows that changed at or after this moment are read too; None: no ended rows by time.
    `all_ended`: every ended row. `saga_types`: only these types, None for all. `live_cap`: at most that many
    live rows, the oldest progress first.
    """

    deadline: Deadline
    ended_since: datetime | None = None
    all_ended: bool = False
    saga_types: frozenset[str] | None = None
    live_cap: int = 200_000
    allow_full_scan: bool = False


class Page(msgspec.Struct, frozen=True):
    """Some rows of a store, as facts; `truncated` when rows were left out because of a cap."""

    sagas: Sequence[Saga]
    truncated: bool = False
    notes: tuple[str, ...] = ()


class CheckLevel(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class CheckLine(msgspec.Struct, frozen=True):
    """One thing that `check` looked at: what, how it went, and what to do next."""

    about: str
    level: CheckLevel
    text: str
    todo: str = ""
    seconds: float | None = None


class Store(Protocol):
    """A saga store, read only.

    Every method raises a `BackendError` and nothing else when the store can't be read, and ends by its deadline.
    """

    @property
    def name(self) -> str:
        """Return the configured name."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Return what this store can do; complete once `now` was answered, with which every scan begins."""
        ...

    async def now(self, deadline: Deadline) -> datetime:
        """Return the store's own present as aware UTC."""
        ...

    def read(self, look: Look) -> AsyncIterator[Page]:
        """Yield all live rows (and the ended ones that `look` asks for), a page of some thousand at a time."""
        ...

    def ended_ids(self, look: Look) -> AsyncIterator[Sequence[str]]:
        """Yield the ids of ended rows in key order; for stores without a time of change."""
        ...

    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        """Return every row with one of these ids, in any usual spelling of an id; `detail` adds the payload."""
        ...

    async def find(self, business_key: str, deadline: Deadline) -> tuple[Saga, ...]:
        """Return the rows with this business key, at most 100; empty where keys aren't mapped."""
        ...

    async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
        """Return the live and the failed rows whose parent is one of these ids, as the store itself prints them.

        At most ten of each parent: those that have stood still longest. Empty where parents aren't mapped; raises
        FullScanRefused where only reading all of a big table would find them.
        """
        ...

    async def survey(self, look: Look) -> Survey:
        """Return the aggregates that survey rules read, computed by the store."""
        ...

    async def check(self, deadline: Deadline) -> tuple[CheckLine, ...]:
        """Try everything that a scan needs and say how it went."""
        ...

    async def close(self) -> None:
        """Let go of every connection; never waits for a thread that hangs."""
        ...


class PlainStore:
    """The answers of a store that keeps no business keys, no parents and no ended sagas without times.

    A plugin's store may inherit them: what is left to write is `capabilities`, `now`, `read`, `fetch`, `check` and
    `close`. `source` is the place to name in evidence.
    """

    def __init__(self, context: StoreContext, source: str = "sagas") -> None:
        """Keep what the configuration says; `source` is shown behind the store's name."""
        self.context = context
        self.source = f"{context.name}.{source}"

    @property
    def name(self) -> str:
        """Return the configured name."""
        return self.context.name

    async def ended_ids(self, look: Look) -> AsyncIterator[Sequence[str]]:
        """Yield nothing: ended sagas that tell when they changed are read by `read`."""
        nobody: tuple[Sequence[str], ...] = ()
        for nothing in nobody:
            yield nothing

    async def find(self, business_key: str, deadline: Deadline) -> tuple[Saga, ...]:
        """Return nothing: nobody knows a business key here."""
        del business_key, deadline
        return ()

    async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
        """Return nothing: nobody knows a parent here."""
        del parents, deadline
        return ()

    async def survey(self, look: Look) -> Survey:
        """Return no aggregates."""
        del look
        return Survey(self.name, self.source)


class StoreContext(msgspec.Struct, frozen=True):
    """What a store may know of the rest of the configuration.

    `tz` is the IANA name that naive times are in unless a mapping says otherwise; `big_table` the rows above which a
    sequential read is asked for first; `folder` where the configuration lies, as an absolute path: relative paths
    in it mean files beside it. `origin` says where the value at a key of the store's own table is from, such as
    `orders.toml:12`; "default" where no file says it.
    """

    name: str
    environment: str
    clock: Clock
    tz: str = "UTC"
    policy: Policy = msgspec.field(default_factory=Policy)
    big_table: int = 100_000
    folder: str | None = None
    origin: Callable[[tuple[str | int, ...]], str] | None = None


def _unchanged(table: Mapping[str, Any]) -> Mapping[str, Any]:
    return table


class StorePlugin(msgspec.Struct, frozen=True):
    """What an entry point of the group `sagadoctor.v1.stores` gives.

    `options` validates the backend's table of the configuration, without the keys in `reserved`. `expand` is
    applied to that table first (presets). `open` makes the store; it may raise ConfigError, must not connect yet.
    `propose`, where there is one, looks at a database that nobody has mapped yet and drafts its configuration.
    """

    options: type[Options]
    open: Callable[[Any, StoreContext], Store]
    expand: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _unchanged
    api_version: int = API_VERSION
    summary: str = ""
    propose: Callable[[Inquiry], Awaitable[Proposal]] | None = None
