"""The tables of the ledger, and how an old ledger becomes a new one.

A migration is history: it is never changed once released, only followed by the next one. It adds and never takes away,
so that a program which has the ledger open while a newer one migrates it goes on working. The second one is the
exception: it changes keys, so a program of version 1 that is at it says that it can't use the ledger any more.

What a ledger of version 1 holds belongs to the environment that opens it first; for others it is new. Version 1 didn't
know of environments, and nearly all of its ledgers are of a person with one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec

from sagadoctor.errors import LedgerTooNew

from .database import Database, Sort
from .shape import Shape
from .shelf import Shelf
from .text import key as key_of
from .text import safe


class Rekeyed(msgspec.Struct, frozen=True):
    """A table whose key begins with the environment from now on: how it is made, and which columns it had."""

    name: str
    key: tuple[str, ...]
    kept: tuple[str, ...]
    columns: tuple[str, ...]
    """Of the columns in `kept` what follows their name."""
    added: tuple[str, ...] = ()

    @property
    def create(self) -> str:
        """Return the statement that makes the table as `{name}`."""
        lines = [
            "environment {key} NOT NULL",
            *(f"{name} {sort}" for name, sort in zip(self.kept, self.columns, strict=True)),
            *self.added,
            f"PRIMARY KEY ({', '.join(self.key)})",
        ]
        return f"CREATE TABLE {{name}} ({', '.join(lines)}){{clustered}}"


class Beside(msgspec.Struct, frozen=True):
    """A table that came later: whoever may use the table it stands beside may use it too."""

    name: str
    beside: str
    columns: tuple[str, ...]

    @property
    def create(self) -> str:
        """Return the statement that makes the table."""
        return f"CREATE TABLE {self.name} ({', '.join(self.columns)}){{clustered}}"


def _rekeyed(name: str, keys: str, added: tuple[str, ...] = (), **columns: str) -> Rekeyed:
    return Rekeyed(name, ("environment", *keys.split()), tuple(columns), tuple(columns.values()), added)


_KEY, _TEXT, _WHOLE = "{key} NOT NULL", "{text} NOT NULL", "{whole} NOT NULL"
_SEEN_AND_ACKNOWLEDGED = (
    """CREATE TABLE sagadoctor_readers (
        reader {key} PRIMARY KEY,
        number {whole} NOT NULL,
        started {whole},
        lease_seconds {real},
        lease_until {whole},
        lease_monotonic {real},
        host {text},
        machine {text},
        pid {whole},
        born {text}
    ){clustered}""",
    """CREATE TABLE sagadoctor_completed (
        reader {key} NOT NULL,
        source_key {key} NOT NULL,
        source {text} NOT NULL,
        began {whole} NOT NULL,
        PRIMARY KEY (reader, source_key)
    ){clustered}""",
    """CREATE TABLE sagadoctor_seen (
        reader {key} NOT NULL,
        id {key} NOT NULL,
        long_id {text},
        cause {text} NOT NULL,
        store {text} NOT NULL,
        rule {text} NOT NULL,
        severity {text} NOT NULL,
        saga_type {text},
        saga_id {text},
        since {whole},
        ended {whole} NOT NULL,
        first_seen {whole} NOT NULL,
        told {whole} NOT NULL,
        scan {whole} NOT NULL,
        seen_at {whole} NOT NULL,
        PRIMARY KEY (reader, id)
    ){clustered}""",
    """CREATE TABLE sagadoctor_observations (
        store {key} NOT NULL,
        saga_id {key} NOT NULL,
        fingerprint {text} NOT NULL,
        since {whole} NOT NULL,
        seen_at {whole} NOT NULL,
        PRIMARY KEY (store, saga_id)
    ){clustered}""",
    """CREATE TABLE sagadoctor_judged (
        store {key} NOT NULL,
        saga_id {key} NOT NULL,
        seen_at {whole} NOT NULL,
        PRIMARY KEY (store, saga_id)
    ){clustered}""",
    """CREATE TABLE sagadoctor_acknowledgements (
        target {key} PRIMARY KEY,
        until {whole} NOT NULL,
        person {text} NOT NULL,
        reason {text} NOT NULL,
        made_at {whole} NOT NULL
    ){clustered}""",
    """CREATE TABLE sagadoctor_chores (
        chore {key} PRIMARY KEY,
        done_at {whole} NOT NULL
    ){clustered}""",
)

_BY_ENVIRONMENT = (
    _rekeyed(
        "sagadoctor_readers",
        "reader",
        reader=_KEY,
        number=_WHOLE,
        started="{whole}",
        lease_seconds="{real}",
        lease_until="{whole}",
        lease_monotonic="{real}",
        host="{text}",
        machine="{text}",
        pid="{whole}",
        born="{text}",
    ),
    _rekeyed("sagadoctor_completed", "reader source_key", reader=_KEY, source_key=_KEY, source=_TEXT, began=_WHOLE),
    _rekeyed(
        "sagadoctor_seen",
        "reader id",
        ("slot {text} NOT NULL DEFAULT ''",),
        reader=_KEY,
        id=_KEY,
        long_id="{text}",
        cause=_TEXT,
        store=_TEXT,
        rule=_TEXT,
        severity=_TEXT,
        saga_type="{text}",
        saga_id="{text}",
        since="{whole}",
        ended=_WHOLE,
        first_seen=_WHOLE,
        told=_WHOLE,
        scan=_WHOLE,
        seen_at=_WHOLE,
    ),
    _rekeyed(
        "sagadoctor_observations",
        "store saga_id",
        store=_KEY,
        saga_id=_KEY,
        fingerprint=_TEXT,
        since=_WHOLE,
        seen_at=_WHOLE,
    ),
    _rekeyed("sagadoctor_judged", "store saga_id", store=_KEY, saga_id=_KEY, seen_at=_WHOLE),
    _rekeyed(
        "sagadoctor_acknowledgements",
        "target",
        target=_KEY,
        until=_WHOLE,
        person=_TEXT,
        reason=_TEXT,
        made_at=_WHOLE,
    ),
    _rekeyed("sagadoctor_chores", "chore", chore=_KEY, done_at=_WHOLE),
)

_TRIES = Beside(
    "sagadoctor_tries",
    "sagadoctor_observations",
    (
        "environment {key} NOT NULL",
        "store {key} NOT NULL",
        "saga_id {key} NOT NULL",
        "mark {text} NOT NULL",
        "since {whole} NOT NULL",
        "first_count {whole} NOT NULL",
        "latest_count {whole} NOT NULL",
        "seen_at {whole} NOT NULL",
        "PRIMARY KEY (environment, store, saga_id)",
    ),
)


def _settle(database: Database, shelf: Shelf) -> None:
    """Say where the stores are whose rows version 1 knew by name alone."""
    for table, column in (
        ("sagadoctor_completed", "source_key"),
        ("sagadoctor_observations", "store"),
        ("sagadoctor_judged", "store"),
    ):
        for store in shelf.places:
            database.run(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", shelf.slot(store), key_of(store))  # noqa: S608
    database.run("UPDATE sagadoctor_seen SET slot = store")
    for store in shelf.places:
        database.run("UPDATE sagadoctor_seen SET slot = ? WHERE store = ?", shelf.slot(store), safe(store))


Step = str | Rekeyed | Beside | Callable[[Database, Shelf], None]
MIGRATIONS: tuple[tuple[Step, ...], ...] = (_SEEN_AND_ACKNOWLEDGED, (*_BY_ENVIRONMENT, _settle), (_TRIES,))
"""The statements that lead from version n to version n + 1; the length is the version that this program knows."""

_VERSION = Shape("sagadoctor_schema", version=Annotated[int, msgspec.Meta(ge=0)] | None)
VERSION_TABLE = "CREATE TABLE IF NOT EXISTS sagadoctor_schema (version {whole} NOT NULL)"


def words(key: str, text: str, whole: str, real: str, clustered: str) -> Mapping[str, str]:
    """Return how a database calls the sorts of columns, and what makes a table lie in the order of its key."""
    return {Sort.KEY: key, Sort.TEXT: text, Sort.WHOLE: whole, Sort.REAL: real, "clustered": clustered}


def version(database: Database) -> int:
    """Return the version that an existing version table tells."""
    rows = _VERSION.checked(database, database.rows("SELECT max(version) FROM sagadoctor_schema"))
    found: int | None = rows[0][0]
    return found or 0


def is_current(database: Database, place: str) -> bool:
    """Say whether nothing is to be migrated, where the version table is there; raise LedgerTooNew for a newer one."""
    found = version(database)
    if found > len(MIGRATIONS):
        raise LedgerTooNew(
            f"the ledger {place} was written by a newer sagadoctor (version {found}, this program knows "
            f"{len(MIGRATIONS)}): upgrade sagadoctor, or name another ledger"
        )
    return found == len(MIGRATIONS)


def migrate(
    database: Database,
    place: str,
    dialect: Mapping[str, str],
    shelf: Shelf,
    rekey: Callable[[Rekeyed, str], None],
    grant: Callable[[Beside], None] = lambda table: None,
    before: Callable[[], object] = lambda: None,
) -> None:
    """Bring the ledger to the newest version in one transaction; `before` runs in it first and keeps others out.

    What an older one holds without saying whose it is becomes that of `shelf`. `grant` opens a new table to those who
    may use the one beside it, where there are such rights.
    """
    with database.transaction():
        before()
        database.run(VERSION_TABLE.format_map(dialect))
        if is_current(database, place):
            return  # another process was faster
        for steps in MIGRATIONS[version(database) :]:
            for step in steps:
                if isinstance(step, str):
                    database.run(step.format_map(dialect))
                elif isinstance(step, Rekeyed):
                    rekey(step, shelf.name)
                elif isinstance(step, Beside):
                    database.run(step.create.format_map(dialect))
                    grant(step)
                else:
                    step(database, shelf)
        database.run("DELETE FROM sagadoctor_schema")
        database.run("INSERT INTO sagadoctor_schema (version) VALUES (?)", len(MIGRATIONS))
