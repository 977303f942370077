"""Where a database is: its URL, taken apart without loading a driver."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec
from msgspec.structs import replace

from sagadoctor.redaction import mask_url

from .tls import check_query

POSTGRESQL: Final = "postgresql"
MARIADB: Final = "mariadb"
SQLITE: Final = "sqlite"

_ENGINES: Final = {
    "postgresql": POSTGRESQL,
    "postgresql+psycopg": POSTGRESQL,
    "postgres": POSTGRESQL,
    "mariadb": MARIADB,
    "mariadb+pymysql": MARIADB,
    "mysql": MARIADB,
    "mysql+pymysql": MARIADB,
    "sqlite": SQLITE,
    "sqlite+pysqlite": SQLITE,
}


class Address(msgspec.Struct, frozen=True):
    """A database's address; two stores with the same address and user share their connections."""

    engine: str
    url: str
    user: str | None
    host: str | None
    port: int | None
    database: str | None
    query: Mapping[str, str] = msgspec.field(default_factory=lambda: MappingProxyType({}))

    @property
    def shown(self) -> str:
        """Return the URL fit for a message."""
        return mask_url(self.url)


def parse_address(url: str) -> Address:
    """Take a URL apart.

    Raises ValueError for a URL without a known scheme, and for one that holds a password.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ValueError('not a URL: it starts with a scheme, such as "postgresql+psycopg://user@host/database"')
    engine = _ENGINES.get(scheme.lower())
    if engine is None:
        raise ValueError(
            f"unknown scheme {scheme!r}; known are postgresql+psycopg, mariadb+pymysql, mysql+pymysql, sqlite"
        )
    if engine == SQLITE:
        return _sqlite(url, rest)
    try:
        parts = urlsplit(f"x://{rest}")
        port = parts.port
    except ValueError:
        raise ValueError("the URL has no readable host and port") from None
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.password is not None:
        raise ValueError('no password in a URL: say password = { env = "NAME" } beside it')
    check_query(query, is_mariadb=engine == MARIADB)
    return Address(
        engine=engine,
        url=url,
        user=unquote(parts.username) if parts.username else None,
        host=unquote(parts.hostname) if parts.hostname else None,
        port=port,
        database=unquote(parts.path.lstrip("/")) or None,
        query=MappingProxyType(query),
    )


def _sqlite(url: str, rest: str) -> Address:
    path, _, query = rest.partition("?")
    if not path.startswith("/"):
        raise ValueError("write sqlite:////absolute/path.db, or sqlite:///x.db for a file beside the configuration")
    name = unquote(path[1:])
    said = dict(parse_qsl(query, keep_blank_values=True))
    if name in ("", ":memory:") or name.startswith("file:") or said.get("mode") == "memory":
        raise ValueError("a SQLite store is a file: sqlite:////absolute/path.db")
    if name.endswith("/") or "\x00" in name:
        raise ValueError("a SQLite store is a file, and this path can't be one")
    for key, value in said.items():
        if (key, value) not in (("mode", "ro"), ("uri", "true")):
            raise ValueError(f"a SQLite URL takes no {key!r}: the file is opened read-only and as it lies there")
    return Address(SQLITE, url, None, None, None, name, MappingProxyType(said))


def beside(address: Address, folder: str | None) -> Address:
    """Return the address of a SQLite file as an absolute one: a relative path is beside the configuration.

    Raises ValueError where nobody knows the folder: whatever `cd` came before must not decide what is looked at.
    """
    if address.engine != SQLITE or os.path.isabs(address.database or ""):
        return address
    if folder is None:
        raise ValueError("a relative path is beside a configuration, and there is none: sqlite:////absolute/path.db")
    path = os.path.join(folder, address.database or "")
    return replace(address, database=path, url=f"sqlite:///{quote(path)}")
