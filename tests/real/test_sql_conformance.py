"""The SQL store keeps every promise of a store, on PostgreSQL and on MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from sagadoctor.api.v1 import Store
from tests.adapters.suites import ChildTableSuite, SqlSuite

from .fixtures import SharedServer


class _OnServer(SqlSuite):
    count: str
    who: str
    _locker = 0
    _counter: sa.Connection | None = None

    def connections(self) -> int | None:
        if self._counter is None:
            engine = sa.create_engine(self.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
            self._counter = engine.connect()
        return int(self._counter.exec_driver_sql(self.count.format(locker=self._locker)).scalar_one())

    @contextmanager
    def hanging(self, store: Store) -> Iterator[None]:
        """Somebody holds the table so that nobody can read it: each statement waits for the lock."""
        assert self.tables is not None
        with self.tables.engine.connect() as connection:
            self._locker = connection.exec_driver_sql(self.who).scalar_one()
            connection.exec_driver_sql(self.lock)
            yield
            connection.exec_driver_sql(self.unlock)

    lock: str
    unlock: str


class _OnPostgresql(_OnServer):
    count = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and application_name like 'sagadoctor%%'"
    )
    who = "select pg_backend_pid()"
    lock = "lock table sagas in access exclusive mode"
    unlock = "rollback"

    @pytest.fixture(autouse=True)
    def _database(self, postgres_url: str) -> Iterator[None]:
        self.url = postgres_url
        yield
        if self._counter is not None:
            self._counter.close()


class _OnMariadb(_OnServer):
    count = (
        "select count(*) from information_schema.processlist where db = database()"
        " and id not in (connection_id(), {locker})"
    )
    who = "select pg_backend_pid()"
    who = "select connection_id()"
    lock = "lock tables sagas write"
    unlock = "unlock tables"

    @pytest.fixture(autouse=True)
    def _database(self, mariadb_url: str, mariadb_server: SharedServer) -> Iterator[None]:
        self.url = mariadb_url
        yield
        if self._counter is not None:
            self._counter.close()


class TestPostgresqlJsonList(_OnPostgresql):
    """Steps as a JSON list."""


class TestPostgresqlChildTable(ChildTableSuite, _OnPostgresql):
    """Steps in a table of their own."""


class TestMariadbJsonList(_OnMariadb):
    """Steps as a JSON list."""


class TestMariadbChildTable(ChildTableSuite, _OnMariadb):
    """Steps in a table of their own."""
