"""What the guest connection asks of one engine's driver; everything here blocks and runs in a worker's thread."""

from __future__ import annotations

import abc
from collections.abc import Generator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from sagadoctor.errors import BackendError

from .address import Address
from .statement import Compiled, compiled

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import Dialect
    from sqlalchemy.sql.elements import ClauseElement

    from .catalog import Catalog

Row = Sequence[Any]


class Limits(msgspec.Struct, frozen=True):
    """How long a server may work for us, in seconds: one statement, waiting for a lock, making a connection."""

    statement: float = 5.0
    lock: float = 1.0
    connect: float = 5.0


class Link(msgspec.Struct):
    """One connection of a driver, with what the server said about itself when it was made."""

    raw: Any
    version: str = ""
    version_number: int = 0
    product: str = ""
    limits: Limits | None = None
    wrapped: bool = False
    """A pooler between us and the server drops session settings: every unit of work sets its own."""
    untouched: Any = None
    """How what is read lay there before, for `moved`; None where the engine itself sees to that."""


class Driver(abc.ABC):
    """One engine's manners; `address.engine` is the name that mappings and tests know it by."""

    engine: ClassVar[str]
    dialect: Dialect
    trusts_own_clock: ClassVar[bool] = False
    """The engine runs in our own process: its clock is ours."""

    def __init__(self, address: Address, application: str) -> None:
        """Keep where to connect to and how to call ourselves there."""
        self.address = address
        self.application = application

    def load(self) -> None:  # noqa: B027 - most drivers are complete when they are made
        """Load what statements need beside a connection; called while the connection is made, in another thread."""

    def compiled(self, statement: ClauseElement, *, plain: bool = False) -> Compiled:
        """Return a statement as the driver takes it; one that is `plain` may be written in a cheaper way."""
        del plain
        return compiled(statement, self.dialect)

    @abc.abstractmethod
    def connect(self, password: str | None, limits: Limits) -> Link:
        """Make a read-only connection; raises the driver's own errors."""

    @abc.abstractmethod
    def limit(self, link: Link, limits: Limits) -> None:
        """Make the server keep these limits for what follows."""

    @abc.abstractmethod
    def rows(self, link: Link, text: str, parameters: Any) -> list[Row]:
        """Run a small statement and return its rows as ordinary Python values."""

    @abc.abstractmethod
    def stream(self, link: Link, text: str, parameters: Any, size: int) -> Generator[Row, None, None]:
        """Run a statement and yield its rows with cells as raw as the driver has them (see `cells`)."""

    @abc.abstractmethod
    def begin(self, link: Link, *, snapshot: bool) -> None:
        """Begin a read-only transaction; with `snapshot`, all its statements see one moment."""

    def keep_order(self, link: Link, *, wanted: bool) -> None:  # noqa: B027 - the others are told which index to take
        """Have the server follow an index's order rather than sort, until this is unwanted or the transaction ends."""

    @abc.abstractmethod
    def end(self, link: Link) -> None:
        """End the transaction."""

    def moved(self, link: Link) -> bool:
        """Say whether somebody changed what this link reads, so that it is wrong; must not raise."""
        del link
        return False

    @abc.abstractmethod
    def cancel(self, link: Link, helper: Link | None, seconds: float) -> bool:
        """End what the server is doing for this link; called from another thread, must not raise.

        `helper` is a connection that is idle. Returns whether the server heard of it.
        """

    @abc.abstractmethod
    def cut(self, link: Link) -> None:
        """Close the socket under a thread that hangs in it; must not block or raise."""

    @abc.abstractmethod
    def close(self, link: Link) -> None:
        """Say good-bye; must not raise."""

    @abc.abstractmethod
    def translate(self, error: Exception) -> BackendError | None:
        """Return our own error for one of the driver's; None for an error that isn't the driver's."""

    def security(self, link: Link) -> str:
        """Return how the connection is secured, in words; empty where nothing goes over a network."""
        del link
        return ""

    @abc.abstractmethod
    def now(self, link: Link) -> datetime:
        """Return the server's present as aware UTC."""

    @abc.abstractmethod
    def catalog(self, link: Link) -> Catalog:
        """Return the reader of this engine's own tables about tables."""

    @abc.abstractmethod
    def explain(self, link: Link, text: str, parameters: Any) -> list[Row]:
        """Return the engine's plan for a statement, in the form that `plans` reads."""
