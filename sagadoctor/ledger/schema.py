"""The tables of the ledger, and how an old ledger becomes a new one.

A migration is history: it is never changed once released, only followed by the next one. It adds and never takes away,
so that a program which has the ledger open while a newer one migrates it goes on working.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sagadoctor.errors import LedgerError, LedgerTooNew

from .database import Database, Sort

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

MIGRATIONS: tuple[tuple[str, ...], ...] = (_SEEN_AND_ACKNOWLEDGED,)
"""The statements that lead from version n to version n + 1; the length is the version that this program knows."""

VERSION_TABLE = "CREATE TABLE IF NOT EXISTS sagadoctor_schema (version {whole} NOT NULL)"


def words(key: str, text: str, whole: str, real: str, clustered: str) -> Mapping[str, str]:
    """Return how a database calls the sorts of columns, and what makes a table lie in the order of its key."""
    return {Sort.KEY: key, Sort.TEXT: text, Sort.WHOLE: whole, Sort.REAL: real, "clustered": clustered}


def version(database: Database) -> int:
    """Return the version that an existing version table tells."""
    found = database.rows("SELECT max(version) FROM sagadoctor_schema")[0][0]
    if found is not None and not isinstance(found, int):
        raise LedgerError(f"the ledger's version is {found!r}: it was changed by something else")
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
    database: Database, place: str, dialect: Mapping[str, str], before: Callable[[], object] = lambda: None
) -> None:
    """Bring the ledger to the newest version in one transaction; `before` runs in it first and keeps others out."""
    with database.transaction():
        before()
        database.run(VERSION_TABLE.format_map(dialect))
        if is_current(database, place):
            return  # another process was faster
        for statements in MIGRATIONS[version(database) :]:
            for statement in statements:
                database.run(statement.format_map(dialect))
        database.run("DELETE FROM sagadoctor_schema")
        database.run("INSERT INTO sagadoctor_schema (version) VALUES (?)", len(MIGRATIONS))
