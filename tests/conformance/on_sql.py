"""Holding the SQL store in the suite's hands, on any database: filling, hanging, breaking, counting."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit, urlunsplit

from msgspec.structs import replace
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, MetaData, NullPool, Table, create_engine, text

from sagadoctor.adapters.sql import plugin
from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import Deadline, Doubt, Saga, Store, StoreContext, SystemClock
from sagadoctor.testing.promises.manners import MOST_CONNECTIONS
from sagadoctor.testing.store_suite import StoreSuite


class OnSql(StoreSuite):
    """A table of one company in a database of any kind; the class of the test sets `url`."""

    metadata: ClassVar[MetaData]
    locked: ClassVar[str]
    """The table that everything is read from."""
    mapping: ClassVar[Mapping[str, Any]]
    url: str
    hangs_on_sqlite = False
    """A file's lock is awaited in a thread that nothing wakes: once is enough to see that it is left."""
    many = 4_100
    short = 0.2
    patience = 10.0

    def rows(self, saga: Saga) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Return the rows of each table that hold a saga."""
        raise NotImplementedError

    @cached_property
    def engine(self) -> Engine:
        """The company's own way in."""
        engine = create_engine(self.url, poolclass=NullPool)
        self.metadata.drop_all(engine)
        self.metadata.create_all(engine)
        return engine

    def open(self, sagas: Sequence[Saga]) -> Store:
        written: dict[str, list[Mapping[str, Any]]] = {}
        for saga in sagas:
            for table, rows in self.rows(saga).items():
                written.setdefault(table, []).extend(rows)
        with self.engine.begin() as connection:
            for table in self.metadata.sorted_tables:
                connection.execute(table.delete())
                if written.get(table.name):
                    connection.execute(table.insert(), _each_once(table, written[table.name]))
        return self.store()

    def store(self) -> SqlStore:
        """Open a store as the configuration does."""
        address, secret = _without_password(self.url)
        lock = "500ms" if address.startswith("sqlite") else "1h"
        given = {"url": address, "statement_timeout": "1h", "lock_timeout": lock, **self.mapping}
        if secret is not None:
            given["password"] = {"env": "NOWHERE"}
        options = plugin.options.model_validate(plugin.expand(given))
        if secret is not None:
            assert options.password is not None
            resolved = options.password.model_copy(update={"value": SecretStr(secret)})
            options = options.model_copy(update={"password": resolved})
        store = plugin.open(options, StoreContext("orders", "test", SystemClock()))
        assert isinstance(store, SqlStore)
        return store

    async def write(self, store: Store) -> None:
        assert isinstance(store, SqlStore)
        deadline = Deadline.after(SystemClock(), 10.0)
        await store._guest.run(lambda session: session.ask(f"delete from {self.locked}"), deadline)

    @contextmanager
    def broken(self, store: Store) -> Iterator[None]:
        self._run(f"alter table {self.locked} rename to gone")
        try:
            yield
        finally:
            self._run(f"alter table gone rename to {self.locked}")

    def hanging(self, store: Store) -> AbstractContextManager[None] | None:
        if self.engine.dialect.name == "sqlite" and not self.hangs_on_sqlite:
            return None
        return self._locked()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self.engine.dialect.name == "sqlite":
            with _locked_by_another_process(_path(self.url)):
                yield
            return
        with self.engine.connect() as holder:
            self.own.add(_number(holder))
            exclusive = {"postgresql": "lock table {} in access exclusive mode", "mysql": "lock tables {} write"}
            holder.execute(text(exclusive[self.engine.dialect.name].format(self.locked)))
            try:
                yield
            finally:
                holder.rollback()

    def connections(self) -> int | None:
        if self.engine.dialect.name == "sqlite":
            return sum(
                _is_open(descriptor, self.url.partition(":///")[2]) for descriptor in os.listdir("/proc/self/fd")
            )
        count = self._count()
        if count > MOST_CONNECTIONS:  # the process of a connection that was cut leaves a moment later
            time.sleep(0.1)
            count = min(count, self._count())
        return count

    def _count(self) -> int:
        watcher = self._watcher
        own = ", ".join(str(number) for number in self.own)
        counted = watcher.execute(text(_COUNT[self.engine.dialect.name].format(own=own)))
        return int(counted.scalar_one())

    @cached_property
    def own(self) -> set[int]:
        """The connections that are the test's."""
        return set()

    @cached_property
    def _watcher(self) -> Connection:
        watcher = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self.own.add(_number(watcher))
        return watcher

    def let_go(self) -> None:
        """Close what the test had open."""
        if "_watcher" in vars(self):
            self._watcher.close()
        self.engine.dispose()

    def _run(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement))


def _each_once(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows; two sagas may name one lock, and any other id that is there twice is a mistake."""
    if table.name != "flow_lock":
        return list(rows)
    return list({row["target"]: row for row in reversed(rows)}.values())


_COUNT = {
    "postgresql": "select count(*) from pg_stat_activity where datname = current_database() and pid not in ({own})",
    "mysql": "select count(*) from information_schema.processlist where db = database() and id not in ({own})",
}
_NUMBER = {"postgresql": "select pg_backend_pid()", "mysql": "select connection_id()"}
_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("begin exclusive")
print("locked", flush=True)
sys.stdin.read()
"""


def timeless(told: Saga) -> Saga:
    """A saga as a store with times tells it: a live one that has none carries the doubt that says so."""
    times = [at for step in told.steps or () for at in (step.started_at, step.executed_at, step.compensated_at)]
    if not told.is_live or any((told.created_at, told.updated_at, *times)):
        return told
    return replace(told, doubts=(*told.doubts, Doubt("updated_at", "NULL", "nothing tells when it last moved")))


def _number(connection: Connection) -> int:
    number = int(connection.execute(text(_NUMBER[connection.engine.dialect.name])).scalar_one())
    connection.rollback()
    return number


def _path(url: str) -> str:
    return url.partition(":///")[2]


@contextmanager
def _locked_by_another_process(path: str) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", _LOCK, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            holder.stdin.close()


def _is_open(descriptor: str, path: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}") == path
    except OSError:
        return False


def _without_password(url: str) -> tuple[str, str | None]:
    parts = urlsplit(url)
    if parts.password is None:
        return url, None
    place = f"{parts.username}@{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    return urlunsplit((parts.scheme, place, *parts[2:])), unquote(parts.password)
