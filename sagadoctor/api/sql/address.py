"""Where a database is: its URL, taken apart without loading a driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from sagadoctor.redaction import mask_url

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


@dataclass(frozen=True, slots=True)
class Address:
    """A database's address; two stores with the same address and user share their connections."""

    engine: str
    url: str
    user: str | None
    host: str | None
    port: int | None
    database: str | None
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

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
    if parts.password is not None or "password" in query or "passwd" in query:
        raise ValueError('no password in a URL: say password = { env = "NAME" } beside it')
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
        raise ValueError("write sqlite:///relative.db or sqlite:////absolute/path.db")
    name = unquote(path[1:])
    if name in ("", ":memory:"):
        raise ValueError("a SQLite store is a file: sqlite:////absolute/path.db")
    return Address(SQLITE, url, None, None, None, name, MappingProxyType(dict(parse_qsl(query))))
