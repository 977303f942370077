"""The company's one database: short transactions, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text

# Nothing here outlives the demo, so waiting for the disk at every commit would only make it slow.
_HURRY = {
    "sqlite": ("PRAGMA synchronous = OFF", "PRAGMA journal_mode = MEMORY"),
    "postgresql": ("SET synchronous_commit = off",),
}


class Database:
    """A single connection: a simulation does one thing at a time, and SQLite allows one writer."""

    def __init__(self, engine: Engine) -> None:
        """Connect, and keep the connection until `close`."""
        self._connection = engine.connect()
        for statement in _HURRY.get(engine.dialect.name, ()):
            self._connection.execute(text(statement))
        self._connection.commit()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Commit what is done inside, or nothing of it when an error leaves the block."""
        with self._connection.begin():
            yield self._connection

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()


def naive(moment: datetime) -> datetime:
    """Return the moment as this company stores it: UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)
