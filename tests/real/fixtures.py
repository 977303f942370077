"""Fixtures that give tests real databases. tests/conftest.py makes them known to all tests.

One server per test run, started when the first test asks for it and shared by all xdist workers; one fresh
database per test. Tests that stop, kill or hang a server take a private one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from tests.real import keeper, provide, servers

# Which service a fixture needs: tests that use it get the marker real(service).
NEEDS = {
    "postgres_server": "postgresql",
    "postgres_url": "postgresql",
    "private_postgres": "postgresql",
    "mariadb_server": "mariadb",
    "mariadb_url": "mariadb",
    "private_mariadb": "mariadb",
}
STORES = ("sqlite", "postgresql", "mariadb")

AnySqlServer = TypeVar("AnySqlServer", bound=servers.SqlServer)


def services_required() -> bool:
    """Whether a missing service is a failure: on CI, and where it is asked for."""
    return any(
        os.environ.get(name, "").lower() in {"1", "true", "yes"} for name in ("CI", "SAGADOCTOR_REQUIRE_SERVICES")
    )


def note_ran(request: pytest.FixtureRequest, service: str) -> None:
    """Kept in the test's report, from which the closing `real:` line is made."""
    request.node.user_properties.append(("real-ran", service))


def give_up(request: pytest.FixtureRequest, service: str, error: Exception) -> NoReturn:
    reason = " ".join(str(error).split())[:300]  # one line
    request.node.user_properties.append(("real-skipped", f"{service} ({reason})"))
    if services_required():
        pytest.fail(f"{service} is required here: {error}", pytrace=False)
    pytest.skip(f"{service}: {error}")


class SharedServer:
    """The run's server: its address, and fresh databases. It can't be stopped: other tests use it too."""

    def __init__(self, address: keeper.Address) -> None:
        self.host = address.host
        self.port = address.port
        self.pid = address.pid
        self.version = address.version
        kind = servers.KINDS[address.service]
        assert issubclass(kind, servers.SqlServer)
        # The same object that runs a server also speaks to one that another process runs.
        self._client = kind(keeper.run_dir())
        self._client.port = address.port

    def database_url(self) -> str:
        """The URL of a new, empty database."""
        return self._client.database_url()

    def drop_url(self, url: str) -> None:
        self._client.drop(url.rpartition("/")[2].partition("?")[0])

    def execute(self, *statements: str, database: str = "") -> None:
        """Runs statements as the administrator, each in its own transaction."""
        self._client.execute(*statements, database=database)


_shared: dict[str, SharedServer] = {}


def _shared_server(request: pytest.FixtureRequest, service: str) -> SharedServer:
    if service not in _shared:
        try:
            _shared[service] = SharedServer(keeper.ask(service))
        except (provide.ServiceMissingError, servers.ServerError) as error:
            give_up(request, service, error)
    note_ran(request, service)
    return _shared[service]


def _private_server(request: pytest.FixtureRequest, kind: type[AnySqlServer]) -> Iterator[AnySqlServer]:
    try:
        server = kind(keeper.run_dir())
        server.start()
    except (provide.ServiceMissingError, servers.ServerError) as error:
        give_up(request, kind.service, error)
    note_ran(request, kind.service)
    try:
        yield server
    finally:
        server.remove()


# Servers are looked up per test, not per session: so each test's report says which service it used.


@pytest.fixture
def postgres_server(request: pytest.FixtureRequest) -> SharedServer:
    """The run's PostgreSQL: .host .port .pid .version .database_url() .execute(sql)."""
    return _shared_server(request, "postgresql")


@pytest.fixture
def postgres_url(postgres_server: SharedServer) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh PostgreSQL database."""
    url = postgres_server.database_url()
    yield url
    postgres_server.drop_url(url)


@pytest.fixture
def mariadb_server(request: pytest.FixtureRequest) -> SharedServer:
    """The run's MariaDB: .host .port .pid .version .database_url() .execute(sql)."""
    return _shared_server(request, "mariadb")


@pytest.fixture
def mariadb_url(mariadb_server: SharedServer) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh MariaDB database; its user may do everything."""
    url = mariadb_server.database_url()
    yield url
    mariadb_server.drop_url(url)


@pytest.fixture
def private_postgres(request: pytest.FixtureRequest) -> Iterator[servers.PostgresServer]:
    """A PostgreSQL of the test's own: .stop() .start() .kill() .pause() .resume() .database_url()."""
    yield from _private_server(request, servers.PostgresServer)


@pytest.fixture
def private_mariadb(request: pytest.FixtureRequest) -> Iterator[servers.MariaDBServer]:
    """A MariaDB of the test's own: .stop() .start() .kill() .pause() .resume() .database_url()."""
    yield from _private_server(request, servers.MariaDBServer)


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The SQLAlchemy URL of a fresh SQLite file."""
    note_ran(request, "sqlite")
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.real("postgresql")),
        pytest.param("mariadb", marks=pytest.mark.real("mariadb")),
    ]
)
def store_url(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind in turn: the test runs once with each."""
    names = {"sqlite": "sqlite_url", "postgresql": "postgres_url", "mariadb": "mariadb_url"}
    return str(request.getfixturevalue(names[request.param]))
